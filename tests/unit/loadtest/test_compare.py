from __future__ import annotations

import random

import pytest

from slipway.loadtest.compare import compare


def windows(places, median_ms, *, seed=0, n=60):
    rng = random.Random(seed)
    return {place: [median_ms * rng.lognormvariate(0, 0.3) for _ in range(n)] for place in places}


def test_the_interval_of_the_ratio_holds_the_true_one():
    covered = 0
    for seed in range(120):
        found = compare(windows((0, 1, 3, 4, 6, 7), 12, seed=seed), windows((2, 5, 8), 10, seed=seed + 1000))
        covered += found.p95.low <= 1.2 <= found.p95.high
    assert covered >= 108


def test_a_host_that_slows_down_slows_both_windows_of_a_pair():
    ours = {0: [10.0] * 50, 2: [100.0] * 50, 4: [10.0] * 50}
    theirs = {1: [10.0] * 50, 3: [100.0] * 50, 5: [10.0] * 50}
    assert compare(ours, theirs).p95.value == pytest.approx(1.0)


def test_few_windows_give_a_ratio_without_an_interval():
    found = compare({0: [10.0] * 50}, {1: [5.0] * 50})
    assert (found.p95.value, found.p95.low, found.p95.pairs) == (2.0, None, 1)


def test_a_champion_that_said_nothing_is_nothing_to_compare_with():
    found = compare({0: [10.0] * 50}, {1: []})
    assert (found.p95, found.enough) == (None, False)


def test_a_champion_with_errors_excuses_nobody():
    ours, theirs = windows((0, 2), 10), windows((1, 3), 900)
    assert compare(ours, theirs).enough
    assert not compare(ours, theirs, errors=1).enough
