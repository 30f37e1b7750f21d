from __future__ import annotations

import pytest

from slipway.core.loadprofile import LOAD_PROFILES
from slipway.core.verdict import Outcome, decide
from slipway.loadtest.host import HostNoise
from slipway.loadtest.judge import Limits, measure
from slipway.loadtest.results import results_of
from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import WARMUP, PlannedStage

LIMITS = Limits(p95_ms=200, p99_ms=300, error_rate=0.01)
WARM = PlannedStage(index=WARMUP, start=0, seconds=1, rate_per_s=100, judged=False)
QUIET = HostNoise(cpus=2, steal_share=0.01, load_before=0.1, load_max=1, running_max=2)
NOISY = HostNoise(cpus=2, steal_share=0.3, load_before=0.1, load_max=9, running_max=9)


def stage(index, start, *, judged=True):
    return PlannedStage(index=index, start=start, seconds=4, rate_per_s=100, judged=judged)


def load(latency_ms=20.0, *, index=0, start=1.0, n=400, lag_ms=0.0, wrong=0, refused=0):
    found = []
    for i in range(n):
        at = start + i * 4 / n
        good = i >= refused
        found.append(
            Sample(
                at,
                at + lag_ms / 1000,
                latency_ms + lag_ms,
                200 if good else 503,
                i >= refused + wrong if good else None,
                index,
                "" if good else "HTTP 503",
            )
        )
    return found


ONE = (stage(0, 1),)


def verdict(samples, *, stages=ONE, limits=LIMITS, noise=QUIET):
    return decide(measure(results_of(samples, (WARM, *stages), timeout_ms=3000), limits, noise))


CASES = {
    "fast and right": (load(), QUIET, Outcome.PASSED),
    "slow": (load(400), QUIET, Outcome.FAILED),
    "one wrong answer": (load(wrong=1), QUIET, Outcome.FAILED),
    "errors within the objective": (load(refused=3), QUIET, Outcome.PASSED),
    "errors above the objective": (load(refused=8), QUIET, Outcome.FAILED),
    "nothing was sent": ([], QUIET, Outcome.INCONCLUSIVE),
    "too few for a p99": (load(n=250), QUIET, Outcome.INCONCLUSIVE),
    "the generator lagged, fast all the same": (load(lag_ms=90), QUIET, Outcome.PASSED),
    "over the limit only by the generator's lag": (load(150, lag_ms=90), QUIET, Outcome.INCONCLUSIVE),
    "the generator lagged and the service is slow by itself": (load(400, lag_ms=90), QUIET, Outcome.FAILED),
    "noisy host, fast all the same": (load(), NOISY, Outcome.PASSED),
    "noisy host, a little slow": (load(230), NOISY, Outcome.INCONCLUSIVE),
    "noisy host, far too slow": (load(900), NOISY, Outcome.FAILED),
    "noisy host, wrong": (load(wrong=2), NOISY, Outcome.FAILED),
    "a host that does not tell": (load(), None, Outcome.PASSED),
}


@pytest.mark.parametrize(("samples", "noise", "outcome"), CASES.values(), ids=CASES)
def test_the_verdict_follows_from_what_was_seen(samples, noise, outcome):
    assert verdict(samples, noise=noise).outcome is outcome


SURGE = (stage(0, 1), stage(1, 5, judged=False), stage(2, 9))
SURGES = {
    "recovers": (load(20) + load(2500, index=1, start=5) + load(25, index=2, start=9), Outcome.PASSED),
    "refuses in the surge, then recovers": (
        load(20) + load(index=1, start=5, refused=300) + load(25, index=2, start=9),
        Outcome.PASSED,
    ),
    "stays slow": (load(20) + load(2500, index=1, start=5) + load(1500, index=2, start=9), Outcome.FAILED),
    "wrong in the surge": (load(20) + load(20, index=1, start=5, wrong=1) + load(20, index=2, start=9), Outcome.FAILED),
}


@pytest.mark.parametrize(("samples", "outcome"), SURGES.values(), ids=SURGES)
def test_a_surge_must_be_survived(samples, outcome):
    limits = Limits(p95_ms=200, p99_ms=300, error_rate=0.0, recovery=True)
    assert verdict(samples, stages=SURGE, limits=limits).outcome is outcome


def test_an_inconclusive_verdict_says_why():
    reasons = verdict(load(150, lag_ms=90)).reasons
    assert any("ms late" in reason for reason in reasons)


def test_a_profile_with_limits_of_its_own_overrides_the_objectives(spec):
    own = Limits.of(spec.objectives, LOAD_PROFILES["article"])
    models = Limits.of(spec.objectives, LOAD_PROFILES["smoke"])
    assert (own.p95_ms, own.p99_ms) == (170, 270)
    assert (models.p95_ms, models.p99_ms) == (spec.objectives.p95_ms, spec.objectives.p99_ms)
