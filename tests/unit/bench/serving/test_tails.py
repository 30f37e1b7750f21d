import math

import numpy as np

from bench.serving.tails import Turn, pooled, tail_ratio


def turns(*latencies, lost=0):
    return [Turn(place, tuple(values), lost) for place, values in enumerate(latencies)]


def test_the_quantile_is_that_of_all_requests_together():
    assert pooled(turns([1.0] * 99, [5.0] * 101)) == 5.0
    assert pooled(turns([1.0] * 199, [5.0])) == 1.0
    assert pooled(turns([1.0] * 90, lost=10)) == math.inf
    assert math.isnan(pooled([]))


def test_a_pause_that_met_both_in_one_turn_leaves_the_ratio_as_it_is():
    ours, theirs = [[1.0] * 50] * 9 + [[400.0] * 50], [[2.0] * 50] * 9 + [[800.0] * 50]
    found = tail_ratio(turns(*ours), turns(*theirs))
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert (found.n, found.turns) == (500, 10)


def test_one_pause_that_met_one_of_them_alone_widens_the_interval():
    found = tail_ratio(turns(*[[1.0] * 50] * 9, [400.0] * 50), turns(*[[2.0] * 50] * 10))
    assert found.value == 200.0
    assert found.low == 0.5


def test_the_interval_holds_the_true_ratio_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        ours, theirs = (
            turns(*[(rng.exponential(scale, 60) * rng.uniform(0.8, 1.2)).tolist() for _ in range(24)])
            for scale in (1.0, 2.0)
        )
        found = tail_ratio(ours, theirs)
        held += found.low <= 0.5 <= found.high
    assert held >= 50


def test_only_turns_that_both_had_are_compared():
    ours, theirs = turns([1.0], [9.0]), turns([2.0])
    assert tail_ratio(ours, theirs).value == 0.5
    assert tail_ratio(ours, [Turn(7, (1.0,))]) is None
    assert tail_ratio(ours, turns([1.0], lost=5)) is None
