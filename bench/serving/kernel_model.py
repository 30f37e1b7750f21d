"""A model that no compiler takes: kernel regression over stored cases, with a correction by group, in NumPy and pandas.

MLflow stores this file itself with the model.
"""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel


class KernelModel(PythonModel):
    """Answers with the mean of the stored cases' labels, weighted by how near each case is."""

    def load_context(self, context: Any) -> None:
        """Read the stored cases."""
        with np.load(context.artifacts["cases"]) as kept:
            self._means, self._scales = kept["means"], kept["scales"]
            self._cases, self._labels = kept["cases"], kept["labels"]
            self._edges, self._corrections = kept["edges"], kept["corrections"]
        self._norms = (self._cases**2).sum(axis=1)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Return one number between 0 and 1 for each row."""
        del context, params
        rows = (model_input.to_numpy(dtype=np.float64) - self._means) / self._scales
        distances = (rows**2).sum(axis=1)[:, None] + self._norms - 2.0 * (rows @ self._cases.T)
        weights = np.exp(-np.maximum(distances, 0.0) / rows.shape[1])
        scores = pd.Series(weights @ self._labels / (weights.sum(axis=1) + 1e-12))
        group = pd.cut(model_input.iloc[:, 0], self._edges, labels=False)
        corrected = scores + pd.Series(np.asarray(group)).map(dict(enumerate(self._corrections))).fillna(0.0)
        return corrected.clip(0.0, 1.0).to_numpy()


mlflow.models.set_model(KernelModel())
