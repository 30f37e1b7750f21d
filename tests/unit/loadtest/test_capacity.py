from __future__ import annotations

import pytest

from slipway.loadtest.capacity import MAX_RATE, Step, capacity_of, next_rate


def step(rate, held=True, *, limited=False):
    return Step(rate_per_s=rate, n=100, p95_ms=5, p99_ms=8, held=held, limited=limited)


def search(breaks_above, declared=20.0, limited_above=float("inf")):
    steps = []
    while (rate := next_rate(declared, steps)) is not None:
        steps.append(step(rate, rate <= min(breaks_above, limited_above), limited=rate > limited_above))
        assert len(steps) < 20
    return capacity_of(declared, steps, declared_held=True)


@pytest.mark.parametrize("end", [23.0, 50.0, 130.0, 777.0])
def test_the_end_is_found_within_a_quarter(end):
    found = search(end)
    assert found.rate_per_s <= end < found.broke_at <= 1.25 * found.rate_per_s
    assert found.rate_per_s >= 20


def test_a_service_that_never_breaks_ends_the_search_at_the_most_that_is_asked():
    found = search(float("inf"))
    assert MAX_RATE / 2 < found.rate_per_s <= MAX_RATE
    assert found.broke_at is None


def test_a_generator_that_is_too_slow_ends_the_search():
    found = search(float("inf"), limited_above=100.0)
    assert (found.rate_per_s, found.broke_at, found.limited) == (80.0, None, True)


def test_where_not_even_the_declared_rate_holds_there_is_none():
    assert capacity_of(20.0, [step(40.0, False)], declared_held=False).rate_per_s is None
