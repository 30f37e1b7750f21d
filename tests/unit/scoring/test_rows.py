"""Which rows are set aside: the same as the service itself would refuse."""

import itertools

import pyarrow as pa
import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.scoring import SourceError
from slipway.scoring.rows import UNTYPED, judge
from slipway.serving.codec import Table
from slipway.serving.faults import RowsRejected
from slipway.serving.policies import Policies

REJECT, CLIP, FLAG, IMPUTE = (Policy.parse(one) for one in ("reject", "clip", "flag", {"impute": 5}))
NUMBERS = [None, -1.0, 0.0, 2.5, 5.0, 10.0, 11.0, float("inf"), -float("inf"), 1e300]
POLICIES = list(itertools.product((REJECT, FLAG, IMPUTE), (REJECT, CLIP, FLAG, IMPUTE)))


def signature(column):
    return Signature(inputs=(column,), output=Output(name="y"))


def refused_by_the_service(column, value):
    try:
        Policies(signature(column)).apply(Table(rows=1, columns={"x": [value]}))
    except RowsRejected:
        return True
    return False


@pytest.mark.parametrize("dtype", [DType.FLOAT, DType.INT])
@pytest.mark.parametrize(("missing", "outside"), POLICIES, ids=lambda policy: policy.action.value)
def test_a_row_is_set_aside_if_and_only_if_the_service_would_refuse_it(dtype, missing, outside):
    column = Column(name="x", dtype=dtype, min=0, max=10, nullable=True, on_missing=missing, on_out_of_range=outside)
    batch = pa.record_batch({"x": pa.array(NUMBERS, pa.float64())})
    expected = [row for row, value in enumerate(NUMBERS) if refused_by_the_service(column, value)]
    assert list(judge(batch, signature(column)).reasons) == expected


@pytest.mark.parametrize(("missing", "outside"), [(REJECT, REJECT), (FLAG, FLAG)], ids=["reject", "flag"])
def test_categories_are_judged_as_the_service_does(missing, outside):
    words = ["a", "b", "c", "", None]
    column = Column(
        name="x", dtype=DType.STRING, categories=("a", "b"), nullable=True, on_missing=missing, on_out_of_range=outside
    )
    expected = [row for row, word in enumerate(words) if refused_by_the_service(column, word)]
    assert list(judge(pa.record_batch({"x": words}), signature(column)).reasons) == expected


def test_what_is_not_set_aside_is_sent_as_it_was():
    column = Column(name="x", dtype=DType.FLOAT, min=0, max=10, nullable=True, on_missing=FLAG, on_out_of_range=CLIP)
    batch = pa.record_batch({"x": pa.array([None, float("nan"), 11.0, 5.0])})
    judged = judge(batch, signature(column))
    assert judged.inputs["x"].to_pylist() == [None, None, 11.0, 5.0]
    assert judged.reasons == {}


TYPES = {
    "float32": (pa.array([0.5, 1.5], pa.float32()), DType.FLOAT, [0.5, 1.5]),
    "int8 for a float": (pa.array([1, 2], pa.int8()), DType.FLOAT, [1.0, 2.0]),
    "decimal": (pa.array(["1.25", "2.50"]).cast(pa.decimal128(5, 2)), DType.FLOAT, [1.25, 2.5]),
    "uint64 for an int": (pa.array([1, 2], pa.uint64()), DType.INT, [1, 2]),
    "whole floats for an int": (pa.array([1.0, 2.0]), DType.INT, [1, 2]),
    "a large int": (pa.array([2**60 + 1, 0]), DType.INT, [2**60 + 1, 0]),
    "a large int beside a missing one": (pa.array([2**60 + 1, None]), DType.INT, [2**60 + 1, None]),
    "dictionary": (pa.array(["a", "b"]).dictionary_encode(), DType.STRING, ["a", "b"]),
    "large text": (pa.array(["a", None], pa.large_string()), DType.STRING, ["a", None]),
    "bool": (pa.array([True, None]), DType.BOOL, [True, None]),
    "all missing": (pa.nulls(2), DType.INT, [None, None]),
}


@pytest.mark.parametrize(("array", "dtype", "expected"), TYPES.values(), ids=TYPES.keys())
def test_every_arrow_type_of_a_declared_type_is_read(array, dtype, expected):
    column = Column(name="x", dtype=dtype, nullable=True, on_missing=FLAG)
    judged = judge(pa.record_batch({"x": array}), signature(column))
    assert judged.inputs["x"].to_pylist() == expected
    assert judged.reasons == {}


CHANGED = {
    "text for a number": (pa.array(["1"]), DType.FLOAT),
    "a number for a text": (pa.array([1]), DType.STRING),
    "bool for a number": (pa.array([True]), DType.INT),
    "a time for a number": (pa.array([0], pa.timestamp("us")), DType.INT),
}


@pytest.mark.parametrize(("array", "dtype"), CHANGED.values(), ids=CHANGED.keys())
def test_a_column_of_another_type_is_a_changed_source(array, dtype):
    with pytest.raises(SourceError, match="has changed"):
        judge(pa.record_batch({"x": array}), signature(Column(name="x", dtype=dtype)))


def test_every_reason_of_a_row_is_kept():
    made = Signature(
        inputs=(Column(name="x", dtype=DType.FLOAT, min=0), Column(name="z", dtype=DType.FLOAT)),
        output=Output(name="y"),
    )
    batch = pa.record_batch({"x": pa.array([1.0, -1.0]), "z": pa.array([1.0, None])})
    judged = judge(batch, made, lambda _: {1: "the contract: no"})
    assert judged.reasons == {1: "x: -1 is outside of [0, inf]; z: is missing; the contract: no"}


def test_a_value_of_another_type_is_rejected_whatever_is_declared():
    column = Column(name="x", dtype=DType.FLOAT, nullable=True, on_missing=FLAG)
    batch = pa.record_batch(
        {"x": pa.array([None, None], pa.float64()), UNTYPED: pa.array(['{"x": "a", "k": 1}', None])}
    )
    assert judge(batch, signature(column)).reasons == {0: "x: 'a' is not of type float"}


def test_a_check_that_names_a_row_that_is_not_there_is_refused():
    with pytest.raises(SourceError, match="row 9 of 1"):
        judge(pa.record_batch({"x": [1.0]}), signature(Column(name="x", dtype=DType.FLOAT)), lambda _: {9: "no"})
