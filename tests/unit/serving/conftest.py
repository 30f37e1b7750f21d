"""Real MLflow models, saved once a session, and an in-process server with a small model of its own."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.predictor import Predictor
from tests.unit.serving.samples import SIGNATURE, SUBJECT, Client, half_size


@pytest.fixture(scope="session")
def sklearn_model(tmp_path_factory) -> Path:
    """A gradient-boosting pipeline over the columns of SIGNATURE; it answers with class probabilities."""
    import mlflow.sklearn
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    rng = np.random.default_rng(7)
    rows = pd.DataFrame(
        {
            "size": rng.uniform(0, 10, 200),
            "age": rng.integers(0, 121, 200),
            "dose": np.where(rng.random(200) < 0.1, np.nan, rng.uniform(-1, 1, 200)),
            "depth": rng.uniform(0, 1, 200),
        }
    )
    target = (rows["size"] + rows["age"] / 20 + rows["depth"] > 8).astype(int)
    pipeline = Pipeline(
        [
            ("impute", ColumnTransformer([("mean", SimpleImputer(), list(rows.columns))])),
            ("boost", GradientBoostingClassifier(n_estimators=10, random_state=0)),
        ]
    ).fit(rows, target)
    folder = tmp_path_factory.mktemp("models") / "sklearn"
    mlflow.sklearn.save_model(
        pipeline,
        folder,
        pyfunc_predict_fn="predict_proba",
        signature=infer_signature(rows, pipeline.predict_proba(rows)),
        pip_requirements=["scikit-learn"],
        skops_trusted_types=[
            "sklearn._loss._loss.CyHalfBinomialLoss",
            "sklearn._loss.link.LogitLink",
            "sklearn._loss.loss.HalfBinomialLoss",
            "sklearn.tree._tree.Tree",
            "numpy.dtype",
        ],
    )
    return folder


@pytest.fixture(scope="session")
def double_model(tmp_path_factory) -> Path:
    """A scikit-learn regression on two doubles, logged without its columns' names."""
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(7)
    rows = rng.normal(size=(50, 2))
    model = LinearRegression().fit(rows, rows @ [2.0, -1.0])
    folder = tmp_path_factory.mktemp("models") / "double"
    mlflow.sklearn.save_model(
        model, folder, signature=infer_signature(rows, model.predict(rows)), pip_requirements=["scikit-learn"]
    )
    return folder


@pytest.fixture(scope="session")
def pyfunc_model(tmp_path_factory) -> Path:
    """A PythonModel that answers with a label: the row's colour, upper case."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    class Shout(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [colour.upper() for colour in model_input["colour"]]

    folder = tmp_path_factory.mktemp("models") / "pyfunc"
    schema = Schema([ColSpec("string", "colour"), ColSpec("float", "weight"), ColSpec("boolean", "new")])
    mlflow.pyfunc.save_model(
        folder, python_model=Shout(), signature=ModelSignature(inputs=schema), pip_requirements=["pandas"]
    )
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    """A function that starts an application, its model loaded, and returns its client."""
    started = []

    def start(
        call=half_size,
        *,
        signature=SIGNATURE,
        load=None,
        limits=None,
        options=None,
        profile=False,
        log=None,
        matrix=None,
    ) -> Client:
        config = ServingConfig(subject=SUBJECT, signature=signature)
        loader = load or (lambda: Predictor("test", call, signature.output, matrix))
        app = App(config, loader, limits=limits or Limits(), options=options, profile=profile, log=log)
        asyncio.run(app.load())
        started.append(app)
        return Client(app)

    yield start
    for app in started:
        app.close()
