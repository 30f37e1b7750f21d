"""The smallest drift that is found 95 times in 100, by adding shifts to the quiet windows that gave the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from slipway.drift.distance import Check, distances
from slipway.drift.reference import SHIFTS, Profile
from slipway.drift.tables import Array, Kind
from slipway.drift.windows import Moved

FOUND, ERRORS = 0.95, 1.645  # the share of the windows, and the standard errors that it takes
SHARES = tuple(share for share in (0.0005 * 1.25**step for step in range(34)) if share < 1)


def smallest_found(profile: Profile, quiet: Moved, limits: Mapping[Check, float], *, rows: float) -> float | None:
    """Return the smallest shift tried that a column's thresholds find in 95 windows of 100, or None.

    For numbers in standard deviations, in the direction that is harder to find; for names the share of the rows that
    changes from the most frequent name to the next.
    """
    shares = profile.counts[:-1] / max(profile.known, 1)

    def found(effect: Array) -> float:
        apart = distances(effect + quiet.known, shares, profile.kind, rows=rows)
        return float(np.mean(np.any([apart[check] > limits[check] for check in apart], axis=0)))

    if profile.kind is Kind.CATEGORY:
        return _first(SHARES, lambda at: found(_changed(shares, SHARES[at])))
    if not profile.shifted.shape[1]:
        return None
    effects = profile.shifted - shares
    return _first(SHIFTS, lambda at: min(found(effects[0, at]), found(effects[1, at])))


def rise_found(quiet: Array, limit: float) -> float:
    """Return the smallest rise of a mean that passes its limit in 95 windows of 100."""
    return float(limit - np.quantile(quiet, 1 - FOUND))


def gaps_found(profile: Profile, quiet: Moved, limit: float, *, rows: int) -> float | None:
    """Return the smallest share of values going missing that is found in 95 windows of 100 of ``rows`` rows, or None.

    The more values go missing, the more their share varies: the quiet windows' variance is raised to that of the share.
    """
    before, rise = profile.missing, limit
    for _ in range(20):
        now = min(before + rise, 1.0)
        more = max(now * (1 - now) - before * (1 - before), 0.0) / rows
        rise = limit + ERRORS * float(np.sqrt(quiet.missing.var() + more))
    return rise if rise <= 1 - before else None


def _changed(shares: Array, share: float) -> Array:
    effect = np.zeros(len(shares))
    first = int(shares.argmax())
    second = int(np.argsort(-shares, kind="stable")[1]) if len(shares) > 1 else first
    moved = min(share, float(shares[first]))
    effect[first] -= moved
    effect[second] += moved
    return effect


def _first(tried: tuple[float, ...], chance: Callable[[int], float]) -> float | None:
    """Return the first of ascending sizes that is found often enough; the chance rises with the size."""
    low, high = 0, len(tried)
    while low < high:
        middle = (low + high) // 2
        if chance(middle) >= FOUND:
            high = middle
        else:
            low = middle + 1
    return tried[low] if low < len(tried) else None
