"""What a course comes to: the windows' results, what was looked at besides, and what the evidence keeps of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slipway.core.verdict import Outcome
from slipway.loadtest.besides import Beyond, Burst
from slipway.loadtest.capacity import capacity_of
from slipway.loadtest.compare import Comparison, compare
from slipway.loadtest.conduct import Course
from slipway.loadtest.host import HostNoise
from slipway.loadtest.latency import recovered, shares
from slipway.loadtest.limits import Limits
from slipway.loadtest.quantiles import quantile
from slipway.loadtest.results import LoadResults, effective_ms, results_of
from slipway.loadtest.schedule import Part, Target
from slipway.loadtest.shares import bootstrap
from slipway.loadtest.watch import ServiceWatch


def summarise(course: Course, noise: HostNoise | None, *, zero: float, timeout_ms: float) -> LoadResults:
    """Return the candidate's numbers; pauses of the host are moved to the samples' clock."""
    pauses = [] if noise is None else [(begin - zero, end - zero) for begin, end in noise.pauses]
    return results_of(course.of_candidate(), course.stages, timeout_ms=timeout_ms, pauses=pauses)


def beyond_of(
    course: Course, results: LoadResults, *, watch: ServiceWatch, limits: Limits, rate_per_s: float
) -> Beyond:
    """Return what was looked at besides the windows."""
    held = {share.decide(last=True) for share in shares(results, limits).values()} == {Outcome.PASSED}
    return Beyond(
        comparison=_comparison(course, results),
        growth=watch.growths(rate_per_s=rate_per_s, memory_mb=limits.memory_mb),
        peak_memory_mb=watch.peak_memory_mb(),
        burst=_burst(course, results, limits),
        capacity=capacity_of(rate_per_s, course.steps, declared_held=held) if course.steps else None,
    )


def _comparison(course: Course, results: LoadResults) -> Comparison:
    theirs = course.of(Part.STAGE, target=Target.CHAMPION)
    if course.champion_absent or not theirs:
        return Comparison(absent=course.champion_absent or "There is no champion to compare with.")
    aside = {window.index for window in results.windows if window.set_aside}
    ours = [stage for stage in course.of(Part.STAGE) if stage.judged and stage.index not in aside]
    by_window: dict[int, list[float]] = {stage.index: [] for stage in (*ours, *theirs)}
    for sample in course.samples_of((*ours, *theirs)):
        by_window[sample.stage].append(effective_ms(sample, results.timeout_ms))
    errors = sum(not sample.answered for sample in course.samples_of(theirs))
    return compare(
        {stage.index: by_window[stage.index] for stage in ours},
        {stage.index: by_window[stage.index] for stage in theirs},
        errors=errors,
    )


def _burst(course: Course, results: LoadResults, limits: Limits) -> Burst | None:
    stages = course.of(Part.BURST)
    if not stages:
        return None
    sent = course.samples_of(stages)
    refused = sum(sample.refused for sample in sent)
    answered = sum(sample.answered for sample in sent)
    seconds = sum(
        max((s.intended_s + s.latency_ms / 1000 for s in sent if s.stage == stage.index), default=stage.end)
        - stage.start
        for stage in stages
    )
    after = course.of(Part.RECOVERY)
    last = sorted(course.samples_of(after[-1:]), key=lambda sample: sample.intended_s)
    latencies = tuple(effective_ms(sample, results.timeout_ms) for sample in last)
    good = recovered(latencies, results, limits) is Outcome.PASSED
    return Burst(
        n=len(sent),
        refused=refused,
        errors=len(sent) - refused - answered,
        per_s=answered / seconds if seconds > 0 else 0.0,
        after_ms=latencies,
        recovered=good,
        seconds=after[-1].end - stages[-1].end if after else 0.0,
    )


def details(
    course: Course, results: LoadResults, beyond: Beyond, limits: Limits, kind: Callable[[int], str]
) -> dict[str, Any]:
    """Return what the evidence keeps, as JSON values."""
    return {
        **results.to_json(),
        **beyond.to_json(),
        "intervals": intervals(results, limits),
        "mix": mix(course, results, kind),
    }


def intervals(results: LoadResults, limits: Limits) -> dict[str, Any]:
    """Return each percentile with its intervals and the counts that decide."""
    found: dict[str, Any] = {}
    for name, q, share in zip(("p95", "p99"), (0.95, 0.99), shares(results, limits).values(), strict=True):
        order = quantile(sorted(results.latencies), q)
        block = bootstrap(results.latencies, q)
        found[name] = {
            "value_ms": None if order is None else order.value,
            "order_statistics_ms": None if order is None else [order.low, order.high],
            "block_bootstrap_ms": None if block is None else list(block),
            "limit_ms": limits.p95_ms if name == "p95" else limits.p99_ms,
            "above": share.to_json(),
        }
    return found


def mix(course: Course, results: LoadResults, kind: Callable[[int], str]) -> dict[str, Any]:
    """Return each kind of request with its count and percentiles, in the judged windows."""
    by_kind: dict[str, list[float]] = {}
    judged = [stage for stage in course.of(Part.STAGE) if stage.judged]
    for sample in course.samples_of(judged):
        by_kind.setdefault(kind(sample.row) or "in range", []).append(effective_ms(sample, results.timeout_ms))
    found = {}
    for name, latencies in sorted(by_kind.items()):
        ordered = sorted(latencies)
        points = {f"p{q * 100:g}_ms": quantile(ordered, q) for q in (0.5, 0.95, 0.99)}
        found[name] = {"n": len(ordered), **{key: point and point.value for key, point in points.items()}}
    return found
