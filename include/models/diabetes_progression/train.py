"""Train and register the diabetes progression model: ``python train.py [--tracking-uri URI] [--seed 0]``.

The data come with scikit-learn: 442 diabetes patients, ten baseline variables in their own units, and a measure of
the disease's progression one year later. The split into training rows and holdout is the same for every version, so
that two versions can be compared on rows that neither has seen; ``--seed`` varies the training alone.

Each version is registered together with what its release needs: the model with its signature, pinned requirements,
the data snapshot, and the parameters that the independent reference reads.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MODEL = "diabetes_progression"
LABEL = "progression"
NUMBERS = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
SEXES = {1: "F", 2: "M"}
SPLIT_SEED = 20_240_229
DEFAULTS: dict[str, Any] = {
    "n_estimators": 120,
    "learning_rate": 0.05,
    "max_depth": 2,
    "min_samples_leaf": 5,
    "subsample": 0.7,
    "seed": 0,
}
# The model itself takes a missing value here, so the registered signature marks these inputs as optional.
# s6 holds whole numbers, but is registered as a double: a pandas column of int64 has no missing value.
NULLABLE = ("s5", "s6")
SERVING_PACKAGES = ("scikit-learn", "numpy", "pandas", "scipy", "skops")


def load_frame() -> pd.DataFrame:
    """Return all rows: ten inputs in the study's own units, and the label.

    The source codes sex as 1 and 2 and does not say which is which; ``SEXES`` is the mapping assumed here.
    """
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": LABEL})
    frame["age"] = frame["age"].astype("int64")
    frame["sex"] = frame["sex"].astype(int).map(SEXES)
    return frame


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training rows and holdout (35 %), stratified by sex; the same for every version."""
    train, holdout = train_test_split(frame, test_size=0.35, stratify=frame["sex"], random_state=SPLIT_SEED)
    return train.reset_index(drop=True), holdout.reset_index(drop=True)


def build_pipeline(params: dict[str, Any]) -> Pipeline:
    """Return the untrained pipeline: medians and standard scaling for numbers, one-hot for sex, gradient boosting."""
    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    sex = OneHotEncoder(categories=[sorted(SEXES.values())], sparse_output=False)
    boosting = GradientBoostingRegressor(
        n_estimators=params["n_estimators"],
        learning_rate=params["learning_rate"],
        max_depth=params["max_depth"],
        min_samples_leaf=params["min_samples_leaf"],
        subsample=params["subsample"],
        random_state=params["seed"],
    )
    prepare = ColumnTransformer([("numbers", numbers, list(NUMBERS)), ("sex", sex, ["sex"])])
    return Pipeline([("prepare", prepare), ("boost", boosting)])


def export_reference(pipeline: Pipeline) -> dict[str, Any]:
    """Return every fitted number that the independent reference needs, as JSON values."""
    boost = pipeline["boost"]
    prepare = pipeline["prepare"].named_transformers_
    impute, scale = prepare["numbers"]["impute"], prepare["numbers"]["scale"]
    return {
        "numbers": list(NUMBERS),
        "medians": impute.statistics_.tolist(),
        "means": scale.mean_.tolist(),
        "scales": scale.scale_.tolist(),
        "sexes": prepare["sex"].categories_[0].tolist(),
        "base_score": float(boost.init_.constant_[0, 0]),
        "learning_rate": boost.learning_rate,
        "trees": [_export_tree(estimator.tree_) for estimator in boost.estimators_[:, 0]],
    }


def _export_tree(tree: Any) -> dict[str, list[Any]]:
    return {
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": tree.value[:, 0, 0].tolist(),
    }


def evaluate(pipeline: Any, frame: pd.DataFrame) -> dict[str, float]:
    """Return the quality metrics on labelled rows."""
    truth = frame[LABEL]
    answer = pipeline.predict(frame.drop(columns=LABEL))
    metrics = {
        "rmse": root_mean_squared_error(truth, answer),
        "mae": mean_absolute_error(truth, answer),
        "r2": r2_score(truth, answer),
    }
    return {name: float(value) for name, value in metrics.items()}


def log_version(
    pipeline: Any,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    registered_model: str,
    params: dict[str, Any],
    reference: dict[str, Any] | None = None,
) -> int:
    """Log a trained pipeline to the current MLflow tracking server, register it, and return its version number.

    Parameters
    ----------
    pipeline : estimator
        Trained; answers ``predict`` on the inputs in ``train``'s order.
    train, holdout : DataFrame
        Inputs and label.
    registered_model : str
    params : dict
        Logged as the run's parameters.
    reference : dict, optional
        What ``reference.py`` will read; by default exported from ``pipeline``.
    """
    import mlflow

    inputs = train.drop(columns=LABEL)
    with mlflow.start_run():
        mlflow.log_params(params)
        mlflow.log_metrics(evaluate(pipeline, holdout))
        log_snapshot(train, holdout, export_reference(pipeline) if reference is None else reference)
        info = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            registered_model_name=registered_model,
            signature=signature(inputs, pipeline.predict(inputs)),
            input_example=inputs.head(2),
            pip_requirements=[f"{package}=={installed(package)}" for package in SERVING_PACKAGES],
            skops_trusted_types=_types_inside(pipeline),
        )
    return int(info.registered_model_version)


def log_snapshot(train: pd.DataFrame, holdout: pd.DataFrame, reference: dict[str, Any]) -> None:
    """Log the data and the reference's parameters as artifacts of the active MLflow run."""
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        for name, frame in (("train", train), ("holdout", holdout)):
            path = Path(folder) / f"{name}.parquet"
            frame.to_parquet(path, index=False)
            mlflow.log_artifact(str(path), "snapshot")
        parameters = Path(folder) / "parameters.json"
        parameters.write_text(json.dumps(reference), encoding="utf-8")
        mlflow.log_artifact(str(parameters), "reference")


def signature(inputs: pd.DataFrame, answers: Any) -> Any:
    """Return the MLflow signature; inputs in ``NULLABLE`` are optional."""
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, Schema

    inferred = infer_signature(inputs, answers)
    columns = [ColSpec(c.type, c.name, required=c.name not in NULLABLE) for c in inferred.inputs.inputs]
    return ModelSignature(inputs=Schema(columns), outputs=inferred.outputs)


def _types_inside(pipeline: Any) -> list[str]:
    # skops loads no type that is not named. These are the types of what has just been trained here; the registered
    # model lists them, and anything else that turned up in the file later would be refused.
    from skops.io import dumps, get_untrusted_types

    return get_untrusted_types(data=dumps(pipeline))


def open_experiment(tracking_uri: str, name: str) -> None:
    """Point MLflow at a tracking server and make ``name`` the current experiment.

    With a bare SQLite store the artifacts go into a folder beside the database, not into the working directory.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    if tracking_uri.startswith("sqlite:///") and mlflow.get_experiment_by_name(name) is None:
        database = Path(tracking_uri.removeprefix("sqlite:///")).absolute()
        mlflow.create_experiment(name, artifact_location=(database.parent / "artifacts" / name).as_uri())
    mlflow.set_experiment(name)


def run_of(registered_model: str, version: int) -> str:
    """Return the id of the run that made a version."""
    import mlflow

    return str(mlflow.MlflowClient().get_model_version(registered_model, str(version)).run_id)


def main() -> None:
    """Train one version, register it, and print what came of it as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tracking-uri", default=os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"))
    parser.add_argument("--registered-model", default=MODEL)
    parser.add_argument("--seed", type=int, default=DEFAULTS["seed"])
    parser.add_argument("--n-estimators", type=int, default=DEFAULTS["n_estimators"])
    args = parser.parse_args()

    open_experiment(args.tracking_uri, args.registered_model)
    params = DEFAULTS | {"seed": args.seed, "n_estimators": args.n_estimators}
    train, holdout = split(load_frame())
    pipeline = build_pipeline(params).fit(train.drop(columns=LABEL), train[LABEL])
    version = log_version(pipeline, train, holdout, registered_model=args.registered_model, params=params)
    made = {"model": args.registered_model, "version": version, "run_id": run_of(args.registered_model, version)}
    print(json.dumps(made | {"metrics": evaluate(pipeline, holdout)}))


if __name__ == "__main__":
    main()
