"""Requests as the serving program reads them, and its answers as it writes them."""

import numpy as np
import orjson
import pyarrow as pa
import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.scoring import ScoringStopped
from slipway.scoring.wire import decode, encode
from slipway.serving import tensors
from slipway.serving.config import Limits
from slipway.serving.fastlane import FastLane
from slipway.serving.policies import Policies

FLAG = Policy.parse("flag")
NUMBERS = Signature(
    inputs=(Column(name="a", dtype=DType.FLOAT), Column(name="b", dtype=DType.INT, nullable=True, on_missing=FLAG)),
    output=Output(name="y"),
)
MIXED = Signature(
    inputs=(
        Column(name="a", dtype=DType.FLOAT),
        Column(name="word", dtype=DType.STRING, nullable=True, on_missing=FLAG),
        Column(name="yes", dtype=DType.BOOL),
    ),
    output=Output(name="y"),
)


def opened(body):
    whole = body.head + (bytes(body.data) if body.data is not None else b"")
    length = body.headers.get("Inference-Header-Content-Length")
    assert int(body.headers["Content-Length"]) == len(whole)
    return tensors.open_body(whole, int(length) if length else None)


def test_numbers_go_as_one_tensor_that_the_service_reads_where_it_lies():
    values = np.random.default_rng(1).random(10_000)
    body = encode({"a": pa.array(values), "b": pa.array(np.arange(10_000))}, NUMBERS)
    read = FastLane(NUMBERS, Limits()).infer(opened(body))
    assert read is not None
    assert read.binary
    assert read.matrix[:, 0].tolist() == values.tolist()
    assert read.matrix[:, 1].tolist() == list(range(10_000))


JSON = {
    "a missing value": (NUMBERS, {"a": pa.array([0.1, 0.2]), "b": pa.array([None, 7])}),
    "an int beyond doubles": (NUMBERS, {"a": pa.array([0.1]), "b": pa.array([2**60 + 1])}),
    "texts and bools": (
        MIXED,
        {"a": pa.array([1 / 3, 2.0]), "word": pa.array(["é", None]), "yes": pa.array([True, False])},
    ),
}


@pytest.mark.parametrize(("signature", "inputs"), JSON.values(), ids=JSON.keys())
def test_other_rows_go_as_json_columns_that_the_service_reads_exactly(signature, inputs):
    body = encode(inputs, signature)
    assert body.data is None
    table = tensors.read_infer(opened(body), signature, Limits())
    assert table.binary
    assert {name: list(values) for name, values in table.columns.items()} == {
        name: array.to_pylist() for name, array in inputs.items()
    }
    Policies(signature).apply(table)


def answered(values, output, **changes):
    signature = Signature(inputs=NUMBERS.inputs, output=output)
    body, length = tensors.encode_infer(values, (), signature=signature, model="m", version=1, binary=True)
    if changes:
        document = orjson.loads(body[:length])
        document["outputs"][0] |= changes
        head = orjson.dumps(document)
        body, length = head + body[length:], len(head)
    return body, length, signature


KINDS = {
    "floats": (np.array([0.5, -1.0]), DType.FLOAT),
    "ints": (np.array([2**60 + 1, 0]), DType.INT),
    "bools": (np.array([True, False]), DType.BOOL),
    "texts": (np.array(["é", ""], dtype=object), DType.STRING),
}


@pytest.mark.parametrize(("values", "dtype"), KINDS.values(), ids=KINDS.keys())
def test_answers_of_every_type_are_read(values, dtype):
    body, length, signature = answered(values, Output(name="y", dtype=dtype))
    assert decode(body, length, 2, signature).tolist() == values.tolist()


WRONG = {
    "another name": ({"name": "z"}, "'z'"),
    "another type": ({"datatype": "INT64"}, "INT64"),
    "a type that is none": ({"datatype": "FP128"}, "cannot be read"),
    "another shape": ({"shape": [3]}, "answers to 2 rows"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG.keys())
def test_an_answer_that_is_not_as_declared_is_refused(changes, said):
    body, length, signature = answered(np.array([0.5, 0.25]), Output(name="y"), **changes)
    with pytest.raises(ScoringStopped, match=said):
        decode(body, length, 2, signature)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"outputs": []}', b'{"outputs": [{"name": "y"}]}', b"<html>"])
def test_what_is_no_answer_is_refused(body):
    with pytest.raises(ScoringStopped):
        decode(body, None, 2, NUMBERS)


def test_a_text_that_ends_too_early_is_refused():
    body, length, signature = answered(np.array(["abc"], dtype=object), Output(name="y", dtype=DType.STRING))
    with pytest.raises(ScoringStopped):
        decode(body[:-1], length, 1, signature)
