"""A registered version's files, written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from slipway.core.identity import Subject, digest_bytes
from slipway.core.version import VersionFiles
from slipway.settings import Settings

INPUTS = [
    {"type": "double", "name": "dose", "required": True},
    {"type": "long", "name": "age", "required": True},
    {"type": "string", "name": "site", "required": True},
    {"type": "double", "name": "pulse", "required": False},
    {"type": "boolean", "name": "smoker", "required": True},
]


@pytest.fixture
def rows() -> pd.DataFrame:
    """Inputs and label of four patients."""
    return pd.DataFrame(
        {
            "dose": [0.5, 1.5, 2.5, 4.5],
            "age": [20, 40, 60, 80],
            "site": ["north", "south", "north", "south"],
            "pulse": [60.0, None, 80.0, 100.0],
            "smoker": [True, False, True, False],
            "cured": [0, 1, 1, 0],
        }
    )


@pytest.fixture
def make_files(tmp_path, rows) -> Callable[..., VersionFiles]:
    """Writes a version: ``make_files(inputs=..., data=..., predict_fn=...)``."""

    def make(
        *, inputs: list[dict[str, Any]] = INPUTS, data: pd.DataFrame | None = None, predict_fn: str = "predict_proba"
    ) -> VersionFiles:
        root: Path = tmp_path / "version"
        (root / "model").mkdir(parents=True)
        (root / "snapshot").mkdir()
        declared = {
            "flavors": {"python_function": {"predict_fn": predict_fn}},
            "signature": {"inputs": json.dumps(inputs)} if inputs else None,
        }
        (root / "model" / "MLmodel").write_text(json.dumps(declared))  # JSON is YAML
        table = rows if data is None else data
        table.head(2).to_parquet(root / "snapshot" / "train.parquet")
        table.tail(len(table) - 2).to_parquet(root / "snapshot" / "holdout.parquet")
        subject = Subject(model="a_model", version=3, artifact_sha256=digest_bytes(b""))
        return VersionFiles(subject=subject, root=root, run_id="run")

    return make


@pytest.fixture
def settings(tmp_path) -> Settings:
    """An empty project."""
    root = tmp_path / "project"
    (root / "include" / "models").mkdir(parents=True)
    return Settings(root=root, var=root / "var")
