"""Real MLflow models: each is called in the fastest way that answers as its pyfunc does."""

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.errors import ArtifactError
from slipway.serving import predictor as module
from slipway.serving.codec import Table
from slipway.serving.faults import ModelAnsweredNonsense, ModelCrashed
from slipway.serving.policies import Policies
from slipway.serving.predictor import load_predictor
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
    assert predictor.way == "frame"
    assert predictor.predict(judged(SIGNATURE, *rows)).tolist() == wanted.tolist()
    assert wanted[0] != wanted[2]


def test_a_model_of_doubles_is_called_with_an_array(double_model):
    predictor = load_predictor(double_model, TWO)
    assert predictor.way == "array"
    assert predictor.predict(judged(TWO, {"a": 1.0, "b": 3.0})) == pytest.approx([-1.0])


def test_a_python_model_is_called_as_a_pyfunc_and_may_answer_with_labels(pyfunc_model):
    predictor = load_predictor(pyfunc_model, LABELS)
    rows = [{"weight": 0.1, "colour": "red", "new": True}, {"weight": 2.0, "colour": "Blue", "new": False}]
    assert predictor.way == "pyfunc"
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
    monkeypatch.setattr(module, "_pyfunc", lambda model, layout: lambda c: np.stack([c["size"], c["size"]], axis=1))
    monkeypatch.setattr(module, "_faster", lambda model, layout: iter([("faster", faster)]))
    assert load_predictor(sklearn_model, SIGNATURE).way == "pyfunc"


def test_a_faster_way_that_answers_the_same_is_taken(sklearn_model, monkeypatch):
    monkeypatch.setattr(module, "_pyfunc", lambda model, layout: lambda c: np.stack([c["size"], c["dose"]], axis=1))
    faster = ("faster", lambda c: np.stack([c["size"], c["dose"]], axis=1))
    monkeypatch.setattr(module, "_faster", lambda model, layout: iter([faster]))
    assert load_predictor(sklearn_model, SIGNATURE).way == "faster"


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
