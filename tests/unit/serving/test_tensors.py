import json

import numpy as np
import pytest

from slipway.core.signature import Column, DType, Output, Signature
from slipway.serving.config import Limits
from slipway.serving.faults import Malformed, RowsRejected, TooLarge
from slipway.serving.tensors import encode_infer, open_body, read_infer

SIGNATURE = Signature(
    inputs=(Column(name="x", dtype=DType.FLOAT), Column(name="name", dtype=DType.STRING)), output=Output(name="y")
)
NUMBERS = Signature(
    inputs=(Column(name="a", dtype=DType.FLOAT), Column(name="b", dtype=DType.INT)), output=Output(name="y")
)
LIMITS = Limits(max_rows=3)
X_NAMES = {"x": [1.5, None], "name": ["a", "b"]}
FLAG = {"row": 0, "column": "x", "policy": "clip", "reason": "out_of_range"}


def read(document, signature=SIGNATURE, *, data=b""):
    text = json.dumps(document).encode()
    return read_infer(open_body(text + data, len(text) if data else None), signature, LIMITS)


def tensor(**changes):
    return {"name": "x", "shape": [2], "datatype": "FP64", "data": [1.5, None]} | changes


NAMES_TENSOR = {"name": "name", "shape": [2, 1], "datatype": "BYTES", "data": ["a", "b"]}
TENSORS = {
    "flat": tensor(),
    "one_column": tensor(shape=[2, 1]),
    "nested": tensor(shape=[2, 1], data=[[1.5], [None]]),
    "single_precision": tensor(datatype="FP32"),
}


@pytest.mark.parametrize("x", TENSORS.values(), ids=TENSORS)
def test_tensors_read_as_columns(x):
    table = read({"id": "7", "inputs": [NAMES_TENSOR, x]})
    assert (table.rows, table.columns, table.request_id) == (2, X_NAMES, "7")


NO_TENSORS = {
    "no_inputs": {},
    "no_tensors": {"inputs": []},
    "not_tensors": {"inputs": [1]},
    "no_name": {"inputs": [{"shape": [1], "datatype": "FP64", "data": [1]}]},
    "name_twice": {"inputs": [tensor(), tensor()]},
    "no_data": {"inputs": [tensor(data=None)]},
    "no_shape": {"inputs": [tensor(shape=None)]},
    "wrong_shape": {"inputs": [tensor(shape=[3])]},
    "shape_of_bools": {"inputs": [tensor(shape=[True], data=[1])]},
    "three_dimensions": {"inputs": [tensor(shape=[2, 1, 1])]},
    "wrong_datatype": {"inputs": [tensor(datatype="BYTES")]},
    "unhashable_datatype": {"inputs": [tensor(datatype=["FP64"])]},
    "other_lengths": {"inputs": [tensor(), NAMES_TENSOR | {"shape": [1], "data": ["a"]}]},
}


@pytest.mark.parametrize("document", NO_TENSORS.values(), ids=NO_TENSORS)
def test_a_body_without_proper_tensors_is_rejected(document):
    with pytest.raises(RowsRejected):
        read(document)


LABELS = {
    "floats": (np.array([0.1, 1.0]), DType.FLOAT, "FP64", [0.1, 1.0]),
    "ints": (np.array([3, 2**60]), DType.INT, "INT64", [3, 2**60]),
    "bools": (np.array([True, False]), DType.BOOL, "BOOL", [True, False]),
    "strings": (np.array(["é", ""], dtype=object), DType.STRING, "BYTES", ["é", ""]),
}


@pytest.mark.parametrize(("answers", "dtype", "datatype", "data"), LABELS.values(), ids=LABELS)
def test_a_v2_answer_is_one_typed_tensor(answers, dtype, datatype, data):
    signature = Signature(inputs=SIGNATURE.inputs, output=Output(name="y", dtype=dtype))
    encoded, _ = encode_infer(answers, [FLAG], signature=signature, model="m", version=4, request_id="7")
    assert json.loads(encoded) == {
        "model_name": "m",
        "model_version": "4",
        "id": "7",
        "outputs": [{"name": "y", "shape": [2], "datatype": datatype, "data": data}],
        "parameters": {"flags": [FLAG]},
    }


def packed(values, dtype):
    return np.array(values, dtype=dtype).tobytes()


def binary(name, datatype, data, rows, **changes):
    tensor = {"name": name, "datatype": datatype, "shape": [rows], "parameters": {"binary_data_size": len(data)}}
    return tensor | changes


TEXTS = b"\x01\x00\x00\x00a\x02\x00\x00\x00" + "é".encode()


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT64", "INT32"])
def test_binary_tensors_read_as_columns(datatype):
    x = packed([1, 2], {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT32": "<i4"}[datatype])
    given = [binary("name", "BYTES", TEXTS, 2), binary("x", datatype, x, 2)]
    table = read({"inputs": given}, data=TEXTS + x)
    assert table.columns == {"x": [1, 2], "name": ["a", "é"]}


MATRICES = {
    "nested": {"shape": [2, 2], "datatype": "FP64", "data": [[1.5, 2], [3.5, 4]]},
    "flat": {"shape": [2, 2], "datatype": "FP64", "data": [1.5, 2, 3.5, 4]},
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_one_tensor_of_all_columns_reads_as_columns(matrix):
    assert read({"inputs": [{"name": "inputs"} | matrix]}, NUMBERS).columns == {"a": [1.5, 3.5], "b": [2, 4]}


def test_one_binary_tensor_of_all_columns_reads_as_columns():
    data = packed([[1.5, 2], [3.5, 4]], "<f8")
    tensor = binary("inputs", "FP64", data, 2, shape=[2, 2])
    assert read({"inputs": [tensor]}, NUMBERS, data=data).columns == {"a": [1.5, 3.5], "b": [2, 4]}


X = packed([1, 2], "<f8")
NOT_BINARY = {
    "more_than_there_is": (binary("x", "FP64", X, 2, parameters={"binary_data_size": 17}), X),
    "less_than_there_is": (binary("x", "FP64", X[:8], 1), X),
    "negative": (binary("x", "FP64", X, 2, parameters={"binary_data_size": -8}), X),
    "a_bool": (binary("x", "FP64", X, 2, parameters={"binary_data_size": True}), X),
    "both_kinds_of_data": (binary("x", "FP64", X, 2) | {"data": [1, 2]}, X),
    "half_a_value": (binary("x", "FP64", X[:12], 1), X[:12]),
    "other_shape": (binary("x", "FP64", X, 3), X),
    "a_type_that_has_no_size": (binary("extra", "FP8", X, 2), X),
    "an_unhashable_type": (binary("extra", ["FP64"], X, 2), X),
    "text_torn_off": (binary("name", "BYTES", TEXTS[:-1], 2), TEXTS[:-1]),
    "length_torn_off": (binary("name", "BYTES", TEXTS[:7], 2), TEXTS[:7]),
    "not_utf8": (binary("name", "BYTES", b"\x01\x00\x00\x00\xff", 1), b"\x01\x00\x00\x00\xff"),
}


@pytest.mark.parametrize(("tensor", "data"), NOT_BINARY.values(), ids=NOT_BINARY)
def test_binary_data_that_does_not_fit_is_rejected(tensor, data):
    with pytest.raises(RowsRejected):
        read({"inputs": [tensor]}, data=data)


def test_a_json_part_longer_than_the_body_is_malformed():
    with pytest.raises(Malformed):
        open_body(b"{}", 3)


def test_too_many_rows_of_a_matrix_are_too_large():
    with pytest.raises(TooLarge):
        read({"inputs": [{"name": "inputs", "shape": [4, 2], "datatype": "FP64", "data": [0] * 8}]}, NUMBERS)


WANTED = {
    "nothing_said": ({}, False),
    "for_all": ({"parameters": {"binary_data_output": True}}, True),
    "for_the_one": ({"outputs": [{"name": "y", "parameters": {"binary_data": True}}]}, True),
    "not_for_the_one": (
        {
            "parameters": {"binary_data_output": True},
            "outputs": [{"name": "y", "parameters": {"binary_data": False}}],
        },
        False,
    ),
    "not_a_bool": ({"parameters": {"binary_data_output": 1}}, False),
}


@pytest.mark.parametrize(("asked", "wanted"), WANTED.values(), ids=WANTED)
def test_the_caller_says_whether_it_wants_binary_data(asked, wanted):
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [1]} for name in ("a", "b")]
    assert read({"inputs": tensors} | asked, NUMBERS).binary is wanted


@pytest.mark.parametrize("outputs", [[{"name": "z"}], [{}], [1], {}, "y"])
def test_an_output_that_there_is_not_is_rejected(outputs):
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [1]} for name in ("a", "b")]
    with pytest.raises(RowsRejected):
        read({"inputs": tensors, "outputs": outputs}, NUMBERS)


@pytest.mark.parametrize(
    ("answers", "dtype", "data"),
    [
        (np.array([0.5, 1]), DType.FLOAT, packed([0.5, 1], "<f8")),
        (np.array([3, -1]), DType.INT, packed([3, -1], "<i8")),
        (np.array([True, False]), DType.BOOL, b"\x01\x00"),
        (np.array(["a", "é"], dtype=object), DType.STRING, TEXTS),
    ],
)
def test_a_binary_answer_follows_its_json_part(answers, dtype, data):
    signature = Signature(inputs=SIGNATURE.inputs, output=Output(name="y", dtype=dtype))
    body, json_bytes = encode_infer(answers, [], signature=signature, model="m", version=1, binary=True)
    (output,) = json.loads(body[:json_bytes])["outputs"]
    assert (output["shape"], output["parameters"], "data" in output) == ([2], {"binary_data_size": len(data)}, False)
    assert body[json_bytes:] == data
