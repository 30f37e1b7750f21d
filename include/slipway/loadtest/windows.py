"""Windows of a measured stage: which are warm-up, and whether the later ones agree.

Rules
-----
1. Warm-up: the truncation point is MSER-5's (White, Cobb and Spratt 2000), on the medians of five requests, so that
   no single stall looks like a warm-up. It is followed only within the first third of the windows and only where the
   median of each window that it cuts off is half as long again as that of every later one; whole windows are set aside
   then. They count against the profile's maximum; others follow only while the verdict is open.
2. Windows that are set aside do not count for latency. Errors and wrong answers in them do.
3. Stable: the p95 of the last three windows lies within 10 % of their mean, or their 95 % intervals have a value in
   common, so that nothing tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from slipway.loadtest.quantiles import Quantile

BATCH = 5
WARM_SHARE = 1 / 3
CLEARLY_SLOWER = 1.5
STABLE_WINDOWS = 3
STABLE_WITHIN = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window's numbers; times in ms, ``start`` in seconds after the start of the test."""

    index: int
    start: float
    seconds: float
    n: int
    p50: float | None
    p95: Quantile | None
    p99: Quantile | None
    errors: int
    set_aside: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How far the last windows' p95 lie apart, as a share of their mean; None where there are not three."""

    spread: float | None
    stable: bool
    windows: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def mser(values: Sequence[float]) -> int:
    """Return how many values at the start to cut off, so that the mean of the rest is known best; at most half.

    >>> mser([90.0, 40.0, 12.0, 5.0, 5.1, 4.9, 5.0, 5.2, 5.0, 4.8])
    3
    """
    best, cut = float("inf"), 0
    for d in range(len(values) // 2 + 1):
        rest = values[d:]
        if len(rest) < 2:
            break
        mean = fmean(rest)
        statistic = sum((v - mean) ** 2 for v in rest) / len(rest) ** 2
        if statistic < best:
            best, cut = statistic, d
    return cut


def warm_windows(windows: Sequence[Sequence[float]]) -> int:
    """Return how many windows at the start are still warm-up; each is its latencies in the order of their starts.

    >>> warm_windows([[80.0] * 40, *([[5.0, 6.0] * 20] * 5)]), warm_windows([[5.0, 6.0] * 20] * 6)
    (1, 0)
    """
    most = int(len(windows) * WARM_SHARE)
    flat = [latency for window in windows for latency in window]
    medians = [median(flat[i : i + BATCH]) for i in range(0, len(flat) - BATCH + 1, BATCH)]
    if not most or not medians:
        return 0
    cut = mser(medians) * BATCH
    found, seen = 0, 0
    for window in windows[:most]:
        if cut <= seen:
            break
        found, seen = found + 1, seen + len(window)
    usual = max((median(window) for window in windows[found:] if window), default=0.0)
    slower = all(window and median(window) > CLEARLY_SLOWER * usual for window in windows[:found])
    return found if slower else 0


def stability(p95s: Sequence[Quantile | None]) -> Stability:
    """Return whether the last windows agree.

    >>> steady = Quantile(value=10.0, low=9.0, high=12.0)
    >>> stability([steady, steady, steady]).stable, stability([steady, steady]).stable
    (True, False)
    """
    last = [found for found in p95s[-STABLE_WINDOWS:] if found is not None]
    if len(last) < STABLE_WINDOWS:
        return Stability(spread=None, stable=False, windows=len(p95s))
    values = [found.value for found in last]
    mean = fmean(values)
    spread = max(abs(value - mean) for value in values) / mean if mean else 0.0
    shared = max(found.low for found in last) <= min(found.high or float("inf") for found in last)
    return Stability(spread=spread, stable=spread <= STABLE_WITHIN or shared, windows=len(p95s))
