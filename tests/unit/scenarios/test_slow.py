import random

import pytest

from slipway.scenarios.slow import MAX_ASKED, MAX_ASKED_IN_ALL, ROUNDS, TIMES, Watch
from slipway.scenarios.suite import ANSWERED, Case, CaseClass, Expectation, FailureKind, Result

PLAIN = Case(name="plain", kind=CaseClass.IN_RANGE, rows=({"a": 1},))
LATE = Case(name="late", kind=CaseClass.MISSING, rows=({"a": None},), columns=("a",))


def result(case=LATE, ms=500.0, **fields):
    return Result(case=case, expectation=Expectation(statuses=ANSWERED), status=200, ms=ms, **fields)


def watch(plain, late):
    """Return a watch over a service whose times come from two functions, and the cases that it was asked for."""
    asked = []

    def ask(case):
        asked.append(case.name)
        return plain() if case is PLAIN else late()

    return Watch(ask, PLAIN, 300.0), asked


def test_a_request_that_is_late_every_time_beside_a_quick_plain_one_is_a_failure():
    one, asked = watch(lambda: 3.0, lambda: 510.0)
    [judged] = one.review([result()])
    assert judged.failure.kind is FailureKind.TOO_SLOW
    assert judged.failure.columns == ("a",)
    assert "510 to 510 ms" in judged.failure.message
    assert asked == ["plain", "late"] * TIMES
    assert one.confirmed == 1


def test_one_quick_answer_clears_it():
    one, asked = watch(lambda: 3.0, lambda: 250.0)
    assert one.review([result()])[0].failure is None
    assert len(asked) == 2
    assert (one.confirmed, one.unclear) == (0, 0)


def test_where_plain_requests_are_late_too_nothing_can_be_said():
    one, asked = watch(lambda: 400.0, lambda: 510.0)
    assert one.review([result()])[0].failure is None
    assert one.unclear == 1
    assert len(asked) == 2 * ROUNDS


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param(result(ms=299.0), id="in-time"),
        pytest.param(result(case=Case(name="b", kind=CaseClass.MISSING, rows=({}, {}))), id="a-batch"),
        pytest.param(result(sent=False), id="not-sent"),
        pytest.param(result(case=Case(name="b", kind=CaseClass.EDGE, body=b"")), id="no-rows"),
    ],
)
def test_what_is_no_single_late_row_is_not_asked_again(quiet):
    one, asked = watch(lambda: 3.0, lambda: 510.0)
    assert one.review([quiet])[0].failure is None
    assert asked == []


def test_few_are_asked_again_the_latest_first():
    cases = [Case(name=f"late {i}", kind=CaseClass.MISSING, rows=({"a": i},)) for i in range(20)]
    one, asked = watch(lambda: 3.0, lambda: 100.0)
    one.review([result(case=case, ms=400.0 + i) for i, case in enumerate(cases)])
    assert [name for name in asked if name != "plain"] == [f"late {19 - i}" for i in range(MAX_ASKED)]


def test_what_was_cleared_is_not_asked_for_ever():
    one, asked = watch(lambda: 3.0, lambda: 100.0)
    for i in range(100):
        one.review([result(case=Case(name=f"late {i}", kind=CaseClass.MISSING, rows=({"a": i},)))])
    assert len(asked) == 2 * MAX_ASKED_IN_ALL


def test_a_host_that_delays_one_request_in_ten_seldom_makes_a_good_one_slow():
    rng, blamed, runs = random.Random(0), 0, 20_000

    def noisy():
        return 600.0 if rng.random() < 0.1 else 3.0

    for _ in range(runs):
        one, _ = watch(noisy, noisy)
        blamed += one.judge(LATE) is not None
    assert blamed / runs <= 3 * (0.1 / 1.1) ** 4


def test_a_slow_request_is_found_on_that_host_all_the_same():
    rng, found, runs = random.Random(1), 0, 500
    for _ in range(runs):
        one, _ = watch(lambda: 600.0 if rng.random() < 0.1 else 3.0, lambda: 510.0)
        found += one.judge(LATE) is not None
    assert found / runs >= 0.99
