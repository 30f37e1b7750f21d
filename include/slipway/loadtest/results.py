"""From raw samples to numbers: percentiles with their intervals, rates, errors, stage by stage.

Rules
-----
1. The warm-up and stages that are not judged do not count for latency and errors; a wrong answer counts anywhere.
2. Latency runs from the intended start, so a stall shows in every request that queued behind it.
3. A request without a 200 is never a fast one: it counts as lasting at least the timeout.
4. Percentiles are order statistics (nearest rank); their 95 % intervals are the binomial ones, free of a distribution.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import PlannedStage

Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Quantile:
    """An order statistic in ms and its 95 % interval; ``high`` is None where too few samples bound it above."""

    value: float
    low: float
    high: float | None


def quantile(ordered: Sequence[float], q: float) -> Quantile | None:
    """Return the ``q`` quantile of ascending values; None if there are none.

    >>> quantile([float(i) for i in range(1, 101)], 0.5)
    Quantile(value=50.0, low=40.0, high=61.0)
    >>> quantile([1.0, 2.0], 0.99)
    Quantile(value=2.0, low=1.0, high=None)
    """
    n = len(ordered)
    if n == 0:
        return None
    spread = Z95 * math.sqrt(n * q * (1 - q))
    low = max(1, math.floor(n * q - spread))
    high = math.ceil(n * q + spread) + 1
    return Quantile(
        value=ordered[min(n, max(1, math.ceil(n * q))) - 1],
        low=ordered[low - 1],
        high=ordered[high - 1] if high <= n else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Numbers on a set of requests; times in ms, shares 0 to 1.

    ``achieved_share`` is the rate at which requests left over the rate at which they were meant to; ``service_p95``
    and ``service_p99`` count from the actual send.
    """

    label: str
    judged: bool
    rate_per_s: float
    planned: int
    sent: int
    achieved_share: float
    p50: Quantile | None
    p95: Quantile | None
    p99: Quantile | None
    service_p95: float | None
    service_p99: float | None
    lag_p99: float | None
    errors: int
    wrong: int

    @property
    def error_rate(self) -> float | None:
        """Share of requests without a 200; None if none was sent."""
        return self.errors / self.sent if self.sent else None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "error_rate": self.error_rate}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResults:
    """The whole test: all judged requests together, each stage by itself, wrong answers and errors by kind."""

    overall: Summary
    stages: tuple[Summary, ...]
    requests: int
    wrong_answers: int
    error_kinds: dict[str, int]
    timeout_ms: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "overall": self.overall.to_json(),
            "stages": [stage.to_json() for stage in self.stages],
            "requests": self.requests,
            "wrong_answers": self.wrong_answers,
            "error_kinds": self.error_kinds,
        }


def effective_ms(sample: Sample, timeout_ms: float) -> float:
    """Return a request's latency; a failed one lasts at least the timeout.

    >>> effective_ms(Sample(0, 0, 1.0, 503, None, 0), 5000.0)
    5000.0
    """
    return sample.latency_ms if sample.answered else max(sample.latency_ms, timeout_ms)


def results_of(samples: Sequence[Sample], stages: Sequence[PlannedStage], *, timeout_ms: float) -> LoadResults:
    """Return the numbers of a test.

    Parameters
    ----------
    samples : sequence of Sample
        Every request that was sent, in any order.
    stages : sequence of PlannedStage
        What was planned, the warm-up among it.
    timeout_ms : float
        What a failed request counts for, at least.
    """
    by_stage = {stage.index: [s for s in samples if s.stage == stage.index] for stage in stages}
    each = tuple(_summary(stage.label, by_stage[stage.index], (stage,), timeout_ms) for stage in stages)
    judged = tuple(stage for stage in stages if stage.judged)
    return LoadResults(
        overall=_summary("judged", [s for g in judged for s in by_stage[g.index]], judged, timeout_ms),
        stages=each,
        requests=len(samples),
        wrong_answers=sum(s.correct is False for s in samples),
        error_kinds=dict(Counter(s.error or f"HTTP {s.status}" for s in samples if not s.answered).most_common()),
        timeout_ms=timeout_ms,
    )


def _summary(label: str, samples: list[Sample], stages: tuple[PlannedStage, ...], timeout_ms: float) -> Summary:
    latencies = sorted(effective_ms(s, timeout_ms) for s in samples)
    service = sorted(effective_ms(s, timeout_ms) - s.lag_ms for s in samples)
    lags = sorted(s.lag_ms for s in samples)
    planned = sum(stage.planned for stage in stages)
    return Summary(
        label=label,
        judged=all(stage.judged for stage in stages),
        rate_per_s=planned / sum(stage.seconds for stage in stages) if planned else 0.0,
        planned=planned,
        sent=len(samples),
        achieved_share=_achieved(samples, stages),
        p50=quantile(latencies, 0.50),
        p95=quantile(latencies, 0.95),
        p99=quantile(latencies, 0.99),
        service_p95=_value(quantile(service, 0.95)),
        service_p99=_value(quantile(service, 0.99)),
        lag_p99=_value(quantile(lags, 0.99)),
        errors=sum(not s.answered for s in samples),
        wrong=sum(s.correct is False for s in samples),
    )


def _value(found: Quantile | None) -> float | None:
    return None if found is None else found.value


def _achieved(samples: list[Sample], stages: tuple[PlannedStage, ...]) -> float:
    """Requests sent over those planned, less where sending took longer than its stage: the worst of the stages."""
    shares = [1.0]
    for stage in stages:
        sent = [s.sent_s for s in samples if s.stage == stage.index]
        if stage.planned:
            took = max(stage.seconds, max(sent, default=stage.end) - stage.start)
            shares.append(len(sent) / stage.planned * stage.seconds / took)
    return min(shares)
