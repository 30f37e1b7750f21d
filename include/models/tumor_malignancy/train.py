"""Train and register the tumor malignancy classifier: ``python train.py [--tracking-uri URI] [--seed 0]``.

The data come with scikit-learn: breast-cancer Wisconsin (diagnostic), 569 fine-needle aspirates, 30 measurements of
the cell nuclei each. The split into training rows and holdout is the same for every version, so that two versions
can be compared on rows that neither has seen; ``--seed`` varies the training alone.

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

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

MODEL = "tumor_malignancy"
LABEL = "malignant"
SPLIT_SEED = 20_240_229
DEFAULTS: dict[str, Any] = {
    "n_estimators": 100,
    "learning_rate": 0.1,
    "max_depth": 3,
    "subsample": 0.8,
    "seed": 0,
}
# The model itself takes a missing value here, so the registered signature marks these inputs as optional.
NULLABLE = ("mean_texture", "texture_error", "worst_texture", "worst_symmetry", "worst_fractal_dimension")
SERVING_PACKAGES = ("scikit-learn", "numpy", "pandas", "scipy", "skops")


def load_frame() -> pd.DataFrame:
    """Return all rows: 30 inputs in snake_case, and the label, 1 for malignant.

    scikit-learn codes benign as 1, so its target is turned round.
    """
    frame = load_breast_cancer(as_frame=True).frame
    frame = frame.rename(columns=lambda name: name.replace(" ", "_"))
    frame[LABEL] = (1 - frame.pop("target")).astype("int64")
    return frame


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training rows and holdout (30 %), stratified by the label; the same for every version."""
    train, holdout = train_test_split(frame, test_size=0.3, stratify=frame[LABEL], random_state=SPLIT_SEED)
    return train.reset_index(drop=True), holdout.reset_index(drop=True)


def build_pipeline(params: dict[str, Any]) -> Pipeline:
    """Return the untrained pipeline: medians for missing values, scaling to [0, 1], gradient boosting.

    The scaler clips. To a tree nothing changes beyond the values it was trained on, but an absurd value that is only
    flagged (1e300) can no longer overflow the trees' float32.
    """
    boosting = GradientBoostingClassifier(
        n_estimators=params["n_estimators"],
        learning_rate=params["learning_rate"],
        max_depth=params["max_depth"],
        subsample=params["subsample"],
        random_state=params["seed"],
    )
    return Pipeline(
        [("impute", SimpleImputer(strategy="median")), ("scale", MinMaxScaler(clip=True)), ("boost", boosting)]
    )


def export_reference(pipeline: Pipeline) -> dict[str, Any]:
    """Return every fitted number that the independent reference needs, as JSON values."""
    impute, scale, boost = pipeline["impute"], pipeline["scale"], pipeline["boost"]
    prior = boost.init_.class_prior_[1]
    return {
        "features": list(pipeline.feature_names_in_),
        "medians": impute.statistics_.tolist(),
        "scales": scale.scale_.tolist(),
        "offsets": scale.min_.tolist(),
        "base_score": float(np.log(prior / (1 - prior))),
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
    """Return the quality metrics on labelled rows; the decision threshold is 0.5."""
    truth = frame[LABEL]
    chance = pipeline.predict_proba(frame.drop(columns=LABEL))[:, 1]
    decided = chance >= 0.5
    metrics = {
        "roc_auc": roc_auc_score(truth, chance),
        "accuracy": accuracy_score(truth, decided),
        "recall": recall_score(truth, decided),
        "precision": precision_score(truth, decided, zero_division=0),
        "log_loss": log_loss(truth, chance, labels=[0, 1]),
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
        Trained; answers ``predict_proba`` on the inputs in ``train``'s order.
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
            signature=signature(inputs, pipeline.predict_proba(inputs)),
            input_example=inputs.head(2),
            pyfunc_predict_fn="predict_proba",
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
