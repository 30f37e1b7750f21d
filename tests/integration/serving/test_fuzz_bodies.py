"""Malformed bodies by the ten thousand through the whole application: no 500, no crash, no other answer."""

import asyncio
import json
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.core.identity import Subject
from slipway.core.serving_options import Mode, ServingOptions
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.predictor import Predictor

pytestmark = pytest.mark.slow

CASES = 50_000
SEED = 20260131
NAMES = ("x", "n", "z")
SIGNATURE = Signature(
    inputs=(
        Column(name="x", dtype=DType.FLOAT, min=0.0, max=1.0),
        Column(name="n", dtype=DType.INT, max=9, on_out_of_range=Policy.parse("clip")),
        Column(name="z", dtype=DType.FLOAT, nullable=True, on_missing=Policy.parse("flag")),
    ),
    output=Output(name="y"),
)
SUBJECT = Subject(model="fuzzed", version=1, artifact_sha256="sha256:" + "0" * 64)
INFER = "/v2/models/fuzzed/infer"
LENGTH = b"inference-header-content-length"


def by_matrix(matrix):
    return np.nan_to_num(matrix, nan=-1.0, posinf=0.0, neginf=0.0) @ [1.0, 10.0, 0.0] + 0.5


def by_column(columns):
    return by_matrix(np.stack([np.asarray(columns[name], dtype=np.float64) for name in NAMES], axis=1))


def application(matrix):
    app = App(
        ServingConfig(subject=SUBJECT, signature=SIGNATURE),
        lambda: Predictor("test", by_column, SIGNATURE.output, matrix),
        limits=Limits(max_rows=50, max_bytes=20_000),
        options=ServingOptions(mode=Mode.INLINE),
    )
    asyncio.run(app.load())
    return app


FAST, GENERAL = application(by_matrix), application(None)


def send(app, path, body, headers):
    """Return status, body and the headers that tell of the body; no event loop is needed to answer inline."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    with pytest.raises(StopIteration):
        app(scope, receive, keep).send(None)
    start, end = sent
    told = dict(start["headers"])
    assert int(told[b"content-length"]) == len(end["body"])
    return start["status"], end["body"], told[b"content-type"], told.get(LENGTH)


def check(path, body, headers):
    answer = send(FAST, path, body, headers)
    assert answer == send(GENERAL, path, body, headers), body
    status, text, _, json_bytes = answer
    assert status in (200, 400, 413, 422), (status, body, text)
    document = json.loads(text[: int(json_bytes)] if json_bytes else text)
    assert ("error" in document) is (status != 200)
    return status


def valid_bodies():
    rows = [[0.25, 3, 1.5], [1, 0.0, None], [0.5, 12, -7e5], [0.0, -4, 2]]
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    clean = [[0.25, 3, 1.5], [1, 0, 2]]
    matrix = np.array(clean)
    tensors = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": [row[place] for row in clean]}
        for place, name in enumerate(NAMES)
    ]
    yield "/invocations", {"dataframe_records": records}, b""
    yield "/invocations", {"dataframe_records": records[:1]}, b""
    yield "/invocations", {"instances": records[-1:]}, b""
    yield "/invocations", {"instances": clean}, b""
    yield "/invocations", {"instances": rows}, b""
    yield "/invocations", {"dataframe_split": {"columns": NAMES, "data": clean, "index": [0, 1]}}, b""
    yield "/invocations", {"dataframe_split": {"columns": NAMES, "data": clean}}, b""
    yield "/invocations", {"inputs": {name: [row[i] for row in clean] for i, name in enumerate(NAMES)}}, b""
    yield INFER, {"id": "7", "inputs": tensors, "outputs": [{"name": "y"}]}, b""
    yield INFER, {"inputs": [{"name": "inputs", "shape": [2, 3], "datatype": "FP64", "data": clean}]}, b""
    one = {"name": "inputs", "shape": [2, 3], "datatype": "FP64", "parameters": {"binary_data_size": 48}}
    yield INFER, {"inputs": [one], "parameters": {"binary_data_output": True}}, matrix.tobytes()
    each = [
        {"name": name, "shape": [2, 1], "datatype": "FP32", "parameters": {"binary_data_size": 8}} for name in NAMES
    ]
    yield INFER, {"inputs": each}, matrix.T.astype("<f4").tobytes()


VALID = [(path, json.dumps(document).encode(), data) for path, document, data in valid_bodies()]
SPLICES = [
    *(b"null", b"true", b"false", b"NaN", b"-Infinity", b"1e999", b"9" * 40, b'"1.5"', b'"\\ud800"', b"-0.0", b"[]"),
    *(b"{}", b"[[", b"}}", b",", b":", b'"', b"\\", b"\x00", b"\xff", b"0", b"1", b"-", b".", b"e5", b'"x"', b'"name"'),
    *(b'"inputs"', b'"FP64"', b'"BYTES"', b"4294967296", b"-8", b"48", b"[2,3]", b"[1]", b" " * 9),
]


def mutated(rng, text):
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(text) + 1)
        kind = rng.random()
        if kind < 0.25:
            text = text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]
        elif kind < 0.4:
            text = text[:at] + text[at + rng.randint(1, 12) :]
        elif kind < 0.5:
            start = rng.randrange(len(text) + 1)
            text = text[:at] + text[start : start + rng.randint(1, 30)] + text[at:]
        elif kind < 0.55:
            text = text[:at]
        else:
            # At a comma, a bracket or a colon more often than not: what comes out is JSON then.
            places = [place for place, byte in enumerate(text) if byte in b",[:"] or [at]
            at = rng.choice(places) + 1
            end = at
            while end < len(text) and text[end] not in b",]}":
                end += 1
            text = text[:at] + rng.choice(SPLICES) + text[end if rng.random() < 0.8 else at :]
    return text


def test_no_mutation_of_a_good_body_is_answered_wrongly():
    rng = random.Random(SEED)
    statuses = dict.fromkeys((200, 400, 413, 422), 0)
    for _ in range(CASES):
        path, text, data = rng.choice(VALID)
        text, data = mutated(rng, text), mutated(rng, data) if rng.random() < 0.2 else data
        headers = []
        if data or rng.random() < 0.02:
            said = len(text) if rng.random() < 0.95 else rng.choice([0, len(text) + 1, len(text) + len(data) + 9, 3])
            headers = [(LENGTH, rng.choice([b"x", b"-1", b"", b"9" * 30]) if rng.random() < 0.01 else b"%d" % said)]
        statuses[check(path, text + data, headers)] += 1
    # Neither all of them broken, nor all of them sound.
    assert min(statuses[status] for status in (200, 400, 422)) > CASES / 50, statuses


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*NAMES, "name", "data"]), inner),
    max_leaves=12,
)
KEYS = st.sampled_from(["dataframe_records", "dataframe_split", "instances", "inputs", "outputs", "parameters", "id"])


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(KEYS, JSON_VALUES, max_size=2) | JSON_VALUES, st.sampled_from(["/invocations", INFER]))
def test_no_json_at_all_is_answered_wrongly(document, path):
    check(path, json.dumps(document).encode(), [])
