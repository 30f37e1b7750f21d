"""Tails of latency from many short turns: one quantile of all requests, and how sure its ratio to another's is. Pure.

A host stops for a moment now and then, and at a low rate a few such moments are all that a p99 sees. So the systems
take short turns beside each other, and the quantile is that of the requests of all turns and rounds together. The
interval of a ratio comes from drawing turns, ours and theirs of the same moment together, again and again (a paired
block bootstrap): requests of one turn are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARE = 0.99
_DRAWS = 1000
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one turn at one rate.

    Attributes
    ----------
    place : int
        Which turn of the run; turns of several systems with the same place came right after each other.
    latencies_ms : tuple of float
    lost : int
        Requests that were refused or lost: infinitely late.
    """

    place: int
    latencies_ms: tuple[float, ...]
    lost: int = 0

    @property
    def values(self) -> NDArray[np.float64]:
        """All latencies, with the lost ones as infinite."""
        return np.array((*self.latencies_ms, *[math.inf] * self.lost), dtype=np.float64)


Tails = Mapping[tuple[str, float], Sequence[Turn]]
"""The turns of each system at each rate."""


@dataclass(frozen=True, slots=True)
class TailRatio:
    """Our quantile divided by theirs.

    Attributes
    ----------
    value, low, high : float
        Of all requests together, and the interval that holds 95 % of the draws.
    n : int
        Our requests.
    turns : int
    """

    value: float
    low: float
    high: float
    n: int
    turns: int


def pooled(turns: Sequence[Turn], share: float = SHARE) -> float:
    """Return the latency that a share of the requests of all turns stayed at or below; NaN if there are none.

    >>> pooled([Turn(0, (1.0, 2.0)), Turn(1, (3.0,), lost=1)], 0.75)
    3.0
    """
    return _quantile([turn.values for turn in turns], share)


def tail_ratio(ours: Sequence[Turn], theirs: Sequence[Turn], *, seed: int = 0) -> TailRatio | None:
    """Return the ratio of the p99s over the turns that both had; None if there is none, or theirs is infinite or 0."""
    mine, other = ({turn.place: turn.values for turn in turns} for turns in (ours, theirs))
    places = sorted(mine.keys() & other.keys())
    pairs = [(mine[place], other[place]) for place in places]
    value = _ratio(pairs)
    if math.isnan(value):
        return None
    random = np.random.default_rng(seed)
    drawn = (_ratio([pairs[k] for k in random.integers(len(pairs), size=len(pairs))]) for _ in range(_DRAWS))
    known = [ratio for ratio in drawn if not math.isnan(ratio)]
    low, high = np.percentile(known, _INTERVAL, method="nearest")
    return TailRatio(value, float(low), float(high), sum(len(mine[place]) for place in places), len(places))


def _ratio(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    ours, theirs = (_quantile([pair[side] for pair in pairs], SHARE) for side in (0, 1))
    return ours / theirs if math.isfinite(theirs) and theirs > 0 else math.nan


def _quantile(parts: Sequence[NDArray[np.float64]], share: float) -> float:
    values = np.sort(np.concatenate(parts)) if parts else np.empty(0)
    return float(values[max(0, math.ceil(share * len(values)) - 1)]) if len(values) else math.nan
