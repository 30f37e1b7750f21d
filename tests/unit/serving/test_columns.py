"""The rules of core/signature.py, judged column by column, against a plain reading of the same rules row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.core.signature import Action, Column, DType, Output, Policy, Signature
from slipway.serving.codec import Table
from slipway.serving.columns import TypedColumn, read_column
from slipway.serving.faults import RowsRejected
from slipway.serving.policies import Policies

TYPES = {
    "a_float_is_a_float": (DType.FLOAT, 1.5, True),
    "an_int_is_a_float": (DType.FLOAT, 2, True),
    "a_bool_is_not_a_float": (DType.FLOAT, True, False),
    "a_string_is_not_a_float": (DType.FLOAT, "1.5", False),
    "nan_is_not_a_float": (DType.FLOAT, float("nan"), False),
    "infinity_is_not_a_float": (DType.FLOAT, float("-inf"), False),
    "an_int_beyond_any_double_is_not_a_float": (DType.FLOAT, 10**400, False),
    "an_array_is_not_a_float": (DType.FLOAT, [1.0], False),
    "an_int_is_an_int": (DType.INT, 2**53 + 1, True),
    "an_integral_float_is_an_int": (DType.INT, 2.0, True),
    "a_fraction_is_not_an_int": (DType.INT, 2.5, False),
    "a_bool_is_not_an_int": (DType.INT, False, False),
    "an_int_of_more_than_64_bits_is_not_an_int": (DType.INT, 2**63, False),
    "a_float_of_more_than_64_bits_is_not_an_int": (DType.INT, 1e30, False),
    "a_string_is_a_string": (DType.STRING, "", True),
    "a_number_is_not_a_string": (DType.STRING, 1, False),
    "a_bool_is_a_bool": (DType.BOOL, False, True),
    "a_number_is_not_a_bool": (DType.BOOL, 0, False),
}


@pytest.mark.parametrize(("dtype", "value", "admitted"), TYPES.values(), ids=TYPES)
def test_a_value_is_admitted_only_as_its_columns_type(dtype, value, admitted):
    read = read_column(Column(name="x", dtype=dtype), [None, value, None])
    if admitted:
        assert isinstance(read, TypedColumn)
        assert read.values[1] == value
        assert read.missing.tolist() == [True, False, True]
    else:
        assert [(problem.row, problem.column, problem.value is value) for problem in read] == [(1, "x", True)]


def test_integers_keep_every_digit_beside_missing_ones():
    read = read_column(Column(name="x", dtype=DType.INT), [2**53 + 1, None, 2.0])
    assert read.values.tolist() == [2**53 + 1, 0, 2]


def test_gaps_are_nan_in_numbers_and_none_elsewhere():
    numbers = read_column(Column(name="x", dtype=DType.INT), [1, None]).with_gaps()
    words = read_column(Column(name="x", dtype=DType.STRING), ["a", None]).with_gaps()
    assert numbers.dtype == np.float64
    assert numbers[0] == 1.0
    assert np.isnan(numbers[1])
    assert words.tolist() == ["a", None]


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.integers(2**62, 2**65),
    st.floats(-20, 20),
    st.sampled_from([0.0, 1.0, float("nan"), float("inf"), -5.0, 5.0, 1e300]),
    st.sampled_from(["red", "blue", "", "mauve"]),
)


@st.composite
def columns(draw) -> Column:
    dtype = draw(st.sampled_from(list(DType)))
    nullable = draw(st.booleans())
    bounded = dtype.is_numeric and draw(st.booleans())
    known = {
        DType.FLOAT: 0.5,
        DType.INT: 2,
        DType.STRING: "red",
        DType.BOOL: True,
    }[dtype]
    impute = Policy(Action.IMPUTE, known)
    on_missing = [Policy(Action.REJECT), impute] + ([Policy(Action.FLAG)] if nullable else [])
    on_range = [Policy(Action.REJECT), Policy(Action.FLAG), impute] + ([Policy(Action.CLIP)] if bounded else [])
    return Column(
        name=draw(st.sampled_from(["x", "y"])),
        dtype=dtype,
        min=draw(st.sampled_from([-5.0, -4.5])) if bounded else None,
        max=draw(st.sampled_from([5.0, 4.5])) if bounded else None,
        nullable=nullable,
        categories=("red", "blue") if dtype is DType.STRING and draw(st.booleans()) else (),
        on_missing=draw(st.sampled_from(on_missing)),
        on_out_of_range=draw(st.sampled_from(on_range)),
    )


def expected(column: Column, value):
    """Return what the model sees of one value and its flag, or "rejected": the rules, said row by row."""
    if value is None:
        policy, reason = column.on_missing, "missing"
    elif not column.dtype.admits(value) or (column.dtype is DType.INT and not -(2**63) <= int(value) < 2**63):
        return "rejected"
    elif column.in_range(value):
        return value, None
    else:
        policy, reason = column.on_out_of_range, "out_of_range"
    if policy.action is Action.REJECT:
        return "rejected"
    seen = value
    if policy.action is Action.IMPUTE:
        seen = policy.value
    if policy.action is Action.CLIP:
        seen = column.min if value < column.min else column.max
        seen = int(seen) if column.dtype is DType.INT else seen  # -4.5 becomes -4, 4.5 becomes 4
    return seen, (policy.action.value, reason)


@settings(max_examples=300, deadline=None)
@given(column=columns(), values=st.lists(JSON_VALUES, min_size=1, max_size=6))
def test_a_whole_column_is_judged_as_each_of_its_values(column, values):
    policies = Policies(Signature(inputs=(column,), output=Output(name="out")))
    oracle = [expected(column, value) for value in values]
    try:
        batch = policies.apply(Table(rows=len(values), columns={column.name: values}))
    except RowsRejected as error:
        assert {problem.row for problem in error.problems} <= {i for i, one in enumerate(oracle) if one == "rejected"}
        assert "rejected" in oracle
        return
    assert "rejected" not in oracle
    seen = [None if value is None or value != value else value for value in batch.columns[column.name].tolist()]
    wanted = [one[0] for one in oracle]
    if column.dtype is DType.FLOAT or (column.dtype is DType.INT and None in wanted):
        wanted = [None if value is None else float(value) for value in wanted]  # as doubles, gaps beside them
    assert seen == wanted
    flags = [(flag.row, flag.policy.value, flag.reason) for flag in batch.flags]
    assert flags == [(row, *one[1]) for row, one in enumerate(oracle) if one[1]]
