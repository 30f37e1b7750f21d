"""The models: a linear one, two ensembles, and one that cannot be compiled; each saved with MLflow, as a version."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.serving import data
from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.registry.artifacts import digest_folder
from slipway.runtime.files import write_text
from slipway.specs import parse_model

TRAINING_ROWS = 2_000
HOLDOUT_ROWS = 500
CASES = 2_000
SKLEARN = ("linear", "gbm100", "gbm1000")
NAMES = (*SKLEARN, "pyfunc")
_MARKER = "complete"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class BenchModel:
    """One model on disk.

    Attributes
    ----------
    name : str
    root : Path
        ``model/`` (MLflow), ``snapshot/``, ``reference/``; beside them ``model.joblib`` if it is scikit-learn's.
    """

    name: str
    root: Path

    @property
    def folder(self) -> Path:
        """The MLflow model, the same for every system."""
        return self.root / "model"

    @property
    def joblib(self) -> Path | None:
        """The bare estimator, for servers that take nothing else."""
        path = self.root / "model.joblib"
        return path if path.exists() else None

    @property
    def files(self) -> VersionFiles:
        """The version as the registry would hand it over."""
        subject = Subject(model=self.name, version=1, artifact_sha256=digest_folder(self.root))
        return VersionFiles(subject=subject, root=self.root, run_id="bench")

    @property
    def spec(self) -> ModelSpec:
        """Its declaration: every input typed, in a range, never missing."""
        inputs = [
            {"name": name, "dtype": "float", "min": low, "max": high} for name, (low, high) in data.ranges().items()
        ]
        output = {"name": "p_malignant", "min": 0, "max": 1, **({"index": 1} if self.name in SKLEARN else {})}
        return parse_model(
            {
                "name": self.name,
                "purpose": "Is measured.",
                "owner": {"team": "bench", "contact": "bench@example.org"},
                "risk_tier": "low",
                "dataset": "bench",
                "registered_model": self.name,
                "task": "classification",
                "signature": {"inputs": inputs, "output": output},
                "quality": {
                    "label": data.LABEL,
                    "metrics": [{"name": "roc_auc", "threshold": 0.5}],
                    "champion_metric": "roc_auc",
                },
            }
        )


def provide(name: str, *, folder: Path, say: Callable[[str], None]) -> BenchModel:
    """Return a model, training it unless this code has trained it before."""
    sources = "".join((_HERE / file).read_text() for file in ("models.py", "data.py", "kernel_model.py"))
    digest = hashlib.sha256("\n".join([sources, *_pins(("mlflow", "scikit-learn", "numpy"))]).encode()).hexdigest()
    root = folder / f"{name}-{digest[:12]}"
    if not (root / _MARKER).exists():
        say(f"{name}: training")
        shutil.rmtree(root, ignore_errors=True)
        _train(name, root)
        write_text(root / _MARKER, "")
    return BenchModel(name, root)


def _train(name: str, root: Path) -> None:
    (root / "snapshot").mkdir(parents=True)
    (root / "reference").mkdir()
    train, holdout = data.labelled(TRAINING_ROWS, seed=1), data.labelled(HOLDOUT_ROWS, seed=2)
    train.to_parquet(root / "snapshot" / "train.parquet", index=False)
    holdout.to_parquet(root / "snapshot" / "holdout.parquet", index=False)
    if name in SKLEARN:
        _save_sklearn(_estimator(name).fit(train.drop(columns=data.LABEL), train[data.LABEL]), root)
    else:
        _save_pyfunc(train, root)


def _estimator(name: str) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression())
    return GradientBoostingClassifier(n_estimators=int(name.removeprefix("gbm")), max_depth=3, random_state=0)


def _save_sklearn(estimator: Any, root: Path) -> None:
    import joblib
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from skops.io import dumps, get_untrusted_types

    example = data.rows(5, seed=3)
    mlflow.sklearn.save_model(
        estimator,
        root / "model",
        signature=infer_signature(example, estimator.predict_proba(example)),
        input_example=example,
        pip_requirements=_pins(("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")),
        pyfunc_predict_fn="predict_proba",
        skops_trusted_types=get_untrusted_types(data=dumps(estimator)),
    )
    joblib.dump(estimator, root / "model.joblib")


def _save_pyfunc(train: Any, root: Path) -> None:
    import mlflow.pyfunc
    from mlflow.models import infer_signature

    inputs, labels = train.drop(columns=data.LABEL).to_numpy()[:CASES], train[data.LABEL].to_numpy(np.float64)[:CASES]
    means, scales = inputs.mean(axis=0), inputs.std(axis=0)
    example = data.rows(5, seed=3)
    with tempfile.TemporaryDirectory() as name:
        cases = Path(name) / "cases.npz"
        edges, corrections = np.quantile(inputs[:, 0], np.linspace(0, 1, 11)), np.linspace(-0.02, 0.02, 10)
        kept = {"means": means, "scales": scales, "cases": (inputs - means) / scales, "labels": labels}
        np.savez(cases, **kept, edges=edges, corrections=corrections)
        mlflow.pyfunc.save_model(
            root / "model",
            python_model=str(_HERE / "kernel_model.py"),
            artifacts={"cases": str(cases)},
            signature=infer_signature(example, np.array([0.5])),
            input_example=example,
            pip_requirements=_pins(("mlflow", "numpy", "pandas")),
        )


def _pins(packages: tuple[str, ...]) -> list[str]:
    return [f"{package}=={importlib.metadata.version(package)}" for package in packages]
