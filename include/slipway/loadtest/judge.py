"""What a load test's numbers mean: measurements against the objectives, three-valued.

Rules
-----
1. The point estimate decides; its 95 % interval is recorded beside it.
2. Too few requests decide nothing: 100 for a p95, 300 for a p99.
3. Less than 95 % of the rate achieved is INCONCLUSIVE. So is a generator that was late (p99 lag above 20 % of the p95
   limit) or a host that lost more than 10 % of its CPU time, unless the latencies held all the same: both only lengthen
   what is counted from the intended start.
4. On such a disturbed run a latency is held against the candidate only where the service alone, counted from the actual
   send and less the generator's p99 lag (it reads as late as it sends), exceeds its limit by half; a smaller excess may
   be the host's and is INCONCLUSIVE too. So a candidate that is truly slow FAILS, disturbed or not.
5. Errors and wrong answers are held against the candidate in any case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from slipway.core.loadprofile import LoadProfile
from slipway.core.spec import Objectives
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.loadtest.host import HostNoise
from slipway.loadtest.results import LoadResults, Quantile, Summary

P95_REQUIRES = 100
P99_REQUIRES = 300
MIN_ACHIEVED_SHARE = 0.95
MAX_STEAL_SHARE = 0.10
MAX_LAG_SHARE = 0.20
# Below this a coarse timer already shows; no generator keeps time better.
MIN_LAG_LIMIT_MS = 2.0
CLEAR_EXCESS = 1.5
RECOVERY_FACTOR = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the service must hold: ms, a share, and whether the last stage must be as good as the first."""

    p95_ms: float
    p99_ms: float
    error_rate: float
    recovery: bool = False

    @classmethod
    def of(cls, objectives: Objectives, profile: LoadProfile) -> Limits:
        """Return the model's objectives, overridden where the profile has limits of its own."""
        return cls(
            p95_ms=objectives.p95_ms if profile.p95_ms is None else profile.p95_ms,
            p99_ms=objectives.p99_ms if profile.p99_ms is None else profile.p99_ms,
            error_rate=objectives.error_rate,
            recovery=profile.recovery,
        )

    @property
    def lag_ms(self) -> float:
        """How late, at p99, the generator may be."""
        return max(MIN_LAG_LIMIT_MS, MAX_LAG_SHARE * self.p95_ms)


def measure(results: LoadResults, limits: Limits, noise: HostNoise | None) -> tuple[Measurement, ...]:
    """Return the measurements of a load test.

    Parameters
    ----------
    results : LoadResults
    limits : Limits
    noise : HostNoise or None
        None where the host does not tell how disturbed it was; nothing is then held against it.
    """
    run = results.overall
    conditions = [*_generator(run, limits), *_host(run, limits, noise)]
    disturbed = any(m.threshold is not None and m.value is None for m in conditions)
    found = [
        Measurement(name="latency.p50", value=_value(run.p50), unit="ms", n=run.sent, note=_note(run.p50, run)),
        _latency("latency.p95", run, limits.p95_ms, disturbed=disturbed),
        _latency("latency.p99", run, limits.p99_ms, disturbed=disturbed),
        Measurement(
            name="error_rate",
            value=run.error_rate,
            threshold=limits.error_rate,
            bound=Bound.MAX,
            n=run.sent,
            note=", ".join(f"{count} x {kind}" for kind, count in list(results.error_kinds.items())[:3]),
        ),
        Measurement(
            name="wrong_answers",
            value=float(results.wrong_answers),
            threshold=0.0,
            bound=Bound.MAX,
            unit="answers",
            n=results.requests,
            note="answers under load that differ from the reference" if results.wrong_answers else "",
        ),
        *conditions,
    ]
    if limits.recovery:
        found.append(_recovery(results, limits, disturbed=disturbed))
    return tuple(found)


def _latency(name: str, run: Summary, limit: float, *, disturbed: bool) -> Measurement:
    at_p95 = name.endswith("p95")
    found, service_ms = (run.p95, run.service_p95) if at_p95 else (run.p99, run.service_p99)
    return Measurement(
        name=name,
        value=_held_against(found, _alone(service_ms, run), limit, disturbed=disturbed),
        threshold=limit,
        bound=Bound.MAX,
        unit="ms",
        n=run.sent,
        n_required=P95_REQUIRES if at_p95 else P99_REQUIRES,
        note=_note(found, run),
    )


def _value(found: Quantile | None) -> float | None:
    return None if found is None else found.value


def _alone(service_ms: float | None, run: Summary) -> float | None:
    return None if service_ms is None else service_ms - (run.lag_p99 or 0.0)


def _held_against(found: Quantile | None, service_ms: float | None, limit: float, *, disturbed: bool) -> float | None:
    if found is None or service_ms is None:
        return None
    unclear = disturbed and found.value > limit and service_ms <= CLEAR_EXCESS * limit
    return None if unclear else found.value


def _generator(run: Summary, limits: Limits) -> list[Measurement]:
    held = run.achieved_share >= MIN_ACHIEVED_SHARE
    sent = Measurement(
        name="arrival_rate.achieved_share",
        value=run.achieved_share if held else None,
        threshold=MIN_ACHIEVED_SHARE,
        bound=Bound.MIN,
        n=run.sent,
        note="" if held else f"only {run.achieved_share:.0%} of {run.rate_per_s:g}/s left the generator",
    )
    lag = Measurement(
        name="generator.lag_p99", value=run.lag_p99, threshold=limits.lag_ms, bound=Bound.MAX, unit="ms", n=run.sent
    )
    late = f"the generator sent up to {run.lag_p99 or 0:.3g} ms late"
    return [sent, _excused(lag, late, held=_limits_held(run, limits))]


def _host(run: Summary, limits: Limits, noise: HostNoise | None) -> list[Measurement]:
    if noise is None:
        return []
    steal = Measurement(name="host.steal_share", value=noise.steal_share, threshold=MAX_STEAL_SHARE, bound=Bound.MAX)
    lost = f"{noise.steal_share:.0%} of the CPU time went to other hosts"
    return [_excused(steal, lost, held=_limits_held(run, limits))]


def _excused(condition: Measurement, what: str, *, held: bool) -> Measurement:
    """Return a disturbance as it counts: as nothing if the limits held all the same, else as not measured."""
    if condition.outcome is not Outcome.FAILED:
        return condition
    if held:
        return replace(condition, threshold=None, bound=None, note=f"{what}, and the limits held all the same")
    return replace(condition, value=None, note=f"{what}; free the host and repeat")


def _limits_held(run: Summary, limits: Limits) -> bool:
    found = ((run.p95, limits.p95_ms), (run.p99, limits.p99_ms))
    return all(quantile is not None and quantile.value <= limit for quantile, limit in found)


def _recovery(results: LoadResults, limits: Limits, *, disturbed: bool) -> Measurement:
    _, *stages = results.stages  # the warm-up comes first
    first, last = stages[0].p95, stages[-1]
    limit = limits.p95_ms if first is None else max(RECOVERY_FACTOR * first.value, limits.p95_ms)
    before = "" if first is None else f"; {_short(first.value)} ms before the surge"
    judged = _latency("recovery.p95", last, limit, disturbed=disturbed)
    return replace(judged, note=judged.note + before)


def _note(found: Quantile | None, run: Summary) -> str:
    if found is None:
        return "no request was sent"
    upper = "more than the slowest" if found.high is None else f"{_short(found.high)} ms"
    failed = f"; {run.errors} failed requests count as the timeout" if run.errors else ""
    return f"95 % interval {_short(found.low)} ms to {upper}{failed}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
