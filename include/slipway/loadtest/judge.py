"""What a load test's numbers mean: measurements against the objectives, three-valued.

Rules
-----
1. A percentile holds its limit, breaks it, or cannot be told: :mod:`slipway.loadtest.shares` says which, by counting
   the requests above the limit. Its 95 % interval and the count are recorded beside it. Whether the windows agree
   with each other is recorded too; where the verdict is open and they do not, it stays open. An unstable percentile far
   below its limit is no reason to stop anything.
2. Too few requests decide nothing: 100 for a p95, 300 for a p99. Only a limit that is clearly broken needs fewer.
3. Less than 95 % of the rate achieved is INCONCLUSIVE. So is a disturbance, unless the latencies held all the same,
   since it only lengthens what is counted from the intended start: a generator that was late (p99 lag above 20 % of the
   p95 limit), a host that lost more than 10 % of its CPU time, on which as many others were ready to run as it has
   processors, whose fixed work took half as long again, or whose processors paused under more than 5 % of the requests.
4. On such a disturbed run a latency is held against the candidate only where the service alone, counted from the actual
   send and less the generator's p99 lag (it reads as late as it sends), exceeds its limit by half; a smaller excess may
   be the host's and is INCONCLUSIVE too. So a candidate that is truly slow FAILS, disturbed or not.
5. A champion that breaks the limit that the candidate breaks, in the windows between, has the host as its excuse, and
   so has the candidate: INCONCLUSIVE, unless it is half as slow again as the champion.
6. Errors and wrong answers are held against the candidate in any case; so is what grows with every request
   (:mod:`slipway.loadtest.growth`), and memory beyond its limit. At a raised rate (:mod:`slipway.loadtest.limits`)
   what was refused for now or not answered in time is not.
7. One exception: a service that a disturbed host kept from its work must refuse what would come too late. Up to one
   request in a hundred that it refused for now, all within one second, and not once more in windows of 300 requests
   besides, is the host's. On a quiet host, or a second time, it is the candidate's. For latency it counts as the
   timeout in any case.
"""

from __future__ import annotations

from dataclasses import replace

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.loadtest.besides import Beyond, besides
from slipway.loadtest.host import HostNoise
from slipway.loadtest.latency import Latency, alone_ms, interval_note, short_ms, untried, value_of
from slipway.loadtest.limits import CLEAR_EXCESS, P95_REQUIRES, P99_ALLOWS, P99_REQUIRES, RECOVERY_FACTOR, Limits
from slipway.loadtest.results import MAX_PAUSED_SHARE, LoadResults, Summary

MIN_ACHIEVED_SHARE = 0.95
MAX_STEAL_SHARE = 0.10
MAX_CALIBRATION_SPREAD = 1.5


def measure(
    results: LoadResults, limits: Limits, noise: HostNoise | None, beyond: Beyond | None = None
) -> tuple[Measurement, ...]:
    """Return the measurements of a load test.

    Parameters
    ----------
    results : LoadResults
    limits : Limits
    noise : HostNoise or None
        None where the host does not tell how disturbed it was; nothing is then held against it.
    beyond : Beyond, optional
        What was looked at besides.
    """
    run, more = results.overall, beyond or Beyond()
    on_host, held = _host(results, noise), _limits_held(run, limits)
    disturbances = [_lag(run, limits), *on_host]
    conditions = [_sent(run, limits), *(_excused(condition, held=held) for condition in disturbances)]
    disturbed = any(m.threshold is not None and m.value is None for m in conditions)
    latency = Latency(results, limits, more.comparison, disturbed=disturbed)
    found = [
        Measurement(
            name="latency.p50", value=value_of(run.p50), unit="ms", n=run.timed, note=interval_note(run.p50, run)
        ),
        untried(latency.measurement("latency.p95"), limits),
        untried(latency.measurement("latency.p99"), limits),
        _errors(results, limits, noisy=any(m.outcome is Outcome.FAILED for m in on_host)),
        Measurement(
            name="wrong_answers",
            value=float(results.wrong_answers) if results.compared else None,
            threshold=0.0,
            bound=Bound.MAX,
            unit="answers",
            n=results.compared,
            note="answers under load that differ from the reference" if results.wrong_answers else "",
        ),
        *conditions,
        _windows(results),
    ]
    if limits.recovery:
        found.append(untried(_recovery(results, limits, disturbed=disturbed), limits))
    return (*found, *besides(results, limits, more, disturbed=disturbed))


def _errors(results: LoadResults, limits: Limits, *, noisy: bool) -> Measurement:
    run = results.overall
    too_many = not limits.allows(run.errors, of=run.sent)
    excused = results.refused if too_many and noisy and _refused_once(results) else 0
    kinds = ", ".join(f"{count} x {kind}" for kind, count in list(results.error_kinds.items())[:3])
    once = f"{excused} refused within {results.refused_seconds:.2g} s on a disturbed host, and none besides"
    found = Measurement(
        name="error_rate",
        value=(run.errors - excused) / run.sent if run.sent else None,
        threshold=limits.error_rate,
        bound=Bound.MAX,
        n=run.sent,
        note="; ".join(filter(None, [once if excused else "", kinds])),
    )
    return untried(found, limits) if limits.allows(run.errors - run.overloaded, of=run.sent) else found


def _refused_once(results: LoadResults) -> bool:
    """Tell whether requests were refused in one event, and enough others asked to see that it does not come back."""
    clear = sum(window.n for window in results.windows if not window.errors)
    few = results.refused <= P99_ALLOWS * results.overall.sent
    return results.refused_at_once and few and clear >= P99_REQUIRES


def _sent(run: Summary, limits: Limits) -> Measurement:
    held = run.achieved_share >= MIN_ACHIEVED_SHARE
    raised = limits.raised_from
    asked = "" if raised is None else f"asked at {run.rate_per_s:.3g}/s: the declared {raised:g}/s tell too little"
    return Measurement(
        name="arrival_rate.achieved_share",
        value=run.achieved_share if held else None,
        threshold=MIN_ACHIEVED_SHARE,
        bound=Bound.MIN,
        n=run.sent,
        note=asked if held else f"only {run.achieved_share:.0%} of {run.rate_per_s:g}/s left the generator",
    )


def _lag(run: Summary, limits: Limits) -> Measurement:
    return Measurement(
        name="generator.lag_p99",
        value=run.lag_p99,
        threshold=limits.lag_ms,
        bound=Bound.MAX,
        unit="ms",
        n=run.sent,
        note=f"the generator sent up to {run.lag_p99 or 0:.3g} ms late",
    )


def _host(results: LoadResults, noise: HostNoise | None) -> list[Measurement]:
    """Return how disturbed the host was; each with what its value means, for where it is too much."""
    if noise is None:
        return []
    spread, others = noise.calibration_spread, noise.running_others
    looked: list[tuple[str, float | None, float, str]] = [
        ("host.steal_share", noise.steal_share, MAX_STEAL_SHARE, "{:.0%} of the CPU time went to other hosts"),
        ("host.run_queue", others, noise.cpus - 0.5, "{:g} processes of others were ready to run"),
        ("host.calibration_spread", spread, MAX_CALIBRATION_SPREAD, "fixed work took up to {:.2g} times as long"),
        ("host.paused_share", results.paused_share, MAX_PAUSED_SHARE, "processors paused under {:.0%} of the requests"),
    ]
    return [
        Measurement(name=name, value=value, threshold=limit, bound=Bound.MAX, note=what.format(value))
        for name, value, limit, what in looked
        if value is not None
    ]


def _excused(condition: Measurement, *, held: bool) -> Measurement:
    """Return a disturbance as it counts: as nothing if the latencies held all the same, else as not measured."""
    if condition.outcome is not Outcome.FAILED:
        return replace(condition, note="")
    if held:
        return replace(
            condition, threshold=None, bound=None, note=f"{condition.note}, and the latencies held all the same"
        )
    return replace(condition, value=None, note=f"{condition.note}; free the host and repeat")


def _limits_held(run: Summary, limits: Limits) -> bool:
    found = ((run.p95, limits.p95_ms), (run.p99, limits.p99_ms))
    return all(quantile is not None and quantile.value <= limit for quantile, limit in found)


def _windows(results: LoadResults) -> Measurement:
    steady, aside = results.stability, sum(window.set_aside for window in results.windows)
    agree = "the last three agree" if steady.stable else "the last three do not agree within 10 %"
    return Measurement(
        name="windows.p95_spread",
        value=steady.spread,
        n=len(results.windows),
        note=(agree if steady.spread is not None else "")
        + (f"; {aside} at the start set aside as warm-up" if aside else ""),
    )


def _recovery(results: LoadResults, limits: Limits, *, disturbed: bool) -> Measurement:
    _, *stages = results.stages  # the warm-up comes first
    first, last = stages[0].p95, stages[-1]
    limit = limits.p95_ms if first is None else max(RECOVERY_FACTOR * first.value, limits.p95_ms)
    before = "" if first is None else f"; {short_ms(first.value)} ms before the surge"
    alone, value = alone_ms(last.service_p95, last), value_of(last.p95)
    unclear = disturbed and value is not None and value > limit and (alone is None or alone <= CLEAR_EXCESS * limit)
    return Measurement(
        name="recovery.p95",
        value=None if unclear else value,
        threshold=limit,
        bound=Bound.MAX,
        unit="ms",
        n=last.sent,
        n_required=P95_REQUIRES,
        note=interval_note(last.p95, last) + before,
    )
