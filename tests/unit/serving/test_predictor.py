"""Real MLflow models: each is called in the fastest way that answers as its pyfunc does."""

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.errors import ArtifactError
from slipway.serving import predictor as module
from slipway.serving.backends.base import Backend
from slipway.serving.codec import Table
from slipway.serving.faults import ModelAnsweredNonsense, ModelCrashed
from slipway.serving.policies import Policies
from slipway.serving.predictor import compiled_in, load_predictor
from tests.unit.serving.samples import GOOD_ROW, SIGNATURE

LABELS = Signature(
    inputs=(
        Column(name="weight", dtype=DType.FLOAT),
        Column(name="colour", dtype=DType.STRING, nullable=True, on_missing=Policy.parse("flag")),
        Column(name="new", dtype=DType.BOOL),
    ),
    output=Output(name="label", dtype=DType.STRING),
)
TWO = Signature(
    inputs=(Column(name="a", dtype=DType.FLOAT), Column(name="b", dtype=DType.FLOAT)), output=Output(name="y")
)


def judged(signature, *rows):
    columns = {name: [row[name] for row in rows] for name in signature.names}
    return Policies(signature).apply(Table(rows=len(rows), columns=columns)).columns


def test_a_scikit_learn_pipeline_answers_as_its_pyfunc_missing_values_included(sklearn_model):
    predictor = load_predictor(sklearn_model, SIGNATURE)
    rows = [GOOD_ROW, GOOD_ROW | {"dose": None}, GOOD_ROW | {"size": 9.5, "age": 100}]
    frame = pd.DataFrame(rows).astype({"age": "int64"})
    wanted = mlflow.pyfunc.load_model(str(sklearn_model)).predict(frame)[:, 1]
    assert predictor.backend == "frame"
    assert predictor.predict(judged(SIGNATURE, *rows)).tolist() == wanted.tolist()
    assert wanted[0] != wanted[2]


def test_a_model_of_doubles_is_called_with_an_array(double_model):
    predictor = load_predictor(double_model, TWO)
    assert predictor.backend == "array"
    assert predictor.predict(judged(TWO, {"a": 1.0, "b": 3.0})) == pytest.approx([-1.0])


def test_a_python_model_is_called_without_its_wrapper_and_may_answer_with_labels(pyfunc_model):
    predictor = load_predictor(pyfunc_model, LABELS)
    rows = [{"weight": 0.1, "colour": "red", "new": True}, {"weight": 2.0, "colour": "Blue", "new": False}]
    assert predictor.backend == "unwrapped"
    assert predictor.predict(judged(LABELS, *rows)).tolist() == ["RED", "BLUE"]


def test_a_model_that_crashes_on_a_missing_value_starts_and_then_crashes(pyfunc_model):
    predictor = load_predictor(pyfunc_model, LABELS)
    with pytest.raises(ModelCrashed, match="AttributeError"):
        predictor.predict(judged(LABELS, {"weight": 0.1, "colour": None, "new": True}))


DIFFERENT = {
    "other_values": lambda columns: np.zeros((len(columns["size"]), 2)),
    "values_that_differ_in_the_last_bit": lambda columns: np.nextafter(
        np.stack([columns["size"], columns["size"]], axis=1), np.inf
    ),
    "other_shape": lambda columns: columns["size"],
    "other_type": lambda columns: np.stack([columns["size"], columns["size"]], axis=1).astype(np.float32),
    "an_error": lambda columns: 1 / 0,
}


@pytest.mark.parametrize("faster", DIFFERENT.values(), ids=DIFFERENT)
def test_a_faster_way_that_answers_differently_is_not_taken(sklearn_model, monkeypatch, faster):
    native = Backend("pyfunc", lambda c: np.stack([c["size"], c["size"]], axis=1))
    monkeypatch.setattr(module, "pyfunc_backend", lambda model, signature: native)
    monkeypatch.setattr(module, "faster_backends", lambda model, signature: iter([Backend("faster", faster)]))
    assert load_predictor(sklearn_model, SIGNATURE).backend == "pyfunc"


def test_a_faster_way_that_answers_the_same_is_taken(sklearn_model, monkeypatch):
    native = Backend("pyfunc", lambda c: np.stack([c["size"], c["dose"]], axis=1))
    monkeypatch.setattr(module, "pyfunc_backend", lambda model, signature: native)
    faster = Backend("faster", lambda c: np.stack([c["size"], c["dose"]], axis=1))
    monkeypatch.setattr(module, "faster_backends", lambda model, signature: iter([faster]))
    assert load_predictor(sklearn_model, SIGNATURE).backend == "faster"


def test_a_folder_without_a_model_cannot_be_loaded(tmp_path):
    with pytest.raises(ArtifactError, match="holds no MLflow model"):
        load_predictor(tmp_path, SIGNATURE)


def test_a_damaged_model_cannot_be_loaded(double_model, tmp_path):
    for file in double_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:200] if "skops" in file.name else file.read_bytes())
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load_predictor(tmp_path, TWO)


def test_a_model_that_answers_nonsense_to_a_row_in_range_never_gets_ready(sklearn_model):
    without_index = Signature(inputs=SIGNATURE.inputs, output=Output(name="risk"))
    with pytest.raises(ModelAnsweredNonsense, match="shape"):
        load_predictor(sklearn_model, without_index)


def test_a_matrix_gets_the_same_answers_as_columns(double_model):
    predictor = load_predictor(double_model, TWO)
    assert predictor.takes_matrix
    matrix = np.array([[1.0, 3.0], [0.5, -2.0]])
    columns = {"a": matrix[:, 0], "b": matrix[:, 1]}
    assert predictor.predict_matrix(matrix).tolist() == predictor.predict(columns).tolist()
    assert predictor.seconds_per_call > 0


def test_a_model_of_strings_takes_no_matrix(pyfunc_model):
    assert not load_predictor(pyfunc_model, LABELS).takes_matrix


NAMED = ("pyfunc", "array")


@pytest.mark.parametrize("name", NAMED)
def test_a_backend_that_was_decided_on_is_the_one_that_is_loaded(double_model, name):
    predictor = load_predictor(double_model, TWO, backend=name)
    assert predictor.backend == name
    assert predictor.predict(judged(TWO, {"a": 1.0, "b": 3.0})) == pytest.approx([-1.0])


UNKNOWN = {"no_such_way": "unwrapped", "not_compiled": "onnx", "no_trees": "trees"}


@pytest.mark.parametrize("name", UNKNOWN.values(), ids=UNKNOWN)
def test_a_backend_that_the_model_does_not_have_cannot_be_loaded(double_model, name):
    with pytest.raises(ArtifactError, match=r"(onnx|trees) needs a compiled model|cannot be called as unwrapped"):
        load_predictor(double_model, TWO, backend=name)


def test_a_damaged_compiled_model_cannot_be_loaded(double_model, tmp_path):
    (tmp_path / "onnx.onnx").write_bytes(b"\x08no graph")
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load_predictor(double_model, TWO, backend="onnx", compiled=compiled_in(tmp_path))


def test_a_compiled_model_of_another_signature_cannot_be_loaded(double_model, tmp_path):
    from onnx import TensorProto, helper

    rows = helper.make_tensor_value_info("rows", TensorProto.DOUBLE, [None, 3])
    answers = helper.make_tensor_value_info("sum", TensorProto.DOUBLE, [None, 1])
    node = helper.make_node("ReduceSum", ["rows"], ["sum"], keepdims=1)
    graph = helper.make_graph([node], "g", [rows], [answers])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    (tmp_path / "onnx.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(ArtifactError, match="not this signature"):
        load_predictor(double_model, TWO, backend="onnx", compiled=compiled_in(tmp_path))
