"""The verdict on the percentiles: the counts, the disturbances and the champion together.

The rules are in :mod:`slipway.loadtest.judge`; :mod:`slipway.loadtest.shares` says how requests are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.loadtest.compare import Comparison, Ratio
from slipway.loadtest.limits import (
    CLEAR_EXCESS,
    P95_ALLOWS,
    P95_REQUIRES,
    P99_ALLOWS,
    P99_REQUIRES,
    RECOVERY_FACTOR,
    RECOVERY_REQUIRES,
    Limits,
)
from slipway.loadtest.quantiles import Quantile, quantile
from slipway.loadtest.results import LoadResults, Summary
from slipway.loadtest.shares import FAIL_ALPHA, Share, poisson_low, share_above


def shares(results: LoadResults, limits: Limits) -> dict[str, Share]:
    """Return the requests above each latency limit, by the measurement that they decide."""
    return {
        "latency.p95": share_above(results.latencies, limits.p95_ms, allowed=P95_ALLOWS),
        "latency.p99": share_above(results.latencies, limits.p99_ms, allowed=P99_ALLOWS),
    }


def recovered(latencies: Sequence[float], results: LoadResults, limits: Limits) -> Outcome:
    """Tell whether a window after a surge is good again: p95 within its limit, or at most 1.5 times what it was.

    Each request counts for itself here: the question is about these seconds alone.
    """
    found = quantile(sorted(latencies), 0.95)
    if found is None or len(latencies) < RECOVERY_REQUIRES:
        return Outcome.INCONCLUSIVE
    limit = recovery_limit(results, limits)
    if found.value <= limit:
        return Outcome.PASSED
    over = sum(latency > limit for latency in latencies)
    clear = poisson_low(over, FAIL_ALPHA) / len(latencies) > P95_ALLOWS
    return Outcome.FAILED if clear else Outcome.INCONCLUSIVE


def recovery_limit(results: LoadResults, limits: Limits) -> float:
    """Return the p95 that a window after a surge must hold, in ms."""
    before = results.overall.p95
    return limits.p95_ms if before is None else max(RECOVERY_FACTOR * before.value, limits.p95_ms)


@dataclass(frozen=True, slots=True)
class Latency:
    """What decides on the percentiles: the counts, the disturbances, the champion."""

    results: LoadResults
    limits: Limits
    comparison: Comparison
    disturbed: bool

    def measurement(self, name: str) -> Measurement:
        """Return the measurement of ``latency.p95`` or ``latency.p99``."""
        run, at_p95 = self.results.overall, name.endswith("p95")
        found, alone = (run.p95, run.service_p95) if at_p95 else (run.p99, run.service_p99)
        limit = self.limits.p95_ms if at_p95 else self.limits.p99_ms
        share = shares(self.results, self.limits)[name]
        outcome, excuse = self._outcome(share, limit, alone_ms(alone, run), self._champion(at_p95=at_p95))
        return Measurement(
            name=name,
            value=value_of(found) if found is None or outcome is not Outcome.INCONCLUSIVE else None,
            threshold=limit,
            bound=Bound.MAX,
            unit="ms",
            n=run.timed,
            n_required=1 if outcome is Outcome.FAILED else P95_REQUIRES if at_p95 else P99_REQUIRES,
            note="; ".join(filter(None, [excuse, interval_note(found, run), _counted(share, limit)])),
        )

    def _champion(self, *, at_p95: bool) -> Ratio | None:
        if not self.comparison.enough:
            return None
        return self.comparison.p95 if at_p95 else self.comparison.p99

    def _outcome(
        self, share: Share, limit: float, service_ms: float | None, champion: Ratio | None
    ) -> tuple[Outcome, str]:
        outcome = share.decide(last=True)
        if outcome is Outcome.INCONCLUSIVE:
            seen = "the windows do not agree" if not self.results.stability.stable else "too close to the limit"
            return outcome, f"open after {len(self.results.windows)} windows: {seen}" if share.n else ""
        if outcome is not Outcome.FAILED or service_ms is None:
            return outcome, ""
        if self.disturbed and service_ms <= CLEAR_EXCESS * limit:
            return Outcome.INCONCLUSIVE, "above the limit by no more than a disturbed host may explain"
        if champion is not None and champion.champion_ms > limit and champion.value <= CLEAR_EXCESS:
            said = f"the champion took {short_ms(champion.champion_ms)} ms in the windows beside: it is the host"
            return Outcome.INCONCLUSIVE, said
        return outcome, ""


def untried(found: Measurement, limits: Limits) -> Measurement:
    """Return what failed at a raised rate as not told: the declared one was not tried."""
    if limits.raised_from is None or found.outcome is not Outcome.FAILED:
        return found
    said = f"the declared {limits.raised_from:g}/s were not tried, only more: use a longer profile, as standard"
    return replace(found, value=None, note="; ".join(filter(None, [said, found.note])))


def value_of(found: Quantile | None) -> float | None:
    """Return a percentile's point estimate, in ms."""
    return None if found is None else found.value


def alone_ms(service_ms: float | None, run: Summary) -> float | None:
    """Return what the service alone took: the generator reads as late as it sends."""
    return None if service_ms is None else service_ms - (run.lag_p99 or 0.0)


def _counted(share: Share, limit: float) -> str:
    if not share.n:
        return ""
    if not share.over:
        return f"none of {share.n} above {limit:g} ms"
    at_once = f" in {share.clusters} stretches" if share.clusters < share.over else ""
    return f"{share.over} of {share.n} above {limit:g} ms{at_once}, true share {share.low:.1%} to {share.high:.1%}"


def interval_note(found: Quantile | None, run: Summary) -> str:
    """Return a percentile's interval as a person reads it."""
    if found is None:
        return "no request was sent"
    upper = "more than the slowest" if found.high is None else f"{short_ms(found.high)} ms"
    failed = f"; {run.errors} failed requests count as the timeout" if run.errors else ""
    return f"95 % interval {short_ms(found.low)} ms to {upper}{failed}"


def short_ms(value: float) -> str:
    """Return milliseconds without digits that say nothing."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
