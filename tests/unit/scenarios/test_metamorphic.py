import pytest

from slipway.core.golden import Tolerance
from slipway.scenarios.draws import Draws
from slipway.scenarios.holdout import read_holdout
from slipway.scenarios.invariance import AT_ONCE, at_once, one_by_one
from slipway.scenarios.metamorphic import check
from slipway.scenarios.suite import (
    ANSWERED,
    Case,
    CaseClass,
    Expectation,
    Failure,
    FailureKind,
    Form,
    Invariance,
    Result,
)
from slipway.scenarios.treat import expect

TOLERANCE = Tolerance(absolute=1e-6, relative=0)
ROW, OTHER = {"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}


def answered(name, rows, answers, **fields):
    failure = fields.pop("failure", None)
    case = Case(name=name, kind=CaseClass.INVARIANCE, rows=rows, **fields)
    expected = Expectation(statuses=ANSWERED, rows=rows, answers=(0.0,) * len(rows))
    return Result(case=case, expectation=expected, status=200, answers=answers, failure=failure)


def held(results):
    marked, [one] = check(results, TOLERANCE)
    return marked, one


BASE = answered("base", (ROW, OTHER), (0.25, 0.5))


def changed(answers, invariance=Invariance.ROW_ORDER, rows=(OTHER, ROW), **fields):
    return answered("changed", rows, answers, invariance=invariance, base="base", **fields)


@pytest.mark.parametrize(
    ("one", "broken"),
    [
        pytest.param(changed((0.5, 0.25)), 0, id="the-same"),
        pytest.param(changed((0.5, 0.25 + 1e-7)), 0, id="within-the-tolerance"),
        pytest.param(changed((0.5, 0.26)), 1, id="another-answer"),
        pytest.param(changed((0.25, 0.5)), 1, id="answers-in-the-old-order"),
        pytest.param(changed((0.5, 0.25 + 1e-7), Invariance.PREVIOUS), 1, id="the-same-request-must-be-identical"),
        pytest.param(changed((0.5, 0.25), Invariance.PREVIOUS), 0, id="the-same-request-is-identical"),
        pytest.param(changed(()), 1, id="no-answer-where-there-was-one"),
    ],
)
def test_a_row_must_get_the_answer_that_it_got_before(one, broken):
    _, found = held([BASE, one])
    assert (found.compared, found.broken) == (1, broken)
    assert found.example == ("changed" if broken else "")


def test_an_invariance_that_is_broken_and_nothing_else_fails_its_case():
    marked, _ = held([BASE, changed((0.5, 0.3))])
    failure = marked[1].failure
    assert failure.kind is FailureKind.VARIES
    assert (failure.row, failure.served, failure.expected) == (1, 0.3, 0.25)
    assert "row order" in failure.message
    assert marked[0].failure is None


def test_a_failure_that_was_there_stays_as_it_was():
    wrong = Failure(kind=FailureKind.WRONG_ANSWER, message="wrong")
    marked, found = held([BASE, changed((0.5, 0.3), failure=wrong)])
    assert marked[1].failure is wrong
    assert found.broken == 1


def test_answers_that_are_wrong_in_the_same_way_break_no_invariance():
    wrong = Failure(kind=FailureKind.WRONG_ANSWER, message="wrong")
    _, found = held([answered("base", (ROW, OTHER), (9.0, 8.0), failure=wrong), changed((8.0, 9.0), failure=wrong)])
    assert found.broken == 0


def test_what_has_nothing_to_be_compared_with_says_nothing():
    _, found = held([changed((0.5, 0.25))])
    assert (found.compared, found.broken) == (0, 0)


def test_a_batch_is_compared_with_its_rows_by_themselves_whatever_their_columns_order():
    alone = answered("alone", ({"b": 2.0, "a": 1.0},), (0.25,))
    batch = answered("batch", (ROW, OTHER), (0.35, 0.5), invariance=Invariance.BATCH_SIZE)
    _, found = held([alone, batch])
    assert (found.compared, found.broken) == (1, 1)
    assert found.largest == pytest.approx(0.1)


def test_repeated_calls_are_broken_by_an_unsteady_answer():
    unsteady = Failure(kind=FailureKind.UNSTEADY, message="changed")
    _, found = held([answered("r", (ROW,), (0.5,), invariance=Invariance.REPEATED, failure=unsteady)])
    assert (found.compared, found.broken) == (1, 1)


@pytest.fixture
def cases(tiny):
    holdout = read_holdout(tiny.files.holdout, tiny.signature, seed=0)
    alone = one_by_one(Draws(tiny.signature, holdout, seed=1))
    return [*alone, *at_once(alone)]


def test_every_invariance_has_cases_and_each_names_a_base_that_is_sent_before_it(cases):
    known = set()
    for case in cases:
        assert not case.base or case.base in known, case.name
        known.add(case.name)
    checked = {case.invariance for case in cases} - {None}
    assert checked == set(Invariance) - {Invariance.BATCH_SIZE}, "batches of every size are in the class in range"
    assert len(known) == len(cases)


def test_every_form_is_asked_with_the_same_rows(cases):
    rows = [case.rows for case in cases if case.name in {f"as {form}" for form in Form}]
    assert len(rows) == len(Form)
    assert all(one == rows[0] for one in rows)


def test_what_comes_before_a_row_is_of_every_kind(tiny, cases):
    before = [case.after for case in cases if case.invariance is Invariance.PREVIOUS]
    expected = [expect(case, tiny.signature) for case in before]
    assert {bool(one.flags) for one in expected if one.answered} == {True, False}
    assert {one.answered for one in expected} == {True, False}
    assert {len(case.rows) for case in before} == {0, 1, 64}


def test_many_requests_at_once_are_of_other_rows_and_some_are_rejected(tiny, cases):
    together = [case for case in cases if case.invariance is Invariance.CONCURRENT]
    assert len(together) == AT_ONCE
    assert {expect(case, tiny.signature).answered for case in together} == {True, False}
