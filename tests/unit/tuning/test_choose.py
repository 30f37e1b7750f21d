"""The choice: the most throughput among what keeps the objectives, the simplest of what is equal, or no answer."""

import pytest

from slipway.core.serving_options import Mode, ServingOptions
from slipway.tuning.candidates import DEFAULT
from slipway.tuning.choose import Standing, choose, frontier, keeps, standing
from tests.unit.tuning.conftest import point, repeat

INLINE = ServingOptions(mode=Mode.INLINE)
POOL = ServingOptions(mode=Mode.POOL)
BATCHED = ServingOptions(mode=Mode.POOL, batch_rows=32)
STEADY = (990, 1000, 1010)
FAST = (1990, 2000, 2010)

CHOICES = {
    "the fastest, where its slowest repeat beats the default's fastest": (
        [point(DEFAULT, *STEADY), point(INLINE, *STEADY), point(BATCHED, *FAST)],
        BATCHED,
    ),
    "the default, where nothing beats it": ([point(DEFAULT, *STEADY), point(BATCHED, 985, 1000, 1015)], DEFAULT),
    "the default, where one repeat contradicts the gain": (
        [point(DEFAULT, *STEADY), point(BATCHED, 2000, 2000, 1005)],
        DEFAULT,
    ),
    "the default, where its own repeats spread over the gain": (
        [point(DEFAULT, 600, 1000, 2100), point(BATCHED, *FAST)],
        DEFAULT,
    ),
    "the default, where the gain is within 5 %": ([point(DEFAULT, *STEADY), point(BATCHED, 1040, 1050, 1055)], DEFAULT),
    "the simpler of two that are equally fast": (
        [point(DEFAULT, *STEADY), point(BATCHED, *FAST), point(INLINE, 1950, 1980, 2000)],
        INLINE,
    ),
    "of equals, only one that beats the default": (
        [point(DEFAULT, *STEADY), point(BATCHED, 1500, 2000, 2010), point(INLINE, 1005, 1980, 2000)],
        BATCHED,
    ),
    "not the fastest, where it breaks the p99": (
        [point(DEFAULT, *STEADY), point(BATCHED, *FAST, p99=150), point(INLINE, 1500, 1500, 1500)],
        INLINE,
    ),
    "not what keeps the p99 without a margin": ([point(DEFAULT, *STEADY), point(BATCHED, *FAST, p99=90)], DEFAULT),
    "the default without a margin": ([point(DEFAULT, *STEADY, p99=95), point(BATCHED, *STEADY, p99=95)], DEFAULT),
    "not what failed a request": ([point(DEFAULT, *STEADY), point(BATCHED, *FAST, errors=1)], DEFAULT),
    "not what answered wrongly once": ([point(DEFAULT, *STEADY), point(BATCHED, *FAST, wrong=1)], DEFAULT),
    "another, where the default breaks the p99": (
        [point(DEFAULT, *STEADY, p99=150), point(POOL, 500, 500, 500), point(BATCHED, 505, 505, 505)],
        POOL,
    ),
    "the default, where the generator set its pace": (
        [point(DEFAULT, *STEADY, generator_share=0.97), point(BATCHED, *FAST)],
        DEFAULT,
    ),
    "another, where the generator set only its own": (
        [point(DEFAULT, *STEADY), point(BATCHED, *FAST, generator_share=0.97)],
        BATCHED,
    ),
}


@pytest.mark.parametrize(("points", "chosen"), CHOICES.values(), ids=CHOICES)
def test_the_choice_is(objectives, points, chosen):
    found = choose(points, objectives)
    assert (found.point.options, found.standing) == (chosen, Standing.HOLDS)


@pytest.mark.parametrize(("points", "chosen"), CHOICES.values(), ids=CHOICES)
def test_the_order_of_the_points_makes_no_difference(objectives, points, chosen):
    assert choose(points[::-1], objectives).point.options == chosen


def test_that_nothing_is_distinguishable_is_said(objectives):
    found = choose([point(DEFAULT, *STEADY), point(BATCHED, *STEADY)], objectives)
    assert found.reason == "no configuration is distinguishable from the default"


def test_a_default_that_spreads_across_its_limit_is_inconclusive(objectives):
    found = choose([point(DEFAULT, *STEADY, p99=(90, 110, 120)), point(BATCHED, *FAST, p99=200)], objectives)
    assert (found.point.options, found.standing) == (DEFAULT, Standing.UNCLEAR)
    assert "in some repeats" in found.reason


def test_a_default_that_breaks_its_limit_in_each_repeat_is_what_fails(objectives):
    found = choose([point(DEFAULT, *STEADY, p99=150), point(BATCHED, *FAST, p99=200)], objectives)
    assert (found.point.options, found.standing) == (DEFAULT, Standing.BREAKS)


STANDINGS = {
    "one outlier of three": ((5, 5, 150), {}, Standing.HOLDS),
    "two of three": ((5, 150, 150), {}, Standing.UNCLEAR),
    "each": ((150, 150, 150), {}, Standing.BREAKS),
    "each, the generator was late itself": ((150, 150, 150), {"lag_p99_ms": 11}, Standing.UNCLEAR),
    "none, the generator was late": ((5, 5, 5), {"lag_p99_ms": 11}, Standing.HOLDS),
    "a failed request": ((5, 5, 5), {"errors": 1}, Standing.BREAKS),
    "a wrong answer": ((5, 5, 5), {"wrong": 1}, Standing.BREAKS),
}


@pytest.mark.parametrize(("p99", "changes", "stands"), STANDINGS.values(), ids=STANDINGS)
def test_where_the_limit_is_broken_by(objectives, p99, changes, stands):
    assert standing(point(DEFAULT, *STEADY, p99=p99, **changes), objectives) is stands


RATES = {
    "reached": (repeat(20), True),
    "not reached": (repeat(19), False),
    "not reached by the generator": (repeat(19, generator_share=0.95), None),
    "never measured": (repeat(1000, p95_ms=None, p99_ms=None), None),
}


@pytest.mark.parametrize(("one", "kept"), RATES.values(), ids=RATES)
def test_the_arrival_rate_is(objectives, one, kept):
    assert keeps(one, objectives) is kept


def test_the_frontier_holds_what_none_beats_in_both():
    low = point(DEFAULT, 100, p99=1)
    beaten = point(INLINE, 90, p99=2)
    high = point(POOL, 200, p99=3)
    wrong = point(BATCHED, 900, p99=0.5, wrong=1)
    assert frontier([high, beaten, wrong, low]) == (low, high)
