"""The short way answers as the general way does, byte for byte, or declines."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.core.identity import Subject
from slipway.core.signature import Column, DType, ExtraColumns, Output, Policy, Signature
from slipway.errors import SlipwayError
from slipway.serving import tensors
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.fastlane import FastLane
from slipway.serving.inference import Inference, Pipeline
from slipway.serving.metrics import Tally
from slipway.serving.predictor import Predictor
from slipway.serving.routes import Route

CLIPPED = Policy.parse("clip")
COLUMNS = (
    Column(name="x", dtype=DType.FLOAT, min=0.0, max=1.0),
    Column(name="n", dtype=DType.INT, max=5.5, on_out_of_range=CLIPPED),
    Column(name="z", dtype=DType.FLOAT, nullable=True, on_missing=Policy.parse("flag")),
)
NAMES = [column.name for column in COLUMNS]
LIMITS = Limits(max_rows=4)


def matrix_answers(matrix):
    assert matrix.flags.c_contiguous
    assert matrix.dtype == np.float64
    # Tells rows, columns, and the signs of zeros apart.
    return matrix @ [1.0, 1000.0, 0.001] + np.signbit(matrix) @ [0.5, 0.25, 0.125]


def pipeline(takes_matrix: bool, extra=ExtraColumns.REJECT, columns=COLUMNS) -> Pipeline:
    signature = Signature(inputs=columns, output=Output(name="y"), extra_columns=extra)
    config = ServingConfig(
        subject=Subject(model="fast", version=1, artifact_sha256="sha256:" + "0" * 64), signature=signature
    )

    def by_column(given):
        matrix = np.stack([given[column.name] for column in columns], axis=1).astype(np.float64)
        return matrix_answers(np.nan_to_num(np.ascontiguousarray(matrix)))

    made = Pipeline(config, LIMITS)
    made.predictor = Predictor("test", by_column, signature.output, matrix_answers if takes_matrix else None)
    return made


PAIRS = [(pipeline(True, extra), pipeline(False, extra)) for extra in ExtraColumns]


def outcome(answer, *arguments):
    try:
        return answer(*arguments)
    except SlipwayError as error:
        return type(error), str(error)


def agree(route, body, json_bytes=None):
    for fast, general in PAIRS:
        request = Inference(route, body, b"id", json_bytes)
        expected = outcome(general.infer, request, Tally())
        assert outcome(fast.infer, request, Tally()) == expected
        if json_bytes is None:
            quick = outcome(fast.quick, route, body, b"id")
            assert quick is None or quick == (expected.body if hasattr(expected, "body") else expected)


CLEAN_X = st.floats(0, 1) | st.sampled_from([0, 1, -0.0, 0.5])
CLEAN_N = st.integers(-(2**53) + 1, 5) | st.sampled_from([-0.0, 3.0, 2.0, 0])
CLEAN_Z = st.floats(-1e300, 1e300) | st.integers(-(2**60), 2**60)
ODD = (
    st.sampled_from(
        [None, True, False, "1.5", "", 1.5, -1, 6, 2**53, 2**53 + 1, -(2**53), 10**400, 1e308, float("nan"), [1], {}]
    )
    | st.floats()
)
ROWS = st.lists(st.tuples(CLEAN_X, CLEAN_N, CLEAN_Z).map(list), min_size=1, max_size=5)


@st.composite
def rows_maybe_spoilt(draw):
    rows = draw(ROWS)
    for _ in range(draw(st.integers(0, 2))):
        rows[draw(st.integers(0, len(rows) - 1))][draw(st.integers(0, 2))] = draw(ODD)
    return rows


def as_tensors(rows, draw):
    kinds = st.sampled_from(["FP64", "FP32", "INT64", "INT32"] * 5 + ["BOOL", "BYTES", "UINT8"])
    shape = st.sampled_from([[len(rows)], [len(rows), 1]] * 5 + [[len(rows) + 1], [1.0], [True], None])
    columns = [
        {"name": name, "shape": draw(shape), "datatype": draw(kinds), "data": [row[place] for row in rows]}
        for place, name in enumerate(NAMES)
    ]
    return draw(st.permutations(columns))


@st.composite
def bodies(draw):
    rows = draw(rows_maybe_spoilt())
    names = draw(st.sampled_from([NAMES] * 4 + [["x", "n", "w"], ["x", "n"], [*NAMES, "w"]]))
    records = [dict(zip(names, row, strict=False)) for row in rows]
    form = draw(st.sampled_from(["records", "arrays", "instances", "split", "inputs", "tensors", "matrix"]))
    if form == "tensors":
        return Route.INFER, draw(requests(as_tensors(rows, draw)))
    if form == "matrix":
        nested = draw(st.booleans())
        data = rows if nested else [value for row in rows for value in row]
        shape = draw(st.sampled_from([[len(rows), 3]] * 5 + [[len(rows) * 3, 1], [3, len(rows)], [len(rows)]]))
        return Route.INFER, draw(requests([{"name": "inputs", "shape": shape, "datatype": "FP64", "data": data}]))
    return Route.INVOCATIONS, {
        "records": {"dataframe_records": records},
        "instances": {"instances": records},
        "arrays": {"instances": rows},
        "split": {"dataframe_split": {"columns": names, "data": rows}},
        "inputs": {"inputs": {name: [row[place % 3] for row in rows] for place, name in enumerate(names)}},
    }[form]


def requests(given):
    output = st.fixed_dictionaries({"name": st.sampled_from(["y", "y", "w"])})
    return st.fixed_dictionaries(
        {"inputs": st.just(given)},
        optional={"id": st.sampled_from(["7", 7]), "outputs": st.lists(output, max_size=1), "parameters": st.just({})},
    )


@settings(max_examples=600, deadline=None)
@given(bodies())
def test_json_bodies_get_the_general_ways_answer(made):
    route, document = made
    agree(route, json.dumps(document).encode())


DTYPES = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT32": "<i4"}


@st.composite
def binary_bodies(draw):
    rows = draw(ROWS)
    if draw(st.booleans()):
        rows[0][draw(st.integers(0, 2))] = draw(st.sampled_from([float("nan"), float("inf"), -5.0, 7.0, 1.5]))
    with np.errstate(all="ignore"):
        columns = [np.array([row[place] for row in rows], dtype=np.float64) for place in range(3)]
        if draw(st.booleans()):
            kind = draw(st.sampled_from(list(DTYPES)))
            parts = [("inputs", kind, [len(rows), 3], np.stack(columns, axis=1).astype(DTYPES[kind]).tobytes())]
        else:
            kinds = [draw(st.sampled_from(list(DTYPES))) for _ in NAMES]
            parts = [
                (name, kind, [len(rows)], column.astype(DTYPES[kind]).tobytes())
                for name, kind, column in zip(NAMES, kinds, columns, strict=True)
            ]
    parts = draw(st.permutations(parts))
    wrong = draw(st.sampled_from([0] * 8 + [1, -1, 8]))
    given = [
        {"name": name, "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(data) + wrong}}
        for name, kind, shape, data in parts
    ]
    document = {"inputs": given} | draw(
        st.sampled_from([{}, {"parameters": {"binary_data_output": True}}, {"outputs": [{"name": "y"}]}])
    )
    text = json.dumps(document).encode() + b" " * draw(st.integers(0, 8))
    return text + b"".join(data for *_, data in parts), len(text)


@settings(max_examples=400, deadline=None)
@given(binary_bodies())
def test_binary_bodies_get_the_general_ways_answer(made):
    agree(Route.INFER, *made)


TAKEN = {
    "records": {"dataframe_records": [{"n": 1, "x": 0.5, "z": 2}]},
    "split": {"dataframe_split": {"columns": NAMES, "data": [[0.5, 1, 2], [0.5, 1.0, 2]]}},
    "arrays": {"instances": [[0.5, 1, 2]]},
    "inputs": {"inputs": {"z": [1, 2], "x": [0, 1], "n": [1, 2]}},
}


@pytest.mark.parametrize("document", TAKEN.values(), ids=TAKEN)
def test_clean_rows_of_every_form_go_the_short_way(document):
    fast, _ = PAIRS[0]
    assert fast.quick(Route.INVOCATIONS, json.dumps(document).encode(), b"id") is not None


DECLINED = {
    "a_bool": [True, 1, 2],
    "a_text": ["0.5", 1, 2],
    "a_gap": [0.5, 1, None],
    "out_of_range": [1.5, 1, 2],
    "half_an_int": [0.5, 1.5, 2],
    "an_int_that_a_double_cannot_hold": [0.5, -(2**53), 2],
    "too_wide": [0.5, 1, 2, 3],
}


@pytest.mark.parametrize("row", DECLINED.values(), ids=DECLINED)
def test_what_is_in_doubt_is_declined(row):
    fast, _ = PAIRS[0]
    for rows in ([row], [row, [0.5, 1, 2]]):
        assert fast.quick(Route.INVOCATIONS, json.dumps({"instances": rows}).encode(), b"id") is None


def test_one_aligned_tensor_of_doubles_is_a_view_of_the_body():
    signature = Signature(inputs=(Column(name="x", dtype=DType.FLOAT),), output=Output(name="y"))
    lane = FastLane(signature, Limits())
    values = np.arange(6.0).reshape(6, 1)
    tensor = {"name": "inputs", "datatype": "FP64", "shape": [6, 1], "parameters": {"binary_data_size": 48}}
    for shift, is_view in ((0, True), (3, False)):
        text = json.dumps({"inputs": [tensor]}).encode()
        text += b" " * (-len(text) % 8 + shift)
        body = text + values.tobytes()
        matrix = lane.infer(tensors.open_body(body, len(text))).matrix
        assert np.array_equal(matrix, values)
        assert matrix.flags.aligned
        assert np.shares_memory(matrix, np.frombuffer(body, np.uint8)) is is_view
