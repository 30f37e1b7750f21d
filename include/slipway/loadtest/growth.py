"""What grows with every request: memory, descriptors, threads; and when it would reach its limit.

Rules
-----
1. What is judged is the later half of the requests: a service that grows while it warms up and then levels off passes.
2. The slope is Theil and Sen's (Sen 1968), with his 95 % interval; that it rises at all is Mann and Kendall's test.
   Both look at order, not at size, so that one step, as an allocator makes it, is no slope.
3. It grows if its slope's interval lies above zero, the trend test agrees at 1 %, and it grew by more than what
   allocators and buffers do by themselves (a floor; half of it in the last quarter of all requests).
4. Growth of which the last quarter has less than 70 % of the quarter before levels off: where it would end is
   extrapolated as a geometric series, and that is held against the limit.
5. FAILED: it grows, and would reach its limit within the horizon at the declared rate. Less than the requests that are
   needed, or nothing that tells: INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist, median
from typing import Any, NamedTuple

from slipway.core.verdict import Outcome

HORIZON_HOURS = 24.0
MIN_REQUESTS = 200
MIN_POINTS = 8
TREND_ALPHA = 0.01
LEVELLING = 0.7
Z95 = NormalDist().inv_cdf(0.975)


class Point(NamedTuple):
    """What a service used after so many requests, ``at`` seconds after the start of the test."""

    requests: float
    value: float
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Theil and Sen's slope, for each request, its 95 % interval, and the p-value of Mann and Kendall's trend test."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What came of one resource.

    Attributes
    ----------
    requests : int
        In the later half, on which it was judged.
    per_1000, low, high : float or None
        Its slope for 1,000 requests, with the 95 % interval.
    ends_at : float
        What it would come to within the horizon, at the declared rate.
    smallest : float
        The smallest growth for 1,000 requests that would have been told from noise.
    """

    requests: int
    points: int
    last: float | None
    limit: float
    per_1000: float | None
    low: float | None
    high: float | None
    rising: bool
    levels_off: bool
    ends_at: float | None
    hours_to_limit: float | None
    smallest: float | None
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "outcome": self.outcome.value}


def theil_sen(points: Sequence[Point]) -> Slope | None:
    """Return the slope of points over requests; None of fewer than three at different places.

    >>> found = theil_sen([Point(float(i), 2.0 * i) for i in range(10)])
    >>> found.value, found.low, found.p < 0.01
    (2.0, 2.0, True)
    """
    pairs = [
        ((b.value - a.value) / (b.requests - a.requests), b.value - a.value)
        for i, a in enumerate(points)
        for b in points[i + 1 :]
        if b.requests > a.requests
    ]
    n = len(points)
    if n < 3 or len(pairs) < 3:
        return None
    slopes = sorted(slope for slope, _ in pairs)
    spread = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    count, wide = len(slopes), Z95 * spread
    low = slopes[max(0, math.floor((count - wide) / 2))]
    high = slopes[min(count - 1, math.ceil((count + wide) / 2))]
    score = sum((change > 0) - (change < 0) for _, change in pairs)
    p = 2 * (1 - NormalDist().cdf(max(0, abs(score) - 1) / spread))
    return Slope(value=median(slopes), low=low, high=high, p=p)


def growth_of(points: Sequence[Point], *, limit: float, floor: float, rate_per_s: float) -> Growth:
    """Judge one resource.

    Parameters
    ----------
    points : sequence of Point
        In the order of time, in the resource's own unit.
    limit : float
        What it may not reach.
    floor : float
        Growth over the judged requests that needs no explanation.
    rate_per_s : float
        The declared arrival rate.
    """
    last = points[-1].value if points else None
    late = later_half(points)
    requests = round(late[-1].requests - late[0].requests) if late else 0
    slope = theil_sen(late) if len(late) >= MIN_POINTS and requests >= MIN_REQUESTS / 2 else None
    if slope is None or last is None:
        return Growth(
            requests=requests, points=len(points), last=last, limit=limit, per_1000=None, low=None, high=None,
            rising=False, levels_off=False, ends_at=None, hours_to_limit=None, smallest=None,
            outcome=Outcome.INCONCLUSIVE,
        )  # fmt: skip
    share, latest = _later_share(late)
    trend = slope.low > 0 and slope.p < TREND_ALPHA
    rising = trend and slope.value * requests > floor and latest * requests / 2 > floor / 2
    levels_off = rising and share < LEVELLING
    to_come = HORIZON_HOURS * 3600 * rate_per_s * slope.value
    if levels_off:
        to_come = slope.value * requests / 2 * share / (1 - share)
    ends_at = last + to_come if rising else last
    linear = rising and not levels_off
    hours = (limit - last) / (slope.value * rate_per_s * 3600) if linear else None
    return Growth(
        requests=requests,
        points=len(points),
        last=last,
        limit=limit,
        per_1000=slope.value * 1000,
        low=slope.low * 1000,
        high=slope.high * 1000,
        rising=rising,
        levels_off=levels_off,
        ends_at=ends_at,
        hours_to_limit=None if hours is None else max(0.0, hours),
        smallest=floor / requests * 1000,
        outcome=Outcome.FAILED if ends_at >= limit else Outcome.PASSED,
    )


def later_half(points: Sequence[Point]) -> list[Point]:
    """Return the points of the later half of the requests."""
    if not points:
        return []
    middle = (points[0].requests + points[-1].requests) / 2
    return [point for point in points if point.requests >= middle]


def _later_share(late: Sequence[Point]) -> tuple[float, float]:
    """Return the last quarter's slope over that of the quarter before (1 where that cannot be told), and itself."""
    middle = (late[0].requests + late[-1].requests) / 2
    before = theil_sen([p for p in late if p.requests <= middle])
    after = theil_sen([p for p in late if p.requests >= middle])
    if before is None or after is None or before.value <= 0:
        return 1.0, 0.0 if after is None else after.value
    return max(0.0, min(1.0, after.value / before.value)), after.value
