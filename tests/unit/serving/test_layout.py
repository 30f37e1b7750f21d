import numpy as np
import pytest
from mlflow.types import ColSpec, Schema, TensorSpec

from slipway.core.signature import Column, DType, Output, Signature
from slipway.errors import ArtifactError
from slipway.serving.faults import RowsRejected
from slipway.serving.layout import layout_of

SIGNATURE = Signature(
    inputs=(
        Column(name="x", dtype=DType.FLOAT),
        Column(name="n", dtype=DType.INT),
        Column(name="word", dtype=DType.STRING),
        Column(name="new", dtype=DType.BOOL),
    ),
    output=Output(name="y"),
)
COLUMNS = {
    "x": np.array([0.5, 1.5]),
    "n": np.array([1, 2]),
    "word": np.array(["a", "b"], dtype=object),
    "new": np.array([True, False]),
}


def schema(**types) -> Schema:
    wanted = {"x": "double", "n": "long", "word": "string", "new": "boolean"} | types
    return Schema([ColSpec(kind, name) for name, kind in wanted.items()])


TYPES = {
    "as_declared": ({}, ["float64", "int64", "object", "bool"]),
    "ints_as_doubles": ({"n": "double"}, ["float64", "float64", "object", "bool"]),
    "narrow": ({"x": "float", "n": "integer"}, ["float32", "int32", "object", "bool"]),
}


@pytest.mark.parametrize(("types", "dtypes"), TYPES.values(), ids=TYPES)
def test_a_frame_has_the_types_that_the_model_was_logged_with(types, dtypes):
    frame = layout_of(SIGNATURE, schema(**types)).frame(COLUMNS)
    assert [str(dtype) for dtype in frame.dtypes] == dtypes
    assert frame.to_dict("list") == {name: values.tolist() for name, values in COLUMNS.items()}


def test_columns_follow_the_models_order_and_leave_out_what_it_does_not_want():
    wanted = Schema([ColSpec("long", "n"), ColSpec("double", "x")])
    assert list(layout_of(SIGNATURE, wanted).frame(COLUMNS).columns) == ["n", "x"]


def test_a_model_without_a_schema_gets_the_signatures_own_types():
    frame = layout_of(SIGNATURE, None).frame(COLUMNS)
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "int64", "object", "bool"]


def test_a_missing_value_is_left_for_the_model_to_judge():
    frame = layout_of(SIGNATURE, schema()).frame(COLUMNS | {"n": np.array([1.0, np.nan])})
    assert str(frame["n"].dtype) == "float64"


TOO_NARROW = {
    "a_32_bit_int": ({"n": "integer"}, {"n": np.array([1, 2**31])}),
    "a_single_precision_float": ({"x": "float"}, {"x": np.array([0.5, 1e300])}),
}


@pytest.mark.parametrize(("types", "change"), TOO_NARROW.values(), ids=TOO_NARROW)
def test_a_value_that_the_models_type_cannot_hold_is_rejected_not_wrapped(types, change):
    with pytest.raises(RowsRejected):
        layout_of(SIGNATURE, schema(**types)).frame(COLUMNS | change)


MISFITS = {
    "a_column_we_do_not_declare": Schema([ColSpec("double", "other")]),
    "fractions_where_the_model_wants_integers": schema(x="long"),
    "words_where_the_model_wants_numbers": schema(word="double"),
    "a_date": schema(word="datetime"),
    "named_tensors": Schema([TensorSpec(np.dtype("float64"), (-1,), "x")]),
}


@pytest.mark.parametrize("wanted", MISFITS.values(), ids=MISFITS)
def test_a_model_that_wants_something_else_than_is_declared_is_refused(wanted):
    with pytest.raises(ArtifactError, match=r"model\.yaml"):
        layout_of(SIGNATURE, wanted)


def test_a_model_logged_with_an_unnamed_tensor_gets_an_array():
    numbers = Signature(inputs=SIGNATURE.inputs[:2], output=SIGNATURE.output)
    layout = layout_of(numbers, Schema([TensorSpec(np.dtype("float64"), (-1, 2))]))
    assert layout.tensor
    assert layout.array(COLUMNS).tolist() == [[0.5, 1.0], [1.5, 2.0]]
