"""What share of the requests lies above a limit, and what that says about a percentile: three-valued.

"p99 is at most L" and "at most 1 % of the requests lie above L" are the same sentence; the second one can be tested by
counting. Requests that wait behind one stall are one event, not twenty, so they are not counted as if independent.

Rules
-----
1. Neighbouring requests above the limit are one cluster (runs declustering, Smith and Weissman 1994, *Estimating the
   extremal index*). Clusters are taken to come as a Poisson process; their number has Garwood's exact bounds (1936).
2. FAILED: the share lies above what is allowed with 97.5 % confidence, by rule 1 or by the batch means of ten stretches
   (Schmeiser 1982, *Batch size effects*), which sees what is slow all along. One single event fails a version only
   where it reaches over more than three in ten requests.
3. PASSED: the share lies within what is allowed with 95 % confidence by rule 1.
4. Between the two further windows are added. Where there are no more: PASSED if the percentile itself holds its limit
   and the share is, with 95 % confidence, below twice what is allowed; else INCONCLUSIVE. That is an acceptance test
   with an indifference zone (Wald 1947): a version with half of what is allowed passes it, one with twice does not.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any

from slipway.core.verdict import Outcome

STRETCHES = 10
MIN_STRETCH = 5
SAME_CLUSTER = 3
FAIL_ALPHA = 0.025
PASS_ALPHA = 0.05
INDIFFERENCE = 2.0
RESAMPLES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Requests above a limit: how many of ``n``, in how many clusters, and the bounds of their true share.

    ``low`` holds with 97.5 % confidence and ``high`` with 95 %, both with clusters counted as one; ``plain_high`` is
    the upper bound if each request stood for itself.
    """

    n: int
    over: int
    clusters: int
    allowed: float
    low: float
    high: float
    plain_high: float

    @property
    def value(self) -> float:
        """The share that was seen; 0 without requests."""
        return self.over / self.n if self.n else 0.0

    def decide(self, *, last: bool) -> Outcome:
        """Return the verdict; ``last`` where no further windows can be added."""
        if not self.n:
            return Outcome.INCONCLUSIVE
        if self.low > self.allowed:
            return Outcome.FAILED
        if self.high <= self.allowed:
            return Outcome.PASSED
        held = self.value <= self.allowed and self.plain_high <= INDIFFERENCE * self.allowed
        return Outcome.PASSED if last and held else Outcome.INCONCLUSIVE

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def share_above(latencies: Sequence[float], limit: float, *, allowed: float) -> Share:
    """Return what share of ``latencies``, in the order of their intended starts, lies above ``limit``.

    >>> found = share_above([5.0] * 300, 300, allowed=0.01)
    >>> found.over, round(found.high, 4), found.decide(last=False).value
    (0, 0.01, 'PASSED')
    >>> share_above([400.0] * 300, 300, allowed=0.01).decide(last=False).value
    'FAILED'
    """
    n = len(latencies)
    places = [i for i, latency in enumerate(latencies) if latency > limit]
    over, clusters = len(places), count_clusters(places)
    if not n:
        return Share(n=0, over=0, clusters=0, allowed=allowed, low=0.0, high=1.0, plain_high=1.0)
    size = over / clusters if clusters else 1.0
    low = poisson_low(clusters, FAIL_ALPHA) * size / n
    return Share(
        n=n,
        over=over,
        clusters=clusters,
        allowed=allowed,
        low=min(1.0, max(low, _stretches_low(latencies, limit))),
        high=min(1.0, poisson_high(clusters, PASS_ALPHA) * size / n),
        plain_high=min(1.0, poisson_high(over, PASS_ALPHA) / n),
    )


def count_clusters(places: Sequence[int]) -> int:
    """Return how many groups ascending places form; those at most ``SAME_CLUSTER`` apart belong together.

    >>> count_clusters([3, 4, 6, 40, 41])
    2
    """
    return sum(i == 0 or place - places[i - 1] > SAME_CLUSTER for i, place in enumerate(places))


def poisson_low(count: int, alpha: float) -> float:
    """Return the lower bound of a Poisson mean of which ``count`` was seen (Garwood 1936).

    >>> round(poisson_low(3, 0.025), 3)
    0.619
    """
    from scipy.special import gammaincinv

    return float(gammaincinv(count, alpha)) if count else 0.0


def poisson_high(count: int, alpha: float) -> float:
    """Return the upper bound of a Poisson mean of which ``count`` was seen (Garwood 1936).

    >>> round(poisson_high(0, 0.05), 3)
    2.996
    """
    from scipy.special import gammaincinv

    return float(gammaincinv(count + 1, 1 - alpha))


def stretches(latencies: Sequence[float]) -> list[Sequence[float]]:
    """Return latencies as ten stretches of as equal length as can be; none if they would be too short."""
    n = len(latencies)
    if n < STRETCHES * MIN_STRETCH:
        return []
    edges = [round(i * n / STRETCHES) for i in range(STRETCHES + 1)]
    return [latencies[a:b] for a, b in pairwise(edges)]


def _stretches_low(latencies: Sequence[float], limit: float) -> float:
    from scipy.special import stdtrit

    shares = [sum(latency > limit for latency in part) / len(part) for part in stretches(latencies)]
    if len(shares) < 2:
        return 0.0
    t = float(stdtrit(len(shares) - 1, 1 - FAIL_ALPHA))
    return max(0.0, fmean(shares) - t * stdev(shares) / math.sqrt(len(shares)))


def bootstrap(latencies: Sequence[float], q: float, *, seed: int = 0) -> tuple[float, float] | None:
    """Return the 95 % interval of a percentile from a block bootstrap (Künsch 1989); None of too few requests.

    The blocks are ten stretches in time, so that what belongs together stays together. Recorded beside what decides.
    """
    blocks = stretches(latencies)
    if not blocks:
        return None
    rng = random.Random(seed)
    found = []
    for _ in range(RESAMPLES):
        drawn = sorted(latency for _ in blocks for latency in blocks[rng.randrange(len(blocks))])
        found.append(drawn[max(0, math.ceil(len(drawn) * q) - 1)])
    found.sort()
    return found[round(0.025 * RESAMPLES)], found[round(0.975 * RESAMPLES) - 1]
