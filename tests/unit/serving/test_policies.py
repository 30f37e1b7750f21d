import numpy as np
import pytest

from slipway.core.signature import Column, DType, ExtraColumns, Output, Signature
from slipway.serving.codec import Table
from slipway.serving.faults import RowsRejected
from slipway.serving.policies import Policies
from tests.unit.serving.samples import GOOD_ROW, SIGNATURE


def table(*rows, extra=None) -> Table:
    columns = {name: [row.get(name) for row in rows] for name in SIGNATURE.names}
    return Table(rows=len(rows), columns=columns, extra=extra or {})


DECIDED = {
    "out_of_range_clipped": ({"age": 130}, ("age", 120), ("age", "clip", "out_of_range")),
    "below_range_clipped": ({"age": -3}, ("age", 0), ("age", "clip", "out_of_range")),
    "out_of_range_flagged": ({"dose": 7.0}, ("dose", 7.0), ("dose", "flag", "out_of_range")),
    "out_of_range_imputed": ({"depth": 7.0}, ("depth", 0.25), ("depth", "impute", "out_of_range")),
    "missing_imputed": ({"depth": None}, ("depth", 0.5), ("depth", "impute", "missing")),
}


@pytest.mark.parametrize(("change", "seen", "flag"), DECIDED.values(), ids=DECIDED)
def test_a_policy_decides_on_its_row_alone_and_says_so(change, seen, flag):
    batch = Policies(SIGNATURE).apply(table(GOOD_ROW, GOOD_ROW | change))
    column, value = seen
    assert batch.columns[column].tolist() == [GOOD_ROW[column], value]
    assert [one.to_json() for one in batch.flags] == [
        {"row": 1, "column": flag[0], "policy": flag[1], "reason": flag[2]}
    ]
    assert dict(batch.hits) == {(flag[0], flag[1]): 1}


def test_a_missing_value_is_flagged_and_reaches_a_nullable_column_as_nan():
    batch = Policies(SIGNATURE).apply(table(GOOD_ROW | {"dose": None}))
    assert np.isnan(batch.columns["dose"]).tolist() == [True]
    assert [(flag.policy.value, flag.reason) for flag in batch.flags] == [("flag", "missing")]


REJECTED = {
    "missing": ({"size": None}, "size", "is missing"),
    "below": ({"size": -0.1}, "size", "is outside of [0, 10]"),
    "above": ({"size": 10.1}, "size", "is outside of [0, 10]"),
    "wrong_type": ({"age": "old"}, "age", "is not of type int"),
    "fraction": ({"age": 40.5}, "age", "is not of type int"),
    "not_finite": ({"dose": float("inf")}, "dose", "is not finite"),
    "huge": ({"age": 2**70}, "age", "is too large"),
}


@pytest.mark.parametrize(("change", "column", "problem"), REJECTED.values(), ids=REJECTED)
def test_a_broken_rule_is_rejected_with_its_row_and_column(change, column, problem):
    with pytest.raises(RowsRejected) as caught:
        Policies(SIGNATURE).apply(table(GOOD_ROW, GOOD_ROW | change))
    assert [(one.row, one.column, one.problem) for one in caught.value.problems] == [(1, column, problem)]


def test_the_ends_of_a_range_are_in_range():
    batch = Policies(SIGNATURE).apply(table(GOOD_ROW | {"size": 0, "age": 0}, GOOD_ROW | {"size": 10.0, "age": 120}))
    assert batch.flags == ()
    assert batch.columns["age"].dtype == np.int64


def test_columns_reach_the_model_in_the_signatures_order():
    shuffled = Table(rows=1, columns={name: [GOOD_ROW[name]] for name in reversed(SIGNATURE.names)})
    assert tuple(Policies(SIGNATURE).apply(shuffled).columns) == SIGNATURE.names


def test_an_absent_column_is_missing_in_every_row():
    columns = {name: [GOOD_ROW[name]] * 2 for name in SIGNATURE.names if name != "depth"}
    batch = Policies(SIGNATURE).apply(Table(rows=2, columns=columns))
    assert batch.columns["depth"].tolist() == [0.5, 0.5]
    assert [flag.row for flag in batch.flags] == [0, 1]


def test_problems_are_bounded_and_in_the_order_of_rows():
    with pytest.raises(RowsRejected) as caught:
        Policies(SIGNATURE).apply(table(*[GOOD_ROW | {"size": None, "age": "x"}] * 50))
    assert [problem.row for problem in caught.value.problems] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert caught.value.hits == {("size", "reject"): 50}


EXTRA = Table(rows=1, columns={"x": [1.0]}, extra={"z": 0})


def test_an_extra_column_is_rejected_or_ignored_as_declared():
    column = Column(name="x", dtype=DType.FLOAT)
    strict = Signature(inputs=(column,), output=Output(name="y"))
    lenient = Signature(inputs=(column,), output=Output(name="y"), extra_columns=ExtraColumns.IGNORE)
    with pytest.raises(RowsRejected) as caught:
        Policies(strict).apply(EXTRA)
    assert [(one.row, one.column) for one in caught.value.problems] == [(0, "z")]
    assert Policies(lenient).apply(EXTRA).columns["x"].tolist() == [1.0]
