"""The model itself, without any server: its answers, and how fast it gives them.

Run as a program by the interpreter of the model's own environment, which has neither Slipway nor this package.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def load(folder: Path) -> Callable[[Any], Any]:
    """Return the fastest call that the model's own library offers, one answer a row."""
    warnings.simplefilter("ignore")
    if "mlflow.sklearn" in (folder / "MLmodel").read_text():
        import mlflow.sklearn

        estimator = mlflow.sklearn.load_model(str(folder))
        return lambda matrix: estimator.predict_proba(matrix)[:, 1]
    import mlflow.pyfunc
    import pandas as pd

    model = mlflow.pyfunc.load_model(str(folder))
    names = model.metadata.get_input_schema().input_names()
    python_model = model.unwrap_python_model()
    return lambda matrix: python_model.predict(None, pd.DataFrame(matrix, columns=names))


def main() -> None:
    """Read a job: the model's folder, a file of rows, and either where the answers go or for how long to time it."""
    job = json.load(sys.stdin)
    call, matrix = load(Path(job["folder"])), np.load(job["rows"])
    if "out" in job:
        parts = [call(matrix[start : start + 10_000]) for start in range(0, len(matrix), 10_000)]
        np.save(job["out"], np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]))
        return
    call(matrix)
    times, started = [], time.perf_counter()
    while len(times) < job["least"] or time.perf_counter() - started < job["seconds"]:
        before = time.perf_counter()
        call(matrix)
        times.append((time.perf_counter() - before) * 1e3)
    print(json.dumps({"latencies_ms": times}))


if __name__ == "__main__":
    main()
