"""A small dataset of its own, versions of a model made from it, and the suite and contract that go with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles

COLUMNS = {"size": ("mm", 0, 60), "weight": ("g", 0, 500), "age": ("year", 18, 100)}

GOOD = "1 / (1 + np.exp(-(0.30 * (frame['size'] - 30) + 0.02 * (frame['weight'] - 250))))"
MODEL = """
import os, time
import numpy as np
import mlflow
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

class Model(PythonModel):
    def predict(self, context, model_input, params=None):
        frame = model_input
        p = {expression}
        return np.column_stack([1 - p, p])

set_model(Model())
"""


def make_frame(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(30, 8, rows).clip(1, 59).round(3),
            "weight": rng.normal(250, 60, rows).clip(1, 499).round(3),
            "age": rng.integers(20, 90, rows),
        }
    )
    chance = eval(GOOD, {"np": np, "frame": frame})
    frame["malignant"] = (rng.random(rows) < chance).astype(int)
    return frame


def make_spec(**quality: object) -> ModelSpec:
    declared = {
        "label": "malignant",
        "metrics": [{"name": "roc_auc", "threshold": 0.8}, {"name": "accuracy", "threshold": 0.7}],
        "champion_metric": "roc_auc",
        "min_rows": 50,
        "slices": [{"column": "age", "min": 55, "metric": "accuracy", "threshold": 0.65}],
        "fairness": [{"column": "age", "split_at": 55, "metric": "accuracy", "max_difference": 0.15}],
        **quality,
    }
    inputs = [
        {"name": name, "dtype": "int" if name == "age" else "float", "unit": unit, "min": low, "max": high}
        for name, (unit, low, high) in COLUMNS.items()
    ]
    return ModelSpec.model_validate(
        {
            "name": "toy_model",
            "purpose": "a toy",
            "owner": {"team": "t", "contact": "c"},
            "risk_tier": "low",
            "dataset": "toy",
            "registered_model": "toy_model",
            "task": "classification",
            "signature": {"inputs": inputs, "output": {"name": "p", "min": 0, "max": 1, "index": 1}},
            "quality": declared,
        }
    )


SUITE = {
    "name": "toy",
    "expectations": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "size", "min_value": 0, "max_value": 60},
            "meta": {"severity": "fail", "why": "the instrument measures millimetres"},
        },
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "weight", "min_value": 0, "max_value": 480},
            "meta": {"severity": "quarantine", "why": "heavier ones were weighed with the tray"},
        },
        {
            "type": "expect_column_mean_to_be_between",
            "kwargs": {"column": "age", "min_value": 40, "max_value": 70},
            "meta": {"severity": "warn", "why": "the clinic's patients"},
        },
    ],
}
CONTRACT = {
    "schema": [
        *({"name": n, "type": "int" if n == "age" else "float", "unit": u} for n, (u, _, _) in COLUMNS.items()),
        {"name": "malignant", "type": "int"},
    ]
}


class Maker:
    """Writes versions and suites below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0

    def version(
        self,
        *,
        train: pd.DataFrame | None = None,
        holdout: pd.DataFrame | None = None,
        expression: str | None = None,
    ) -> VersionFiles:
        self.count += 1
        root = self.root / f"v{self.count}"
        (root / "snapshot").mkdir(parents=True)
        (make_frame(600, 1) if train is None else train).to_parquet(root / "snapshot" / "train.parquet")
        (make_frame(400, 2) if holdout is None else holdout).to_parquet(root / "snapshot" / "holdout.parquet")
        if expression is not None:
            self._model(root, expression)
        subject = Subject(model="toy_model", version=self.count, artifact_sha256=f"sha256:{self.count:064x}")
        return VersionFiles(subject=subject, root=root, run_id="r")

    def suite(self, suite: object = SUITE, contract: object = CONTRACT) -> Path:
        folder = self.root / "suite"
        folder.mkdir(exist_ok=True)
        (folder / "suite.json").write_text(json.dumps(suite))
        (folder / "contract.yaml").write_text(yaml.safe_dump(contract))
        return folder

    def _model(self, root: Path, expression: str) -> None:
        import mlflow.pyfunc

        code = root / "model_code.py"
        code.write_text(MODEL.format(expression=expression))
        mlflow.pyfunc.save_model(str(root / "model"), python_model=str(code), pip_requirements=[])


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


class Toy:
    """The small dataset and its declarations, for a test to start from."""

    COLUMNS, SUITE, CONTRACT, GOOD = COLUMNS, SUITE, CONTRACT, GOOD
    frame = staticmethod(make_frame)
    spec = staticmethod(make_spec)


@pytest.fixture
def toy() -> type[Toy]:
    return Toy
