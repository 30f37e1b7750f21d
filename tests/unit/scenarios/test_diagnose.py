import pytest

from slipway.core.golden import Tolerance
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.errors import ReferenceFailed
from slipway.scenarios.diagnose import diagnose
from slipway.scenarios.suite import ANSWERED, Case, CaseClass, Expectation, Failure, FailureKind, Result
from slipway.scenarios.treat import treat

SIGNATURE = Signature(
    inputs=(
        Column(name="a", dtype=DType.FLOAT, on_missing=Policy.parse({"impute": 7.0})),
        Column(name="b", dtype=DType.FLOAT),
        Column(name="n", dtype=DType.INT, min=0, max=9, on_out_of_range=Policy.parse("clip")),
    ),
    output=Output(name="y"),
)
ROWS = [{"a": 1.5, "b": 2.25, "n": 3}, {"a": -4.0, "b": 0.5, "n": 8}, {"a": 2.0, "b": 9.0, "n": 1}]


def reference(row):
    return 3 * row["a"] + row["b"] ** 2 - row["n"] / 7


def score(rows):
    try:
        return [reference(row) for row in rows]
    except TypeError as error:
        raise ReferenceFailed("crashed", remedy="none") from error


def told(fault, rows=ROWS):
    results = []
    for sent in rows:
        seen = dict(treat(sent, SIGNATURE).row)
        results.append(
            Result(
                case=Case(name="c", kind=CaseClass.IN_RANGE, rows=(sent,)),
                expectation=Expectation(statuses=ANSWERED, rows=(seen,), answers=(reference(seen),)),
                answers=(fault(seen, sent),),
                failure=Failure(kind=FailureKind.WRONG_ANSWER, message="wrong"),
            )
        )
    found = diagnose(results, score=score, tolerance=Tolerance(absolute=1e-9, relative=0), signature=SIGNATURE)
    return [hypothesis.text for hypothesis in found]


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        pytest.param(
            lambda seen, sent: reference({**seen, "a": seen["b"], "b": seen["a"]}),
            "as if `a` and `b` were swapped",
            id="swap",
        ),
        pytest.param(
            lambda seen, sent: reference({**seen, "b": seen["b"] * 1000}),
            "as if `b` were multiplied by 1000",
            id="unit",
        ),
        pytest.param(lambda seen, sent: reference({**seen, "n": 0}), "as if `n` were always 0", id="ignored"),
    ],
)
def test_the_cause_is_told_when_the_reference_confirms_it_on_every_row(fault, cause):
    assert told(fault) == [cause]


def test_a_policy_that_was_not_applied_is_told():
    rows = [{"a": 1.0, "b": 2.0, "n": n} for n in (30, 45)]
    assert "as if `n` were passed on as it was sent" in told(
        lambda seen, sent: reference({**seen, "n": sent["n"]}), rows
    )


def test_rows_that_the_reference_cannot_score_do_not_end_the_search():
    rows = [{"a": None, "b": 2.0, "n": 3}, {"a": None, "b": 5.0, "n": 1}]
    assert told(lambda seen, sent: reference({**seen, "a": -1.0}), rows) == ["as if `a` were always -1.0"]


def test_nothing_is_told_when_nothing_explains_every_row():
    assert told(lambda seen, sent: reference(seen) + 0.123) == []
