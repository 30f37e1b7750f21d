import asyncio
import random
import time
from collections import deque

import numpy as np
import pytest

from slipway.serving.admission import SMALL_BODY, Expectation, Gate, Lateness, Waiting, expires_at
from slipway.serving.config import Limits
from slipway.serving.faults import DeadlinePassed, Overloaded


def waiting(requests, seconds_each):
    made = Waiting()
    for _ in range(requests):
        made.enter(seconds_each)
    return made


def late(seconds):
    made = Lateness()
    made.seconds = seconds
    return made


CASES = {
    "idle": (waiting(0, 0), 9.0, 0.0, True),
    "idle_but_seen_late": (waiting(0, 0), 0.05, 9.0, True),
    "within_the_budget": (waiting(3, 0.05), 0.05, 0.0, True),
    "beyond_the_budget": (waiting(4, 0.05), 0.05, 0.0, False),
    "beyond_it_for_what_it_had_waited_before_it_was_seen": (waiting(3, 0.05), 0.05, 0.01, False),
    "too_many": (waiting(8, 0.0), 0.0, 0.0, False),
}


@pytest.mark.parametrize(("before", "own", "behind", "admitted"), CASES.values(), ids=CASES)
def test_a_request_is_let_in_while_its_wait_and_its_own_time_fit_the_budget(before, own, behind, admitted):
    gate = Gate(Limits(max_inflight=8, queue_budget_ms=200.0 + 1e-6), 250.0, late(behind))
    if admitted:
        gate.check(before, own)
    else:
        with pytest.raises(Overloaded):
            gate.check(before, own)


def test_a_third_of_the_objective_is_kept_for_the_way_and_what_cannot_be_foreseen():
    gate = Gate(Limits(), 100.0, late(0))
    gate.check(waiting(1, 0.05), 0.014)
    with pytest.raises(Overloaded, match="65 ms are allowed"):
        gate.check(waiting(1, 0.05), 0.016)


def test_the_budget_can_be_given_in_place_of_what_follows_from_the_objective():
    gate = Gate(Limits(queue_budget_ms=1000), 1, late(0))
    gate.check(waiting(9, 0.1), 0.05)


def test_who_is_refused_is_told_when_the_queue_will_be_done():
    with pytest.raises(Overloaded) as refused:
        Gate(Limits(), 100, late(0)).check(waiting(5, 0.5), 0.5)
    assert refused.value.retry_after_s == 3


def test_waiting_comes_back_to_nothing():
    made = waiting(3, 0.1)
    for _ in range(3):
        made.leave(0.1)
    assert (made.requests, made.seconds) == (0, 0.0)


def test_a_wait_that_comes_out_longer_than_expected_lets_fewer_in():
    gate, waiting = Gate(Limits(queue_budget_ms=80), 100, Lateness()), Waiting(requests=2, seconds=0.05)
    gate.check(waiting, 0.02)
    for _ in range(100):
        waiting.learn(0.05, 0.1)
    assert waiting.stretch == pytest.approx(2, abs=0.06)
    with pytest.raises(Overloaded):
        gate.check(waiting, 0.02)


def test_a_wait_that_comes_out_as_expected_again_lets_as_many_in_again():
    waiting = Waiting(requests=2, seconds=0.05, stretch=3.0)
    for _ in range(2500):
        waiting.learn(0.05, 0.03)
    assert waiting.stretch == 1
    Gate(Limits(queue_budget_ms=80), 100, Lateness()).check(waiting, 0.02)


def test_what_was_learnt_under_pressure_is_forgotten_when_nothing_waits_any_more():
    made = Waiting(stretch=3.0)
    for _ in range(2):
        made.enter(0.05)
    made.leave(0.05)
    assert made.stretch == 3
    made.leave(0.05)
    assert 1 < made.stretch < 3
    for _ in range(20):
        made.enter(0.05)
        made.leave(0.05)
    assert made.stretch < 1.1


def test_what_is_learnt_is_what_all_but_one_in_fifty_stay_below():
    waiting, seen = Waiting(), np.random.default_rng(0).lognormal(0.2, 0.3, 20_000)
    for times in seen:
        waiting.learn(0.05, 0.05 * times)
    assert np.mean(seen > waiting.stretch) == pytest.approx(0.02, abs=0.01)


def test_a_short_wait_says_nothing_of_a_long_one_and_no_wait_counts_for_more_than_four():
    waiting = Gate(Limits(queue_budget_ms=90), 300, Lateness()).waiting()
    for _ in range(500):
        waiting.learn(0.02, 5.0)
    assert waiting.stretch == 1
    for _ in range(500):
        waiting.learn(0.05, 5.0)
    assert 1 < waiting.stretch <= 4


def test_what_is_expected_follows_what_is_seen_small_and_large_apart():
    expectation = Expectation(0.001)
    for _ in range(50):
        expectation.learn(100, 0.02)
        expectation.learn(1_000_000, 1.0)
    assert expectation.of(200) == pytest.approx(0.02, rel=0.01)
    assert expectation.of(2_000_000) == pytest.approx(2.0, rel=0.01)
    assert expectation.of(SMALL_BODY + 1) >= expectation.of(SMALL_BODY)


DEADLINES = {
    "none": ({}, 30.0),
    "ours": ({b"x-slipway-deadline-ms": b"1500"}, 1.5),
    "envoys": ({b"x-envoy-expected-rq-timeout-ms": b"2000"}, 2.0),
    "the_earlier": ({b"x-slipway-deadline-ms": b"4000", b"x-envoy-expected-rq-timeout-ms": b"2000"}, 2.0),
    "no_more_than_ours": ({b"x-slipway-deadline-ms": b"90000"}, 30.0),
    "no_number": ({b"x-slipway-deadline-ms": b"nan"}, 30.0),
    "text": ({b"x-slipway-deadline-ms": b"soon"}, 30.0),
}


@pytest.mark.parametrize(("headers", "seconds"), DEADLINES.values(), ids=DEADLINES)
def test_the_deadline_is_the_callers_within_ours(headers, seconds):
    before = time.monotonic()
    assert expires_at(headers, 30.0) - seconds >= before
    assert expires_at(headers, 30.0) - seconds <= time.monotonic()


@pytest.mark.parametrize("text", [b"0", b"-1", b"-inf"])
def test_a_deadline_that_has_passed_is_refused(text):
    with pytest.raises(DeadlinePassed):
        expires_at({b"x-slipway-deadline-ms": text}, 30.0)


@pytest.mark.parametrize(("seconds", "admitted"), [(0.0, True), (0.19, True), (0.21, False)])
def test_what_is_answered_on_the_event_loop_is_refused_while_that_is_too_far_behind(seconds, admitted):
    gate = Gate(Limits(queue_budget_ms=200.0), 250.0, late(seconds))
    if admitted:
        gate.check_late()
    else:
        with pytest.raises(Overloaded, match="210 ms behind, 200 ms are allowed"):
            gate.check_late()


class Loop:
    """An event loop's clock: what is due comes as late as it is told."""

    def __init__(self):
        self.now, self.due = 100.0, None

    def time(self):
        return self.now

    def call_at(self, when, call, *args):
        self.due = when, call, args

    def come(self, late_s):
        when, call, args = self.due
        self.now = when + late_s
        call(*args)


def lateness_after(*late_s, then=lambda lateness: None):
    """Return how late a loop is taken to be whose looks came so late, one after the other."""
    loop, lateness = Loop(), Lateness()
    lateness.watch(loop)
    for seconds in late_s:
        loop.come(seconds)
    then(lateness)
    return lateness.seconds


def test_a_running_loop_is_looked_at():
    async def run():
        lateness = Lateness()
        lateness.watch(asyncio.get_running_loop())
        for _ in range(50):  # a look that another one follows at once is not late: not every pause meets two
            time.sleep(0.05)
            await asyncio.sleep(0.02)
            if lateness.seconds:
                return
        raise AssertionError("a loop that was held up 50 times was never late")

    asyncio.run(run())


def test_a_loop_that_is_held_up_again_and_again_is_late():
    assert lateness_after(0.2, 0.3) == pytest.approx(0.2)


def test_one_pause_is_over_when_it_is_over():
    assert lateness_after(0.3) == 0.0


def test_a_loop_that_was_late_recovers():
    assert lateness_after(0.2, 0.3, 0.0) == 0.0


def test_what_was_before_the_model_was_ready_is_forgotten():
    assert lateness_after(0.2, 0.3, then=Lateness.forget) == 0.0


def queue(*, rate, requests, service_s=0.018, objective_ms=300):
    """Let callers come by chance to one worker, of whose calls one in twenty takes four times as long.

    Returns how many were refused, and the seconds that the others were here, ascending.
    """
    rng, gate = random.Random(3), Gate(Limits(), objective_ms, Lateness())
    waiting, expectation = gate.waiting(), Expectation(service_s)
    now = free = 0.0
    refused, times, inside = 0, [], deque()
    for _ in range(requests):
        now += rng.expovariate(rate)
        while inside and inside[0][0] <= now:
            end, came, took, expected, here_for = inside.popleft()
            expectation.learn(100, took)
            waiting.learn(here_for, end - came)
            waiting.leave(expected)
            times.append(end - came)
        expected = expectation.of(100)
        try:
            gate.check(waiting, expected)
        except Overloaded:
            refused += 1
            continue
        here_for = waiting.seconds + expected
        waiting.enter(expected)
        took = service_s * (4 if rng.random() < 0.05 else 1)
        free = max(free, now) + took
        inside.append((free, now, took, expected, here_for))
    return refused, sorted(times)


def test_hardly_anybody_is_refused_at_a_rate_that_leaves_half_of_the_time_free():
    refused, times = queue(rate=20, requests=10_000)
    assert refused <= 20  # of 10,000
    assert times[int(0.99 * len(times))] < 0.3


def test_under_three_times_what_it_can_do_who_is_let_in_is_answered_in_time():
    refused, times = queue(rate=150, requests=10_000)
    assert refused > 5_000
    assert times[int(0.99 * len(times))] < 0.3
