from __future__ import annotations

import random

import pytest

from slipway.core.verdict import Outcome
from slipway.loadtest.shares import bootstrap, count_clusters, poisson_high, poisson_low, share_above

LIMIT = 300.0


def spread(n, over, *, at_once=1):
    """``over`` requests above the limit, in groups, evenly over ``n``."""
    latencies = [5.0] * n
    groups = over // at_once
    for group in range(groups):
        start = round((group + 0.5) * n / groups) - at_once // 2
        latencies[start : start + at_once] = [400.0] * at_once
    return latencies


#          n, above, at once, allowed -> with more windows to come, at the last one
CASES = {
    "none above": (300, 0, 1, 0.01, Outcome.PASSED, Outcome.PASSED),
    "none above, one request too few": (299, 0, 1, 0.01, Outcome.INCONCLUSIVE, Outcome.PASSED),
    "all above": (300, 300, 1, 0.01, Outcome.FAILED, Outcome.FAILED),
    "one stall of forty": (500, 40, 40, 0.01, Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE),
    "three stalls of ten": (480, 30, 10, 0.01, Outcome.FAILED, Outcome.FAILED),
    "five of five hundred": (500, 5, 1, 0.01, Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE),
    "two of five hundred": (500, 2, 1, 0.01, Outcome.INCONCLUSIVE, Outcome.PASSED),
    "one in ten": (300, 30, 1, 0.05, Outcome.FAILED, Outcome.FAILED),
    "one in fifty, at the p95": (300, 6, 1, 0.05, Outcome.PASSED, Outcome.PASSED),
    "nothing was sent": (0, 0, 1, 0.05, Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("n", "over", "at_once", "allowed", "open_", "last"), CASES.values(), ids=CASES)
def test_the_verdict_follows_from_the_count(n, over, at_once, allowed, open_, last):
    latencies = spread(n, over, at_once=at_once) if over < n else [400.0] * n
    found = share_above(latencies, LIMIT, allowed=allowed)
    assert found.over == over
    assert (found.decide(last=False), found.decide(last=True)) == (open_, last)


@pytest.mark.parametrize("allowed", [0.01, 0.05])
def test_one_event_fails_a_version_only_where_it_reaches_over_more_than_three_in_ten_requests(allowed):
    for share, fails in ((0.3, False), (0.5, True)):
        long = round(share * 400)
        found = [
            share_above([5.0] * start + [400.0] * long + [5.0] * (400 - start - long), LIMIT, allowed=allowed)
            for start in range(400 - long)
        ]
        assert any(one.decide(last=True) is Outcome.FAILED for one in found) is fails


def test_neighbours_above_the_limit_are_one_event():
    assert count_clusters([10, 11, 12, 15, 40, 80, 82]) == 3
    assert count_clusters([]) == 0


def test_poisson_bounds_are_garwoods():
    assert [round(poisson_low(k, 0.025), 3) for k in (0, 1, 5)] == [0.0, 0.025, 1.623]
    assert [round(poisson_high(k, 0.025), 3) for k in (0, 1, 5)] == [3.689, 5.572, 11.668]


def simulated(share, size, *, n, rng):
    """Requests above the limit in bursts of about ``size``, ``share`` of them in all."""
    latencies, i = [], 0
    while len(latencies) < n:
        if rng.random() < share / size / (1 - share):
            latencies += [400.0] * size
        else:
            latencies.append(5.0)
        i += 1
    return latencies[:n]


RATES = {"far below": (0.001, 1), "half of what is allowed": (0.005, 1), "far below, in bursts": (0.001, 5)}


@pytest.mark.parametrize(("share", "size"), RATES.values(), ids=RATES)
def test_a_good_percentile_is_hardly_ever_said_to_be_broken(share, size):
    rng = random.Random(5)
    found = [share_above(simulated(share, size, n=500, rng=rng), LIMIT, allowed=0.01) for _ in range(400)]
    assert sum(one.decide(last=True) is Outcome.FAILED for one in found) <= 400 * 0.025


def test_a_percentile_with_twice_what_is_allowed_seldom_passes():
    rng = random.Random(6)
    found = [share_above(simulated(0.02, 1, n=500, rng=rng), LIMIT, allowed=0.01) for _ in range(400)]
    assert sum(one.decide(last=True) is Outcome.PASSED for one in found) <= 400 * 0.06


def test_the_block_bootstrap_holds_the_percentile_and_is_wider_where_slow_requests_come_together():
    rng = random.Random(2)
    scattered = [rng.expovariate(1 / 20) for _ in range(500)]
    together = [*([200.0] * 30), *scattered[30:]]
    low, high = bootstrap(scattered, 0.95)
    assert low < sorted(scattered)[474] < high
    assert bootstrap(together, 0.95)[1] - bootstrap(together, 0.95)[0] > 2 * (high - low)
    assert bootstrap([1.0] * 20, 0.95) is None
