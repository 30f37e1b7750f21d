"""Any body at all, through the real parser: answered, and never with a 500."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.core.identity import Subject
from slipway.core.signature import Column, DType, ExtraColumns, Output, Policy, Signature
from slipway.errors import SlipwayError
from slipway.serving import http_errors
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.inference import Inference, Pipeline
from slipway.serving.metrics import Tally
from slipway.serving.predictor import Predictor
from slipway.serving.routes import Route

FLAGGED = Policy.parse("flag")
FUZZED = Signature(
    inputs=(
        Column(name="x", dtype=DType.FLOAT, min=0.0, max=1.0, nullable=True, on_missing=FLAGGED),
        Column(name="n", dtype=DType.INT, min=0.5, on_out_of_range=Policy.parse("clip"), nullable=True),
        Column(name="w", dtype=DType.STRING, categories=("a",), on_out_of_range=FLAGGED),
        Column(name="b", dtype=DType.BOOL, on_missing=Policy.parse({"impute": True})),
    ),
    output=Output(name="y"),
    extra_columns=ExtraColumns.IGNORE,
)
CONFIG = ServingConfig(
    subject=Subject(model="fuzzed", version=1, artifact_sha256="sha256:" + "0" * 64), signature=FUZZED
)


def pipeline() -> Pipeline:
    made = Pipeline(CONFIG, Limits(max_rows=5))
    made.predictor = Predictor("test", lambda columns: [float(len(word)) for word in columns["w"]], FUZZED.output)
    return made


PIPELINE = pipeline()
NAMES = st.sampled_from(["x", "n", "w", "b", "z", ""])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.sampled_from([0.5, 1, 3, "a", 2**63, -(2**63), 1e308]),
    st.text(max_size=4),
    st.just("\ud800"),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=7)
ROWS = st.lists(st.lists(VALUES, min_size=3, max_size=5), max_size=7)
GOOD = st.fixed_dictionaries({"x": st.sampled_from([0.5, None, 1]), "n": st.sampled_from([1, -3, 2.0])}).map(
    lambda row: row | {"w": "a", "b": False}
)
DATATYPES = st.sampled_from(["FP64", "FP32", "INT64", "INT32", "BYTES", "BOOL", "UINT8"]) | VALUES
TENSORS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": NAMES | VALUES,
            "shape": st.sampled_from([[1], [2], [2, 1], [1, 1], [0]]) | VALUES,
            "datatype": DATATYPES,
            "data": st.lists(VALUES, max_size=3) | VALUES,
        },
    ),
    max_size=5,
)
DOCUMENTS = st.one_of(
    VALUES,
    st.fixed_dictionaries({"dataframe_records": RECORDS | st.lists(GOOD, max_size=6) | VALUES}),
    st.fixed_dictionaries({"instances": RECORDS | ROWS | VALUES}),
    st.fixed_dictionaries({"inputs": st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=2)) | VALUES}),
    st.fixed_dictionaries(
        {"dataframe_split": st.fixed_dictionaries({"columns": st.lists(NAMES | VALUES), "data": ROWS | VALUES})}
    ),
    st.fixed_dictionaries({"inputs": TENSORS}, optional={"id": VALUES}),
)


def as_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


def broken(body: bytes, at: int, byte: int) -> bytes:
    at %= len(body) + 1
    return body[:at] + bytes([byte]) + body[at + 1 :]


DAMAGED = st.builds(broken, DOCUMENTS.map(as_bytes), st.integers(0, 10_000), st.integers(0, 255))
SERVED = st.fixed_dictionaries({"dataframe_records": st.lists(GOOD, min_size=1, max_size=5)})
BODIES = st.one_of(DOCUMENTS.map(as_bytes), SERVED.map(as_bytes), DAMAGED, st.binary(max_size=40))


@settings(max_examples=300, deadline=None)
@given(body=BODIES, route=st.sampled_from([Route.INVOCATIONS, Route.INFER]))
def test_no_body_gets_a_500(body, route):
    try:
        answer = json.loads(PIPELINE.infer(Inference(route, body), Tally()).body)
    except SlipwayError as error:
        assert http_errors.status_of(error) in (400, 413, 422), error
        shown = json.loads(json.dumps(http_errors.body_of(error), allow_nan=False))
        assert len(shown.get("problems", [])) <= 10
        assert len(json.dumps(shown)) < 12_000
    else:
        assert set(answer) <= {"predictions", "flags", "model_name", "model_version", "outputs", "parameters", "id"}
