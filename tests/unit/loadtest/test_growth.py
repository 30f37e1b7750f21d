from __future__ import annotations

import math
import random

import pytest

from slipway.core.verdict import Outcome
from slipway.loadtest.growth import Point, growth_of, theil_sen


def points(value, *, requests=1500, count=60, noise=0.5, seed=0):
    rng = random.Random(seed)
    places = [requests * i / count for i in range(count + 1)]
    return [Point(place, value(place) + rng.gauss(0, noise)) for place in places]


def walk(*, requests=1500, count=60, seed=0, step=0.3):
    rng, value, found = random.Random(seed), 150.0, []
    for i in range(count + 1):
        value += rng.gauss(0, step)
        found.append(Point(requests * i / count, value))
    return found


def judged(found):
    return growth_of(found, limit=512, floor=8, rate_per_s=20)


def levelling(amplitude, share):
    return lambda x: 150 + amplitude * (1 - math.exp(-x / (1500 * share)))


RUNS = 60
STEADY = {
    "constant": lambda seed: points(lambda x: 400, seed=seed),
    "noisy": lambda seed: points(lambda x: 150, noise=5, seed=seed),
    "grows by 60 and levels off": lambda seed: points(levelling(60, 0.25), seed=seed),
    "one step late": lambda seed: points(lambda x: 150 + 60 * (x > 1000), seed=seed),
    "up and down": lambda seed: points(lambda x: 150 + x % 300 / 10, seed=seed),
    "wanders": lambda seed: walk(seed=seed),
    "falls": lambda seed: points(lambda x: 200 - x / 50, seed=seed),
}


@pytest.mark.parametrize("make", STEADY.values(), ids=STEADY)
def test_what_does_not_grow_without_end_passes(make):
    assert sum(judged(make(seed)).outcome is not Outcome.PASSED for seed in range(RUNS)) <= 1


LEAKS = {
    "64 kB a call": lambda seed: points(lambda x: 150 + x / 16, seed=seed),
    "in steps of two": lambda seed: points(lambda x: 150 + x / 16 // 2 * 2, noise=0.01, seed=seed),
    "16 kB a call": lambda seed: points(lambda x: 150 + x / 64, seed=seed),
    "64 kB a call after a warm-up": lambda seed: points(
        lambda x: 150 + x / 16 + 40 * (1 - math.exp(-x / 200)), seed=seed
    ),
    "few requests, 512 kB each": lambda seed: points(lambda x: 150 + x / 2, requests=300, count=20, seed=seed),
}


@pytest.mark.parametrize("make", LEAKS.values(), ids=LEAKS)
def test_a_leak_fails_and_says_when_the_limit_is_reached(make):
    found = [judged(make(seed)) for seed in range(RUNS)]
    assert sum(one.outcome is Outcome.FAILED for one in found) >= RUNS - 1
    failed = next(one for one in found if one.outcome is Outcome.FAILED)
    assert 0 <= failed.hours_to_limit < 24
    assert failed.low <= failed.per_1000 <= failed.high


def test_growth_that_would_not_reach_the_limit_in_a_day_passes():
    slow = points(lambda x: 100 + x / 64)
    assert growth_of(slow, limit=10_000_000, floor=8, rate_per_s=20).outcome is Outcome.PASSED
    assert growth_of(slow, limit=512, floor=8, rate_per_s=0.001).outcome is Outcome.PASSED


def test_what_is_above_its_limit_already_fails():
    assert judged(points(lambda x: 700)).outcome is Outcome.FAILED


UNKNOWN = {
    "nothing": [],
    "one point": [Point(100.0, 5.0)],
    "few requests": points(lambda x: 150, requests=80),
    "few points": points(lambda x: 150, count=6),
}


@pytest.mark.parametrize("found", UNKNOWN.values(), ids=UNKNOWN)
def test_too_little_to_tell_is_not_a_pass(found):
    assert judged(found).outcome is Outcome.INCONCLUSIVE


def test_the_slope_and_its_interval_are_theil_and_sens():
    exact = theil_sen([Point(float(x), 3.0 * x + 1) for x in range(12)])
    assert (exact.value, exact.low, exact.high) == (3.0, 3.0, 3.0)
    noisy = theil_sen(points(lambda x: x / 100, noise=2))
    assert noisy.low < 0.01 < noisy.high
    assert theil_sen([Point(1.0, 1.0), Point(1.0, 2.0), Point(1.0, 3.0)]) is None


def test_the_interval_holds_the_true_slope_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        found = theil_sen(points(lambda x: x / 50, count=30, noise=4, seed=seed))
        covered += found.low <= 0.02 <= found.high
    assert covered / 200 >= 0.92


def test_it_says_how_much_would_have_shown():
    found = judged(points(lambda x: 150))
    assert found.smallest == pytest.approx(8 / 750 * 1000)
