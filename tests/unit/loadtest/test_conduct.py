"""The course of a test, and how often its verdict is right: services in numbers, the profile that is shortest."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from slipway.core.verdict import Outcome, decide
from slipway.loadtest.conduct import BURSTS
from slipway.loadtest.growth import growth_of
from slipway.loadtest.schedule import Part, Target
from tests.unit.loadtest.simulated import QUIET, Simulated, Watch, lead, outcomes

MS = 0.001


def quick(number, start, row, chance):
    return 3 * MS * math.exp(chance.gauss(0, 0.4))


def with_tail(share, seconds):
    """Some calls, by chance, take long."""
    return lambda number, start, row, chance: seconds if chance.random() < share else 3 * MS


def stalling(every, seconds):
    """Stands still now and then, whoever asks."""
    last = [0.0]

    def take(number, start, row, chance):
        if start - last[0] > every:
            last[0] = start
            return seconds
        return 3 * MS

    return take


def steady(seconds):
    return lambda number, start, row, chance: seconds


def every(count, seconds):
    return lambda number, start, row, chance: seconds if number % count == 0 else 3 * MS


GOOD = {
    "quick": lambda: Simulated(quick),
    "twenty milliseconds a call": lambda: Simulated(steady(20 * MS)),
    "one in a thousand takes 400 ms": lambda: Simulated(with_tail(0.001, 0.4), workers=8),
    "3 ms and now and then 12": lambda: Simulated(with_tail(0.3, 0.012)),
    "slow in its first two seconds": lambda: Simulated(
        lambda number, start, row, chance: 0.06 if start < 3 else 3 * MS, workers=4
    ),
    "grows by 60 MiB while it warms up": lambda: Simulated(quick, memory=lambda n: 100 + 60 * (1 - math.exp(-n / 150))),
    "memory goes up and down": lambda: Simulated(quick, memory=lambda n: 150 + n % 200 / 10),
    "memory makes one step": lambda: Simulated(quick, memory=lambda n: 150 + 40 * (n > 900)),
    "large and constant memory": lambda: Simulated(quick, memory=lambda n: 400.0),
}
RUNS = 15


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_a_good_version_is_not_blocked(make):
    assert outcomes(make, runs=RUNS)[Outcome.PASSED] == RUNS


BAD = {
    "every call takes 220 ms": lambda: Simulated(steady(0.22), workers=16),
    "one call at a time, 70 ms each": lambda: Simulated(steady(0.07)),
    "one call in 64 takes 600 ms, the others wait": lambda: Simulated(every(64, 0.6)),
    "stands still for 800 ms every eight seconds": lambda: Simulated(stalling(8.0, 0.8)),
    "one request in ten takes 500 ms": lambda: Simulated(
        lambda number, start, row, chance: 0.5 if row % 10 == 0 else 3 * MS, workers=8
    ),
    "keeps 64 kB a call": lambda: Simulated(quick, memory=lambda n: 100 + n / 16),
    "holds more than its limit": lambda: Simulated(quick, memory=lambda n: 700.0),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_a_bad_version_fails(make):
    found = outcomes(make, runs=RUNS)
    assert found[Outcome.PASSED] == 0
    assert found[Outcome.FAILED] >= RUNS - 1


def test_a_tail_that_is_only_half_as_large_again_as_allowed_does_not_pass_by_luck_often():
    found = outcomes(lambda: Simulated(with_tail(0.02, 0.4), workers=8), runs=40)
    assert found[Outcome.PASSED] <= 2


def test_a_champion_is_asked_in_between_at_the_same_rate():
    course, _, measurements = lead(Simulated(quick), Simulated(quick))
    sent = [stage.target for stage in course.stages if stage.part is Part.STAGE]
    ours, theirs = Target.CANDIDATE, Target.CHAMPION
    assert sent == [ours, ours, theirs] * 3
    assert {stage.rate_per_s for stage in course.stages if stage.part is Part.STAGE} == {20.0}
    named = {m.name: m for m in measurements}
    assert named["champion.p95_ratio"].outcome is None
    assert 0.3 < named["champion.p95_ratio"].value < 3
    assert decide(measurements).outcome is Outcome.PASSED


def test_what_slows_both_is_the_hosts_fault_and_what_slows_one_is_not():
    slow_host = {"noise": lambda at: 0.25}
    both = lead(Simulated(quick), Simulated(quick), **slow_host)[2]
    alone = lead(Simulated(steady(0.25), workers=16), Simulated(quick))[2]
    assert decide(both).outcome is Outcome.INCONCLUSIVE
    assert decide(alone).outcome is Outcome.FAILED
    assert any("it is the host" in m.note for m in both)


def test_a_version_far_slower_than_a_champion_that_is_slow_too_fails():
    found = lead(Simulated(steady(0.8), workers=32), Simulated(steady(0.25), workers=16))[2]
    assert decide(found).outcome is Outcome.FAILED


def test_windows_are_added_while_the_verdict_is_open_and_never_past_the_maximum():
    _, clear, _ = lead(Simulated(quick))
    _, open_, _ = lead(Simulated(with_tail(0.045, 0.25), workers=8), seed=3)
    assert len(clear.windows) == 6
    assert 6 < len(open_.windows) <= 10


BUSY = replace(QUIET, running_others=4.0)


def stops(*seconds):
    """Takes 20 ms a call, and at these seconds a quarter of a second once."""
    left = list(seconds)

    def take(number, start, row, chance):
        if left and start > left[0]:
            left.pop(0)
            return 0.25
        return 20 * MS

    return Simulated(take, patience=0.15)


REFUSING = {
    "refuses once, as a busy host stops it": (lambda: stops(8.0), BUSY, Outcome.PASSED),
    "refuses once on a quiet host": (lambda: stops(8.0), QUIET, Outcome.FAILED),
    "refuses again and again on a busy host": (lambda: stops(8.0, 16.0), BUSY, Outcome.FAILED),
    "refuses once in what was asked, and once more in what was asked besides": (
        lambda: stops(14.0, 24.0),
        BUSY,
        Outcome.FAILED,
    ),
}


@pytest.mark.parametrize(("make", "host", "outcome"), REFUSING.values(), ids=REFUSING)
def test_what_a_busy_host_made_a_service_refuse_is_asked_again(make, host, outcome):
    for seed in (0, 4, 5, 8, 9):  # each stop meets some requests in them
        _, results, measurements = lead(make(), seed=seed, host=host)
        assert results.refused > 0
        assert len(results.windows) == 10
        assert decide(measurements).outcome is outcome


def test_a_service_that_refuses_by_chance_is_not_excused_often():
    def make():
        return Simulated(with_tail(0.01, 0.4), patience=0.2)

    assert outcomes(make, runs=40, host=BUSY)[Outcome.PASSED] <= 4


def test_a_window_of_warm_up_is_set_aside_and_others_follow_as_the_verdict_is_open():
    cold = Simulated(lambda number, start, row, chance: 0.08 if start < 4.6 else 3 * MS, workers=4)
    _, results, measurements = lead(cold)
    assert [window.set_aside for window in results.windows].count(True) == 1
    assert results.windows[0].set_aside
    assert next(m for m in measurements if m.name == "latency.p99").n >= 300


def test_a_service_that_is_gone_is_not_asked_for_more():
    gone = Simulated(lambda number, start, row, chance: 9.0 if number > 100 else 3 * MS, workers=64)
    course, *_, measurements = lead(gone)
    assert not course.of(Part.BURST, Part.RECOVERY, Part.CAPACITY)
    assert decide(measurements).outcome is Outcome.FAILED


def test_a_service_that_stays_slow_after_the_burst_fails():
    tired = Simulated(lambda number, start, row, chance: 0.45 if number > 1000 else 2 * MS, workers=16)
    measurements = lead(tired)[2]
    named = {m.name: m for m in measurements}
    assert named["latency.p95"].outcome is Outcome.PASSED
    assert named["burst.recovery_p95"].outcome is Outcome.FAILED


def test_the_highest_rate_is_bracketed():
    course, *_, measurements = lead(Simulated(steady(4 * MS)), profile="standard")
    capacity = next(m for m in measurements if m.name == "capacity.rate")
    assert 160 <= capacity.value <= 250  # 4 ms a call, one at a time: 250 a second are its end
    broke = min(step.rate_per_s for step in course.steps if not step.held)
    assert broke / capacity.value <= 1.25
    assert capacity.outcome is None


def outcome(measurements, name):
    return next(m for m in measurements if m.name == name).outcome


def test_objectives_that_are_stricter_than_the_profiles_limits_are_judged():
    slow = lead(Simulated(steady(0.06), workers=8), profile="article", p95_ms=50, p99_ms=80)[2]
    assert outcome(slow, "latency.p95") is Outcome.FAILED


def test_a_profile_with_a_low_rate_of_its_own_is_judged_at_the_declared_one():
    course, results, _ = lead(Simulated(quick), profile="article", arrival_rate_per_s=40)
    assert results.overall.rate_per_s == 40
    assert {stage.rate_per_s for stage in course.of(Part.RECOVERY)} == {40}


RARE = [(profile, rate) for profile in ("smoke", "standard", "article", "surge") for rate in (0.02, 0.5, 5)]


@pytest.mark.parametrize(("profile", "rate"), RARE)
def test_a_good_version_that_is_seldom_asked_passes(profile, rate):
    course, _, measurements = lead(Simulated(quick), profile=profile, arrival_rate_per_s=rate)
    assert decide(measurements).outcome is Outcome.PASSED
    assert sum(stage.planned for stage in course.of(Part.RECOVERY)) >= 20


def test_a_rate_that_was_raised_is_stated():
    measurements = lead(Simulated(quick), arrival_rate_per_s=5)[2]
    assert any("asked at 14.6/s: the declared 5/s tell too little" in m.note for m in measurements)


def test_a_version_that_only_breaks_at_a_raised_rate_is_not_said_to_fail_and_passes_where_it_is_not_raised():
    def slow():
        return Simulated(steady(0.09))  # ten a second are its end

    smoke = lead(slow(), arrival_rate_per_s=2)[2]
    assert decide(smoke).outcome is Outcome.INCONCLUSIVE
    assert any("the declared 2/s were not tried" in m.note for m in smoke)
    assert decide(lead(slow(), profile="standard", arrival_rate_per_s=2)[2]).outcome is Outcome.PASSED


def test_a_version_that_fails_at_the_rate_that_the_profile_asks_for_fails():
    assert decide(lead(Simulated(steady(0.15)), profile="article", arrival_rate_per_s=2)[2]).outcome is Outcome.FAILED


@pytest.mark.parametrize("profile", ["standard", "article", "surge"])
def test_other_profiles_judge_a_good_version_too(profile):
    assert decide(lead(Simulated(quick), Simulated(quick), profile=profile)[2]).outcome is Outcome.PASSED


ASKED = {
    "keeps its memory": (lambda n: 100.0, 1),
    "grows and grows": (lambda n: 100 + n / 20, BURSTS),
}


@pytest.mark.parametrize(("memory", "bursts"), ASKED.values(), ids=ASKED)
def test_the_burst_is_repeated_while_something_grows(memory, bursts):
    course, *_ = lead(Simulated(quick, memory=memory))
    assert len(course.of(Part.BURST)) == bursts


def test_a_service_that_tells_nothing_of_itself_is_not_asked_again(monkeypatch):
    silent = growth_of([], limit=512, floor=8, rate_per_s=20)
    monkeypatch.setattr(Watch, "growths", lambda *_, **__: {"memory": silent})
    course, *_ = lead(Simulated(quick))
    assert len(course.of(Part.BURST)) == 1
