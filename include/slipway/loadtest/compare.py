"""The candidate beside the champion, window by window on the same host: ratios of their percentiles.

Rules
-----
1. Each window of the champion is paired with the candidate's windows next to it, before and after: what disturbed the
   host for a while disturbed both.
2. The ratio is that of the pooled percentiles; its 95 % interval is Student's, on the logarithms of the pairs' ratios.
   With fewer than three pairs there is none.
3. The comparison is recorded, it decides nothing by itself. But a champion that breaks the limit that the candidate
   breaks, in the windows beside, says that the host is to blame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

MIN_PAIRS = 3
MIN_REQUESTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Candidate over champion, of one percentile; ``low`` and ``high`` are None of too few pairs."""

    candidate_ms: float
    champion_ms: float
    value: float
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the champion did beside; without requests ``absent`` says why there is nothing to compare with."""

    absent: str = ""
    n: int = 0
    errors: int = 0
    p95: Ratio | None = None
    p99: Ratio | None = None

    @property
    def enough(self) -> bool:
        """Whether the champion was asked often enough to say anything about the host."""
        return self.n >= MIN_REQUESTS and not self.errors

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def compare(
    candidate: Mapping[int, Sequence[float]], champion: Mapping[int, Sequence[float]], *, errors: int = 0
) -> Comparison:
    """Return the comparison of latencies in ms, by the number of their window; numbers are in the order of time.

    >>> ours = {0: [10.0] * 60, 2: [12.0] * 60, 4: [11.0] * 60}
    >>> found = compare(ours, {1: [10.0] * 60, 3: [11.0] * 60, 5: [10.0] * 60})
    >>> found.p95.value, found.p95.pairs
    (1.0909090909090908, 3)
    """
    ours = [ms for window in candidate.values() for ms in window]
    theirs = [ms for window in champion.values() for ms in window]
    if not ours or not theirs:
        return Comparison(absent="the champion answered nothing")
    pairs = _pairs(candidate, champion)
    p95, p99 = (_ratio(ours, theirs, pairs, q) for q in (0.95, 0.99))
    return Comparison(n=len(theirs), errors=errors, p95=p95, p99=p99)


def _pairs(
    candidate: Mapping[int, Sequence[float]], champion: Mapping[int, Sequence[float]]
) -> list[tuple[list[float], Sequence[float]]]:
    pairs = []
    for number, latencies in champion.items():
        before = [i for i in candidate if i < number]
        after = [i for i in candidate if i > number]
        beside = [*before[-1:], *after[:1]]
        ours = [ms for i in beside for ms in candidate[i]]
        if ours and latencies:
            pairs.append((ours, latencies))
    return pairs


def _ratio(
    ours: Sequence[float], theirs: Sequence[float], pairs: Sequence[tuple[Sequence[float], Sequence[float]]], q: float
) -> Ratio:
    from scipy.special import stdtrit

    logs = [math.log(_at(a, q) / _at(b, q)) for a, b in pairs]
    low = high = None
    if len(logs) >= MIN_PAIRS:
        reach = float(stdtrit(len(logs) - 1, 0.975)) * stdev(logs) / math.sqrt(len(logs))
        low, high = math.exp(fmean(logs) - reach), math.exp(fmean(logs) + reach)
    a, b = _at(ours, q), _at(theirs, q)
    return Ratio(candidate_ms=a, champion_ms=b, value=a / b, low=low, high=high, pairs=len(logs))


def _at(latencies: Sequence[float], q: float) -> float:
    """Return a percentile without the bias that nearest ranks have in samples of different sizes.

    Hyndman and Fan's eighth definition (1996), unbiased at the median whatever the distribution.
    """
    ordered = sorted(latencies)
    place = min(len(ordered) - 1.0, max(0.0, q * (len(ordered) + 1 / 3) - 2 / 3))
    below = math.floor(place)
    above = min(len(ordered) - 1, below + 1)
    return max(1e-3, ordered[below] + (place - below) * (ordered[above] - ordered[below]))
