"""A column beside its reference for the eye: bars, and a sentence. Numbers in, numbers and text out."""

from __future__ import annotations

import numpy as np

from slipway.drift.bins import Bins
from slipway.drift.distance import Check
from slipway.drift.tables import Array, Kind

BARS, FEW, SHOWN_NAMES = 24, 12, 8
Shares = tuple[float, ...]


def pictured(bins: Bins, before: Array, now: Array) -> tuple[tuple[str, ...], tuple[Shares, Shares]]:
    """Return what stands below the bars, and the shares of the known values over the same bars, before and now.

    Many-valued numbers are spread evenly within their bins and drawn over equal widths, their tails in the end bars.
    """
    if bins.kind is Kind.CATEGORY:
        kept = min(len(bins.names), SHOWN_NAMES)
        both = [(*shares[:kept].tolist(), float(shares[kept:].sum())) for shares in (before, now)]
        return (*bins.names[:kept], "other"), (both[0], both[1])
    edges = np.asarray(bins.edges[:-1])
    if len(edges) <= FEW + 1:
        return tuple(f"{edge:.4g}" for edge in edges[1:]), (tuple(before.tolist()), tuple(now.tolist()))
    totals = before.cumsum()[:-1], now.cumsum()[:-1]
    low, high = np.interp((0.01, 0.99), totals[0], edges)
    grid = np.linspace(low, high, BARS + 1)
    cut = [np.concatenate([[0.0], np.interp(grid[1:-1], edges, total), [1.0]]) for total in totals]
    drawn = [tuple(np.diff(total).tolist()) for total in cut]
    return (f"{low:.4g}", f"{high:.4g}"), (drawn[0], drawn[1])


def said(bins: Bins, before: Array, now: Array) -> dict[Check, str]:
    """Return what each check of the known values has seen, in words."""
    if not now.sum() or not before.sum():
        return {}
    at = int(np.abs(now - before).argmax())
    most = f"{_named(bins, at)}: {100 * before[at]:.3g} % of the values, now {100 * now[at]:.3g} %"
    if bins.kind is Kind.CATEGORY:
        return {Check.DISTRIBUTION: most}
    edges = np.asarray(bins.edges[:-1])
    middles = [float(np.interp(0.5, shares.cumsum()[:-1], edges)) for shares in (before, now)]
    return {Check.DISTRIBUTION: f"median {middles[0]:.4g}, now {middles[1]:.4g}", Check.VALUE: most}


def _named(bins: Bins, at: int) -> str:
    if bins.kind is Kind.CATEGORY:
        return bins.names[at] if at < len(bins.names) else "other names"
    if at == 0:
        return f"below {bins.edges[1] if len(bins.edges) > 2 else bins.edges[0]:.4g}"
    if at == len(bins.edges) - 1:
        return f"above {bins.edges[-2]:.4g}"
    return f"{bins.edges[at - 1]:.4g} to {bins.edges[at]:.4g}"
