"""From raw samples to numbers: percentiles with their intervals, rates, errors, stage by stage and window by window.

Rules
-----
1. The warm-up and stages that are not judged do not count for latency and errors; a wrong answer counts anywhere. Nor
   do the latencies of windows that are set aside as warm-up (:mod:`slipway.loadtest.windows`).
2. Latency runs from the intended start, so a stall shows in every request that queued behind it.
3. A request without a 200 is never a fast one: it counts as lasting at least the timeout.
4. Percentiles are order statistics (nearest rank); their 95 % intervals are the binomial ones, free of a distribution.
5. Requests that were under way while a processor of the host paused say nothing about the service: fast or slow, they
   do not count for latency. If that are more than one in twenty, all count, and the host is said to be disturbed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway.loadtest.quantiles import Quantile, quantile
from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import Part, PlannedStage, Target
from slipway.loadtest.windows import Stability, Window, stability, warm_windows

MAX_PAUSED_SHARE = 0.05
ONE_EVENT_SECONDS = 1.0

Pauses = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Numbers on a set of requests; times in ms, shares 0 to 1.

    ``timed`` of those ``sent`` count for latency. ``achieved_share`` is the rate at which requests left over the rate
    at which they were meant to; ``service_p95`` and ``service_p99`` count from the actual send. ``overloaded`` of the
    ``errors`` were refused, or not answered in time.
    """

    label: str
    judged: bool
    rate_per_s: float
    planned: int
    sent: int
    timed: int
    achieved_share: float
    p50: Quantile | None
    p95: Quantile | None
    p99: Quantile | None
    service_p95: float | None
    service_p99: float | None
    lag_p99: float | None
    errors: int
    overloaded: int
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
    """The whole test: all judged requests together, each stage and window by itself, wrong answers, errors by kind.

    Attributes
    ----------
    latencies : tuple of float
        What counts for latency, in ms, in the order of the intended starts.
    requests, compared : int
        Requests to the candidate, and those of them whose answer was held against the one to expect.
    paused : int
        Judged requests that a pause of the host covers.
    refused : int
        Judged requests that were refused for now.
    refused_seconds : float
        From the first of them to the last.
    """

    overall: Summary
    stages: tuple[Summary, ...]
    windows: tuple[Window, ...]
    stability: Stability
    latencies: tuple[float, ...]
    requests: int
    compared: int
    wrong_answers: int
    error_kinds: dict[str, int]
    timeout_ms: float
    paused: int = 0
    refused: int = 0
    refused_seconds: float = 0.0

    @property
    def refused_at_once(self) -> bool:
        """Whether some were refused, and all of them within a second: one event."""
        return self.refused > 0 and self.refused_seconds <= ONE_EVENT_SECONDS

    @property
    def paused_share(self) -> float:
        """The share of judged requests that a pause of the host covers."""
        return self.paused / self.overall.sent if self.overall.sent else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "overall": self.overall.to_json(),
            "stages": [stage.to_json() for stage in self.stages],
            "windows": [window.to_json() for window in self.windows],
            "stability": self.stability.to_json(),
            "requests": self.requests,
            "compared": self.compared,
            "paused": self.paused,
            "refused": self.refused,
            "refused_seconds": self.refused_seconds,
            "wrong_answers": self.wrong_answers,
            "error_kinds": self.error_kinds,
        }


def effective_ms(sample: Sample, timeout_ms: float) -> float:
    """Return a request's latency; a failed one lasts at least the timeout.

    >>> effective_ms(Sample(0, 0, 1.0, 503, None, 0), 5000.0)
    5000.0
    """
    return sample.latency_ms if sample.answered else max(sample.latency_ms, timeout_ms)


def results_of(
    samples: Sequence[Sample], stages: Sequence[PlannedStage], *, timeout_ms: float, pauses: Pauses = ()
) -> LoadResults:
    """Return the numbers of a test.

    Parameters
    ----------
    samples : sequence of Sample
        Every request that was sent to the candidate, in any order; those of other stretches count for wrong answers.
    stages : sequence of PlannedStage
        What was planned, the warm-up among it: stages, or windows of them. The champion's are left out.
    timeout_ms : float
        What a failed request counts for, at least.
    pauses : sequence of (float, float)
        When the host paused, on the samples' clock.
    """
    own = [stage for stage in stages if stage.target is Target.CANDIDATE and stage.part in (Part.WARMUP, Part.STAGE)]
    by_index: dict[int, list[Sample]] = {stage.index: [] for stage in own}
    for sample in sorted(samples, key=lambda sample: sample.intended_s):
        if sample.stage in by_index:
            by_index[sample.stage].append(sample)
    judged = [stage for stage in own if stage.judged]
    aside = _set_aside(judged, by_index, timeout_ms)
    counted = [s for g in judged if g.index not in aside for s in by_index[g.index]]
    covered = _covered(counted, pauses)
    clear = counted
    if len(covered) <= MAX_PAUSED_SHARE * len(counted):
        clear = [sample for i, sample in enumerate(counted) if i not in covered]
    windows = tuple(_window(g, by_index[g.index], timeout_ms, set_aside=g.index in aside) for g in judged)
    everything = [s for g in judged for s in by_index[g.index]]
    refused = [s.intended_s for s in everything if s.refused]
    return LoadResults(
        overall=_summary("judged", everything, judged, timeout_ms, timed=clear),
        stages=_by_stage(own, by_index, timeout_ms),
        windows=windows,
        stability=stability([window.p95 for window in windows if not window.set_aside]),
        latencies=tuple(effective_ms(sample, timeout_ms) for sample in clear),
        requests=len(samples),
        compared=sum(s.correct is not None for s in samples),
        wrong_answers=sum(s.correct is False for s in samples),
        error_kinds=dict(Counter(s.error or f"HTTP {s.status}" for s in samples if not s.answered).most_common()),
        timeout_ms=timeout_ms,
        paused=len(covered),
        refused=len(refused),
        refused_seconds=max(refused, default=0.0) - min(refused, default=0.0),
    )


def _by_stage(own: Sequence[PlannedStage], by_index: dict[int, list[Sample]], timeout_ms: float) -> tuple[Summary, ...]:
    return tuple(
        _summary(group[0].label, [s for g in group for s in by_index[g.index]], group, timeout_ms)
        for group in _grouped(own).values()
    )


def _set_aside(judged: Sequence[PlannedStage], by_index: dict[int, list[Sample]], timeout_ms: float) -> set[int]:
    if not judged:
        return set()
    first = [g for g in judged if (g.stage, g.rate_per_s) == (judged[0].stage, judged[0].rate_per_s)]
    cold = warm_windows([[effective_ms(s, timeout_ms) for s in by_index[g.index]] for g in first])
    return {g.index for g in first[:cold]}


def _covered(samples: Sequence[Sample], pauses: Pauses) -> set[int]:
    """Return the places of the requests that were under way during a pause."""
    return {
        i
        for i, s in enumerate(samples)
        if any(begin < s.intended_s + s.latency_ms / 1000 and s.intended_s < end for begin, end in pauses)
    }


def _window(stage: PlannedStage, samples: Sequence[Sample], timeout_ms: float, *, set_aside: bool) -> Window:
    latencies = sorted(effective_ms(s, timeout_ms) for s in samples)
    return Window(
        index=stage.index,
        start=stage.start,
        seconds=stage.seconds,
        n=len(samples),
        p50=_value(quantile(latencies, 0.50)),
        p95=quantile(latencies, 0.95),
        p99=quantile(latencies, 0.99),
        errors=sum(not s.answered for s in samples),
        set_aside=set_aside,
    )


def _summary(
    label: str,
    samples: Sequence[Sample],
    stages: Sequence[PlannedStage],
    timeout_ms: float,
    *,
    timed: Sequence[Sample] | None = None,
) -> Summary:
    clocked = samples if timed is None else timed
    latencies = sorted(effective_ms(s, timeout_ms) for s in clocked)
    service = sorted(effective_ms(s, timeout_ms) - s.lag_ms for s in clocked)
    lags = sorted(s.lag_ms for s in samples)
    planned = sum(stage.planned for stage in stages)
    return Summary(
        label=label,
        judged=all(stage.judged for stage in stages),
        rate_per_s=planned / sum(stage.seconds for stage in stages) if planned else 0.0,
        planned=planned,
        sent=len(samples),
        timed=len(clocked),
        achieved_share=_achieved(samples, stages),
        p50=quantile(latencies, 0.50),
        p95=quantile(latencies, 0.95),
        p99=quantile(latencies, 0.99),
        service_p95=_value(quantile(service, 0.95)),
        service_p99=_value(quantile(service, 0.99)),
        lag_p99=_value(quantile(lags, 0.99)),
        errors=sum(not s.answered for s in samples),
        overloaded=sum(s.overloaded for s in samples),
        wrong=sum(s.correct is False for s in samples),
    )


def _value(found: Quantile | None) -> float | None:
    return None if found is None else found.value


def _achieved(samples: Sequence[Sample], stages: Sequence[PlannedStage]) -> float:
    """Requests sent over those planned, less where sending took longer than its stage: the worst of the stages."""
    shares = [1.0]
    for group in _grouped(stages).values():
        sent = {g.index: [s.sent_s for s in samples if s.stage == g.index] for g in group}
        planned = sum(g.planned for g in group)
        if planned:
            seconds = sum(g.seconds for g in group)
            took = sum(max(g.seconds, max(sent[g.index], default=g.end) - g.start) for g in group)
            shares.append(sum(map(len, sent.values())) / planned * seconds / took)
    return min(shares)


def _grouped(stages: Sequence[PlannedStage]) -> dict[int, list[PlannedStage]]:
    """Return windows by the stage of the profile that they belong to."""
    grouped: dict[int, list[PlannedStage]] = {}
    for stage in stages:
        grouped.setdefault(stage.index if stage.stage is None else stage.stage, []).append(stage)
    return grouped
