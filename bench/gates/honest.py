"""An example model as it should be: its own train.py, its data, its pipeline. Every case is made from it."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Honest:
    """A model folder's training, and what it comes to.

    Attributes
    ----------
    model : str
    module : module
        The folder's ``train.py``.
    """

    model: str
    module: ModuleType

    @cached_property
    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Training rows and holdout; a case changes copies."""
        return self.module.split(self.module.load_frame())

    @property
    def train(self) -> pd.DataFrame:
        """A copy of the training rows, label included."""
        return self.frames[0].copy()

    @property
    def holdout(self) -> pd.DataFrame:
        """A copy of the holdout, label included."""
        return self.frames[1].copy()

    @property
    def label(self) -> str:
        """The label's column."""
        return self.module.LABEL

    @property
    def answers_with(self) -> str:
        """The method whose answers are served."""
        return "predict_proba" if self.model == "tumor_malignancy" else "predict"

    @cached_property
    def pipeline(self) -> Any:
        """The pipeline as it should be."""
        return self.fit()

    def fit(self, train: pd.DataFrame | None = None, **params: Any) -> Any:
        """Return a new pipeline, trained on the given rows with some parameters changed."""
        rows = self.train if train is None else train
        pipeline = self.module.build_pipeline({**self.module.DEFAULTS, **params})
        return pipeline.fit(rows.drop(columns=self.label), rows[self.label])

    def answers(self, pipeline: Any, rows: pd.DataFrame) -> Any:
        """Return what a pipeline answers to rows, as it is served."""
        return getattr(pipeline, self.answers_with)(rows.drop(columns=self.label, errors="ignore"))


@cache
def honest(model: str) -> Honest:
    """Return an example model; its data and pipeline are made once in a process."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    path = ROOT / "include" / "models" / model / "train.py"
    spec = importlib.util.spec_from_file_location(f"bench_gates_train_{model}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"{path} is not there: a case is made from a model folder with a train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Honest(model, module)
