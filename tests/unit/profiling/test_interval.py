from __future__ import annotations

import math
import random

import pytest

from slipway.profiling.interval import NEEDED, median_interval


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(6, 1, 6), (8, 1, 8), (9, 2, 8), (12, 3, 10), (15, 4, 12), (20, 6, 15)],
)
def test_the_ranks_are_those_of_the_published_table(n, low, high):
    found = median_interval([float(i) for i in range(1, n + 1)])
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize("n", range(1, NEEDED))
def test_too_few_values_bound_nothing(n):
    found = median_interval([1.0] * n)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.to_json()["low"] is None


def test_the_interval_holds_the_true_median_at_least_as_often_as_it_says():
    source = random.Random(1)
    held = 0
    for _ in range(2000):
        found = median_interval([source.lognormvariate(0, 1) for _ in range(12)])
        held += found.low <= 1.0 <= found.high
    assert held / 2000 >= 0.95
