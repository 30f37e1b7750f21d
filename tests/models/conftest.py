"""Each model's folder, its training module, and a pipeline trained as its train.py does it."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from slipway.core.signature import DType
from slipway.core.spec import ModelSpec
from slipway.settings import Settings
from slipway.specs import load_model, model_names

SETTINGS = Settings.load({})
NAMES = model_names(SETTINGS)


def load_module(path: Path) -> ModuleType:
    """Import a model's file by its path, under a name of its own."""
    name = f"models_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Trained:
    """A model as it is declared, and a pipeline trained with the default parameters."""

    folder: Path
    spec: ModelSpec
    train: ModuleType
    reference: ModuleType
    train_rows: pd.DataFrame
    holdout_rows: pd.DataFrame
    pipeline: Any

    @property
    def label(self) -> str:
        return self.spec.quality.label

    @property
    def all_rows(self) -> pd.DataFrame:
        return pd.concat([self.train_rows, self.holdout_rows], ignore_index=True)

    def inputs(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.drop(columns=self.label)

    def json_rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Return rows as a request carries them: None for missing, whole numbers as int."""
        whole = {c.name for c in self.spec.signature.inputs if c.dtype is DType.INT}
        return [
            {k: None if pd.isna(v) else int(v) if k in whole else v for k, v in row.items()}
            for row in self.inputs(frame).to_dict("records")
        ]

    def answers(self, frame: pd.DataFrame) -> Any:
        """Return what the trained pipeline answers."""
        index = self.spec.signature.output.index
        inputs = self.inputs(frame)
        return self.pipeline.predict(inputs) if index is None else self.pipeline.predict_proba(inputs)[:, index]


@cache
def trained(name: str) -> Trained:
    """Train one model, once."""
    folder = SETTINGS.models / name
    train = load_module(folder / "train.py")
    train_rows, holdout_rows = train.split(train.load_frame())
    pipeline = train.build_pipeline(train.DEFAULTS)
    pipeline.fit(train_rows.drop(columns=train.LABEL), train_rows[train.LABEL])
    return Trained(
        folder=folder,
        spec=load_model(SETTINGS, name),
        train=train,
        reference=load_module(folder / "reference.py"),
        train_rows=train_rows,
        holdout_rows=holdout_rows,
        pipeline=pipeline,
    )


@pytest.fixture(params=NAMES)
def model(request) -> Trained:
    return trained(request.param)


@pytest.fixture
def reference(model, tmp_path, monkeypatch):
    """The model's reference, reading the parameters of the trained pipeline; answers with a list of numbers."""
    (tmp_path / "parameters.json").write_text(json.dumps(model.train.export_reference(model.pipeline)))
    monkeypatch.setenv("REFERENCE_DIR", str(tmp_path))

    def score(rows: list[dict[str, Any]]) -> list[float]:
        name = model.spec.signature.output.name
        answers = model.reference.score(rows)
        assert all(set(answer) == {name} for answer in answers)
        return [answer[name] for answer in answers]

    return score
