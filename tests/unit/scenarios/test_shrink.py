import pytest

from slipway.scenarios.shrink import Budget, minimise, shrink
from slipway.scenarios.suite import ANSWERED, Case, CaseClass, Expectation, Failure, FailureKind, Form, Result

GOOD = {"a": 1.0, "b": 2.0, "c": "x", "d": True}


def result_of(case, failed, kind=FailureKind.WRONG_ANSWER, row=0):
    failure = Failure(kind=kind, message="wrong", row=row) if failed else None
    return Result(case=case, expectation=Expectation(statuses=ANSWERED), failure=failure)


def shrunk(rows, fails, *, budget=200, form=Form.RECORDS, row=0):
    case = Case(name="c", kind=CaseClass.IN_RANGE, rows=rows, form=form)
    sent = []

    def probe(trial):
        sent.append(trial)
        return result_of(trial, fails(trial.rows))

    found = shrink(result_of(case, True, row=row), probe, good=GOOD, budget=Budget(budget))
    return found, sent


def test_a_batch_becomes_the_row_that_fails_and_only_what_matters_stays():
    bad = {"a": 9.0, "b": 8.0, "c": "y", "d": False}
    found, _ = shrunk((GOOD, GOOD, bad), lambda rows: any(row["b"] > 5 for row in rows), row=2)
    assert found.result.case.rows == ({**GOOD, "b": 8.0},)
    assert found.columns == ("b",)


def test_columns_that_fail_only_together_stay_together():
    bad = {"a": 9.0, "b": 8.0, "c": "y", "d": False}
    found, _ = shrunk((bad,), lambda rows: rows[0]["a"] == 9.0 and rows[0]["c"] == "y")
    assert found.columns == ("a", "c")


def test_rows_that_fail_only_together_stay_together():
    rows = tuple({**GOOD, "a": float(i)} for i in range(40))
    found, _ = shrunk(rows, lambda some: {3.0, 31.0} <= {row["a"] for row in some})
    assert [row["a"] for row in found.result.case.rows] == [3.0, 31.0]


def test_an_absent_column_counts_as_a_difference():
    bad = {"b": 8.0, "c": "x", "d": True}
    found, _ = shrunk((bad,), lambda rows: "a" not in rows[0])
    assert found.columns == ("a",)
    assert found.result.case.rows == ({"b": 2.0, "c": "x", "d": True},)


def test_a_bool_differs_from_the_number_that_it_equals():
    found, _ = shrunk(({**GOOD, "a": True},), lambda rows: rows[0]["a"] is True)
    assert found.columns == ("a",)


def test_a_form_that_does_not_matter_becomes_records():
    found, _ = shrunk(({**GOOD, "a": 5.0},), lambda rows: rows[0]["a"] == 5.0, form=Form.V2)
    assert found.result.case.form is Form.RECORDS


@pytest.mark.parametrize("budget", [0, 1, 7])
def test_no_more_requests_are_sent_than_allowed(budget):
    rows = tuple({**GOOD, "a": float(i)} for i in range(40))
    found, sent = shrunk(rows, lambda some: len(some) > 1, budget=budget)
    assert len(sent) <= budget
    assert found.result.failure is not None


def test_a_failure_of_another_kind_is_not_followed():
    case = Case(name="c", kind=CaseClass.IN_RANGE, rows=({**GOOD, "a": 5.0},))
    found = shrink(
        result_of(case, True),
        lambda trial: result_of(trial, True, kind=FailureKind.SERVER_ERROR),
        good=GOOD,
        budget=Budget(50),
    )
    assert found.result.case is case


def test_minimise_needs_few_tries_when_one_of_many_matters():
    tries = []

    def fails(part):
        tries.append(part)
        return 500 in part

    assert minimise(range(1000), fails) == [500]
    assert len(tries) < 60


def test_numbers_that_matter_are_rounded_as_far_as_they_still_fail():
    found, _ = shrunk(
        ({**GOOD, "a": 9.9731648, "b": 0.0123456},), lambda rows: rows[0]["a"] > 9.95 and rows[0]["b"] < 1
    )
    assert found.result.case.rows[0] == {**GOOD, "a": 10.0, "b": 0.01}


def test_a_failure_that_shows_only_beside_another_case_is_left_as_it_is():
    case = Case(name="c", kind=CaseClass.INVARIANCE, rows=(GOOD, GOOD))
    failed = result_of(case, True, kind=FailureKind.VARIES)
    assert shrink(failed, pytest.fail, good=GOOD, budget=Budget(9)).result is failed
