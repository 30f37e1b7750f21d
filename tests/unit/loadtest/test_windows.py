from __future__ import annotations

import random

import pytest

from slipway.loadtest.quantiles import Quantile
from slipway.loadtest.windows import mser, stability, warm_windows


def window(median_ms, *, n=50, seed=0):
    rng = random.Random(seed)
    return [median_ms * rng.lognormvariate(0, 0.4) for _ in range(n)]


def stalled(median_ms, *, seed=0):
    found = window(median_ms, seed=seed)
    found[10:26] = [800.0 - 50 * i for i in range(16)]
    return found


WARM = {
    "steady": ([window(5, seed=i) for i in range(6)], 0),
    "the first is slow": ([window(60, seed=9), *(window(5, seed=i) for i in range(5))], 1),
    "two are slow, the second less": ([window(60), window(20), *(window(5, seed=i) for i in range(4))], 2),
    "a stall in the first is no warm-up": ([stalled(5), *(window(5, seed=i) for i in range(5))], 0),
    "a stall in the first, a little slower too": ([stalled(6.5), *(window(5, seed=i) for i in range(5))], 0),
    "slow all along": ([window(60, seed=i) for i in range(6)], 0),
    "slow later": ([*(window(5, seed=i) for i in range(4)), window(60), window(60)], 0),
    "slow at first and again": ([window(60), *(window(5, seed=i) for i in range(4)), window(60, seed=3)], 0),
    "too few to tell": ([window(60), window(5)], 0),
    "nothing was sent": ([[], [], []], 0),
}


@pytest.mark.parametrize(("windows", "cold"), WARM.values(), ids=WARM)
def test_windows_of_warm_up_are_found(windows, cold):
    assert warm_windows(windows) == cold


def test_the_truncation_point_is_mser5s():
    rng = random.Random(1)
    decay = [40 * 0.6**i + rng.gauss(0, 1) for i in range(60)]
    assert 3 <= mser(decay) <= 12
    assert mser([1.0] * 10) == 0


def q(value, low, high):
    return Quantile(value=value, low=low, high=high)


STABLE = {
    "within a tenth": ([q(10, 9.9, 10.1), q(10.4, 10.3, 10.5), q(10.6, 10.55, 10.7)], True),
    "apart, and each well known": ([q(10, 9.9, 10.1), q(15, 14.9, 15.1), q(10, 9.9, 10.1)], False),
    "apart, but not told apart": ([q(10, 4, 30), q(15, 5, None), q(12, 4, 20)], True),
    "only the last three count": ([q(99, 98, 100), *[q(10, 9.9, 10.1)] * 3], True),
    "two are not enough": ([q(10, 9, 11), q(10, 9, 11)], False),
    "one was empty": ([q(10, 9, 11), None, q(10, 9, 11)], False),
}


@pytest.mark.parametrize(("p95s", "stable"), STABLE.values(), ids=STABLE)
def test_the_last_windows_agree_or_not(p95s, stable):
    assert stability(p95s).stable is stable
