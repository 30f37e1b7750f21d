"""The model as a BentoML service, as its guides for scikit-learn and MLflow have it; no access log, one worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml
import numpy as np

MODEL = os.environ["BENCH_MODEL"]
BATCHED = os.environ.get("BENCH_BATCHED") == "1"


@bentoml.service(workers=1, traffic={"timeout": 120}, logging={"access": {"enabled": False}})
class Scorer:
    """Answers rows with the model's own predict."""

    def __init__(self) -> None:
        if "sklearn" in (Path(MODEL) / "MLmodel").read_text():
            import mlflow.sklearn

            self._call = mlflow.sklearn.load_model(MODEL).predict_proba
        else:
            self._call = self._of_pyfunc()

    def _of_pyfunc(self) -> Any:
        import mlflow.pyfunc
        import pandas as pd

        model = mlflow.pyfunc.load_model(MODEL)
        names = model.metadata.get_input_schema().input_names()
        return lambda rows: model.predict(pd.DataFrame(rows, columns=names))

    @bentoml.api(batchable=BATCHED, max_batch_size=100_000, max_latency_ms=120_000)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the answers for these rows."""
        return np.asarray(self._call(np.asarray(rows, dtype=np.float64)))
