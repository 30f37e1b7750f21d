"""What is looked at besides the windows: growth, the burst, the champion, the highest rate; as measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.loadtest.capacity import Capacity
from slipway.loadtest.compare import Comparison, Ratio
from slipway.loadtest.growth import HORIZON_HOURS, MIN_REQUESTS, Growth
from slipway.loadtest.latency import recovered, recovery_limit, short_ms, untried, value_of
from slipway.loadtest.limits import BURST_CALLERS, RECOVERY_PER_S, RECOVERY_REQUIRES, Limits
from slipway.loadtest.quantiles import quantile
from slipway.loadtest.results import LoadResults

UNITS = {"memory": "MiB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What came of the burst, and of the windows after it at the declared rate.

    Attributes
    ----------
    n, refused, errors : int
        Requests of the burst; those refused for now, with Retry-After; others without an answer.
    per_s : float
        Answers a second: what a few callers get out of the service.
    after_ms : tuple of float
        Latencies in the last window after it.
    recovered : bool
    seconds : float
        From the end of the burst to the end of that window.
    """

    n: int
    refused: int
    errors: int
    per_s: float
    after_ms: tuple[float, ...]
    recovered: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        after = quantile(sorted(self.after_ms), 0.95)
        return {
            "requests": self.n,
            "refused": self.refused,
            "errors": self.errors,
            "per_s": self.per_s,
            "after_p95_ms": None if after is None else after.value,
            "after_requests": len(self.after_ms),
            "recovered": self.recovered,
            "after_seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What was looked at besides the windows; what is None or empty was not looked at."""

    comparison: Comparison = field(default_factory=Comparison)
    growth: Mapping[str, Growth] = field(default_factory=dict)
    peak_memory_mb: float | None = None
    burst: Burst | None = None
    capacity: Capacity | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "comparison": self.comparison.to_json(),
            "growth": {name: found.to_json() for name, found in self.growth.items()},
            "burst": None if self.burst is None else self.burst.to_json(),
            "capacity": None if self.capacity is None else self.capacity.to_json(),
        }


def besides(results: LoadResults, limits: Limits, more: Beyond, *, disturbed: bool) -> list[Measurement]:
    """Return the measurements of what was looked at besides; ``disturbed`` excuses a slow recovery."""
    found = [_growth(name, one) for name, one in more.growth.items()]
    if more.peak_memory_mb is not None and limits.memory_mb != float("inf"):
        found.append(
            Measurement(
                name="memory.peak", value=more.peak_memory_mb, threshold=limits.memory_mb, bound=Bound.MAX, unit="MiB"
            )
        )
    if more.burst is not None:
        found += _burst(more.burst, results, limits, disturbed=disturbed)
    if more.capacity is not None:
        found.append(_capacity(more.capacity))
    for name, ratio in (("p95", more.comparison.p95), ("p99", more.comparison.p99)):
        if ratio is not None:
            found.append(_ratio(name, ratio, more.comparison))
    return found


def _growth(name: str, found: Growth) -> Measurement:
    """A resource's end at its slope is what its limit is about; a resource that is not told has no value."""
    notes = []
    if found.per_1000 is not None:
        notes.append(
            f"{found.per_1000:.3g} for 1,000 requests, 95 % interval {found.low or 0:.3g} to {found.high or 0:.3g}"
        )
    if found.levels_off:
        notes.append("levels off")
    if found.hours_to_limit is not None:
        notes.append(f"reaches {found.limit:,.0f} after {_duration(found.hours_to_limit)} at the declared rate")
    if found.rising is False and found.smallest is not None:
        notes.append(f"more than {found.smallest:.2g} for 1,000 requests would have shown")
    known = found.outcome is not Outcome.INCONCLUSIVE
    return Measurement(
        name=f"{name}.in_{HORIZON_HOURS:g}h",
        value=found.ends_at if known else None,
        threshold=found.limit,
        bound=Bound.MAX,
        unit=UNITS.get(name, name),
        n=2 * found.requests,
        n_required=MIN_REQUESTS if known else 1,
        note="; ".join(notes) if known else "the service does not tell, or was asked too little",
    )


def _duration(hours: float) -> str:
    """Return a duration as a person says it.

    >>> _duration(30.0), _duration(0.05), _duration(0.0)
    ('30 h', '3 min', 'no time at all')
    """
    if hours >= 1:
        return f"{hours:.2g} h"
    return f"{60 * hours:.2g} min" if hours else "no time at all"


def _burst(burst: Burst, results: LoadResults, limits: Limits, *, disturbed: bool) -> list[Measurement]:
    answered = burst.n - burst.refused
    after = quantile(sorted(burst.after_ms), 0.95)
    outcome = recovered(burst.after_ms, results, limits)
    excused = outcome is Outcome.INCONCLUSIVE or (outcome is Outcome.FAILED and disturbed)
    recovery = Measurement(
        name="burst.recovery_p95",
        value=None if excused else value_of(after),
        threshold=recovery_limit(results, limits),
        bound=Bound.MAX,
        unit="ms",
        n=len(burst.after_ms),
        n_required=RECOVERY_REQUIRES,
        note=f"{burst.seconds:.2g} s after the burst"
        + (f"; {short_ms(results.overall.p95.value)} ms before it" if results.overall.p95 else ""),
    )
    raised = limits.raised_from is not None and limits.raised_from < RECOVERY_PER_S
    return [
        Measurement(name="burst.rate", value=burst.per_s, unit="1/s", n=burst.n, note="answers to a few callers"),
        Measurement(
            name="burst.error_rate",
            value=burst.errors / answered if answered else None,
            threshold=limits.error_rate,
            bound=Bound.MAX,
            n=answered,
            n_required=BURST_CALLERS,
            note=f"{burst.refused} more were refused as too many, with Retry-After" if burst.refused else "",
        ),
        untried(recovery, limits) if raised else recovery,
    ]


def _capacity(found: Capacity) -> Measurement:
    above = f"broke at {found.broke_at:.4g}/s" if found.broke_at else "no rate that was tried broke an objective"
    return Measurement(
        name="capacity.rate",
        value=found.rate_per_s,
        unit="1/s",
        n=found.n,
        note="the generator could not ask faster" if found.limited else above,
    )


def _ratio(name: str, ratio: Ratio, comparison: Comparison) -> Measurement:
    known = ratio.low is not None and ratio.high is not None
    interval = f"95 % interval {ratio.low:.2g} to {ratio.high:.2g}" if known else "too few windows for an interval"
    return Measurement(
        name=f"champion.{name}_ratio",
        value=ratio.value,
        n=comparison.n,
        note=f"{short_ms(ratio.candidate_ms)} ms, the champion {short_ms(ratio.champion_ms)} ms; {interval}",
    )
