from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.verdict import Outcome, decide
from slipway.loadtest.besides import Beyond, Burst
from slipway.loadtest.growth import Growth
from slipway.loadtest.host import HostNoise
from slipway.loadtest.judge import measure
from slipway.loadtest.limits import Limits
from slipway.loadtest.results import results_of
from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import WARMUP, PlannedStage

LIMITS = Limits(p95_ms=200, p99_ms=300, error_rate=0.01)
WARM = PlannedStage(index=WARMUP, start=0, seconds=1, rate_per_s=100, judged=False)
QUIET = HostNoise(cpus=2, steal_share=0.01, load_before=0.1, load_max=1, running_max=2, calibration_ms=(1.0, 1.2))
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
    "no answer could be compared": ([s._replace(correct=None) for s in load()], QUIET, Outcome.INCONCLUSIVE),
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


def test_an_answer_that_nobody_knows_is_not_said_to_be_compared():
    unknown = [sample._replace(correct=None) for sample in load(n=100)]
    found = measure(results_of(load() + unknown, (WARM, *ONE), timeout_ms=3000), LIMITS, QUIET)
    assert next(m.n for m in found if m.name == "wrong_answers") == 400


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


def turned(samples, **how):
    """Every tenth request ends as ``how`` says."""
    return [s._replace(correct=None, **how) if i % 10 == 0 else s for i, s in enumerate(samples)]


AT_A_RAISED_RATE = {
    "fast and right": (load(), Outcome.PASSED),
    "slow": (load(400), Outcome.INCONCLUSIVE),
    "refuses some for now": (turned(load(), status=429, error="HTTP 429", refused=True), Outcome.INCONCLUSIVE),
    "does not answer some in time": (turned(load(), status=0, error="timeout"), Outcome.INCONCLUSIVE),
    "fails": (turned(load(), status=500, error="HTTP 500"), Outcome.FAILED),
    "refuses some for good": (turned(load(), status=503, error="HTTP 503"), Outcome.FAILED),
    "one wrong answer": (load(wrong=1), Outcome.FAILED),
}


@pytest.mark.parametrize(("samples", "outcome"), AT_A_RAISED_RATE.values(), ids=AT_A_RAISED_RATE)
def test_only_what_a_lower_rate_may_spare_is_excused_at_a_raised_one(samples, outcome):
    assert verdict(samples, limits=replace(LIMITS, raised_from=5.0)).outcome is outcome


def test_a_surge_at_a_raised_rate_is_not_said_to_be_too_much():
    samples, _ = SURGES["stays slow"]
    limits = Limits(p95_ms=200, p99_ms=300, error_rate=0.0, recovery=True, raised_from=1.0)
    assert verdict(samples, stages=SURGE, limits=limits).outcome is Outcome.INCONCLUSIVE


STRICT = replace(LIMITS, error_rate=0.0)
BUSY = replace(QUIET, running_others=4.0)
FOUR = tuple(replace(stage(i, 1 + i), seconds=1, stage=0) for i in range(4))


def turned_away(*places, status=429, refused=True):
    """Four windows of a hundred requests, a hundred a second, some of them turned away."""
    turned = {"status": status, "correct": None, "error": f"HTTP {status}", "refused": refused}
    placed = [s._replace(stage=i // 100) for i, s in enumerate(load())]
    return [s._replace(**turned) if i in places else s for i, s in enumerate(placed)]


REFUSED = {
    "once on a busy host": (turned_away(150, 153), BUSY, Outcome.PASSED),
    "once on a quiet host": (turned_away(150, 153), QUIET, Outcome.FAILED),
    "once on a host that does not tell": (turned_away(150, 153), None, Outcome.FAILED),
    "twice on a busy host": (turned_away(150, 353), BUSY, Outcome.FAILED),
    "in two windows, too few are left": (turned_away(199, 200), BUSY, Outcome.FAILED),
    "for good": (turned_away(150, status=503, refused=False), BUSY, Outcome.FAILED),
    "beside an error": (
        [s._replace(status=500, correct=None) if i == 151 else s for i, s in enumerate(turned_away(150))],
        BUSY,
        Outcome.FAILED,
    ),
    "so many that the p99 is broken": (turned_away(*range(130, 190)), BUSY, Outcome.FAILED),
}


@pytest.mark.parametrize(("samples", "noise", "outcome"), REFUSED.values(), ids=REFUSED)
def test_one_event_of_refusals_is_a_busy_hosts_and_nothing_else_is(samples, noise, outcome):
    assert verdict(samples, stages=FOUR, limits=STRICT, noise=noise).outcome is outcome


def test_what_was_excused_is_said():
    results = results_of(turned_away(150, 153), (WARM, *FOUR), timeout_ms=3000)
    found = next(m for m in measure(results, STRICT, BUSY) if m.name == "error_rate")
    assert found.note == "2 refused within 0.03 s on a disturbed host, and none besides; 2 x HTTP 429"
    assert (found.value, results.overall.errors) == (0.0, 2)


def test_refusals_within_the_objective_need_no_excuse():
    results = results_of(turned_away(150, 153), (WARM, *FOUR), timeout_ms=3000)
    found = next(m for m in measure(results, LIMITS, BUSY) if m.name == "error_rate")
    assert (found.value, found.note) == (2 / 400, "2 x HTTP 429")


def told(name, samples, *, noise=QUIET, beyond=None, stages=ONE):
    results = results_of(samples, (WARM, *stages), timeout_ms=3000)
    return next(m for m in measure(results, LIMITS, noise, beyond) if m.name == name)


DISTURBED = {
    "others were ready to run": replace(QUIET, running_others=5.0),
    "fixed work took far longer": replace(QUIET, calibration_ms=(1.0, 4.0)),
}


@pytest.mark.parametrize("noise", DISTURBED.values(), ids=DISTURBED)
def test_a_disturbed_host_excuses_a_small_excess_and_no_more(noise):
    assert verdict(load(230), noise=noise).outcome is Outcome.INCONCLUSIVE
    assert verdict(load(900), noise=noise).outcome is Outcome.FAILED
    assert verdict(load(), noise=noise).outcome is Outcome.PASSED
    assert verdict(load(wrong=1), noise=noise).outcome is Outcome.FAILED


def paused(samples, *, begin, end):
    """The requests that start within the pause wait until it is over."""
    return [
        s._replace(latency_ms=s.latency_ms + (end - s.intended_s) * 1000) if begin < s.intended_s < end else s
        for s in samples
    ]


def test_requests_that_a_pause_of_the_host_covers_do_not_count():
    samples = paused(load(n=400), begin=2.0, end=2.15)
    late = [s._replace(latency_ms=s.latency_ms + 400) if 2.0 < s.intended_s < 2.15 else s for s in samples]
    seen = results_of(late, (WARM, *ONE), timeout_ms=3000, pauses=[(2.0, 2.16)])
    blind = results_of(late, (WARM, *ONE), timeout_ms=3000)
    assert (seen.paused, seen.overall.p99.value, blind.overall.p99.value > 400) == (seen.paused, 20.0, True)
    assert 10 <= seen.paused <= 20
    assert seen.overall.sent == 400


def test_too_many_pauses_are_a_disturbed_host_and_all_requests_count():
    samples = paused(load(n=400), begin=2.0, end=3.0)
    results = results_of(samples, (WARM, *ONE), timeout_ms=3000, pauses=[(2.0, 3.0)])
    found = {m.name: m for m in measure(results, LIMITS, QUIET)}
    assert results.paused_share > 0.2
    assert results.overall.timed == 400
    assert found["host.paused_share"].outcome is Outcome.INCONCLUSIVE


def growth(outcome, *, ends_at):
    return Growth(
        requests=800, points=60, last=150, limit=512, per_1000=60, low=58, high=61, rising=True, levels_off=False,
        ends_at=ends_at, hours_to_limit=1.5, smallest=5, outcome=outcome,
    )  # fmt: skip


GROWN = {
    "a leak": (growth(Outcome.FAILED, ends_at=9000.0), Outcome.FAILED),
    "nothing that reaches the limit": (growth(Outcome.PASSED, ends_at=200.0), Outcome.PASSED),
    "nothing that is known": (growth(Outcome.INCONCLUSIVE, ends_at=None), Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("found", "outcome"), GROWN.values(), ids=GROWN)
def test_what_grows_is_held_against_its_limit(found, outcome):
    judged = told("memory.in_24h", load(), beyond=Beyond(growth={"memory": found}))
    assert judged.outcome is outcome
    assert judged.n == 1600


def test_a_leak_is_the_versions_own_on_a_noisy_host_too():
    beyond = Beyond(growth={"memory": growth(Outcome.FAILED, ends_at=9000.0)})
    assert told("memory.in_24h", load(), noise=NOISY, beyond=beyond).outcome is Outcome.FAILED


@pytest.mark.parametrize(("peak", "outcome"), [(500.0, Outcome.PASSED), (513.0, Outcome.FAILED)])
def test_memory_beyond_its_limit_fails(peak, outcome):
    results = results_of(load(), (WARM, *ONE), timeout_ms=3000)
    limits = replace(LIMITS, memory_mb=512)
    found = {m.name: m for m in measure(results, limits, QUIET, Beyond(peak_memory_mb=peak))}
    assert found["memory.peak"].outcome is outcome


def burst(*, errors=0, refused=0, after=20.0, n_after=50):
    return Burst(
        n=1000, refused=refused, errors=errors, per_s=300, after_ms=(after,) * n_after, recovered=after < 200, seconds=3
    )


BURSTS = {
    "as good as before": (burst(), QUIET, Outcome.PASSED),
    "refuses what is too much": (burst(refused=600), QUIET, Outcome.PASSED),
    "refuses nearly everything": (burst(refused=999), QUIET, Outcome.INCONCLUSIVE),
    "errors": (burst(errors=200), QUIET, Outcome.FAILED),
    "errors on a noisy host": (burst(errors=200), NOISY, Outcome.FAILED),
    "stays slow": (burst(after=900.0), QUIET, Outcome.FAILED),
    "too few requests after it": (burst(n_after=8), QUIET, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("found", "noise", "outcome"), BURSTS.values(), ids=BURSTS)
def test_a_burst_must_be_answered_and_recovered_from(found, noise, outcome):
    results = results_of(load(), (WARM, *ONE), timeout_ms=3000)
    assert decide(measure(results, LIMITS, noise, Beyond(burst=found))).outcome is outcome


@pytest.mark.parametrize(("declared", "outcome"), [(0.5, Outcome.INCONCLUSIVE), (5.0, Outcome.FAILED)])
def test_a_slow_recovery_is_held_against_a_version_at_the_declared_rate_only(declared, outcome):
    results = results_of(load(), (WARM, *ONE), timeout_ms=3000)
    limits = replace(LIMITS, raised_from=declared)
    assert decide(measure(results, limits, QUIET, Beyond(burst=burst(after=900.0)))).outcome is outcome


def test_an_unstable_percentile_far_below_its_limit_stops_nothing():
    samples = load(3.0, n=100) + [s._replace(intended_s=s.intended_s + 4, latency_ms=3.0 + i % 40)
                                  for i, s in enumerate(load(3.0, n=300))]  # fmt: skip
    windows = [PlannedStage(index=0, start=1 + 2 * i, seconds=2, rate_per_s=50, judged=True) for i in range(4)]
    cut = [replace(window, index=i, stage=0) for i, window in enumerate(windows)]
    placed = [s._replace(stage=min(3, int((s.intended_s - 1) // 2))) for s in samples]
    results = results_of(placed, (WARM, *cut), timeout_ms=3000)
    found = {m.name: m for m in measure(results, LIMITS, QUIET)}
    assert found["latency.p95"].outcome is Outcome.PASSED
    assert found["windows.p95_spread"].outcome is None
