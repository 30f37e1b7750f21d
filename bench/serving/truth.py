"""What the native model answers, and every backend's answers held against it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.serving.models import BenchModel
from bench.serving.payloads import mismatches
from bench.serving.processes import pinned
from bench.serving.session import LARGE, Running
from slipway.runtime.commands import run

_HERE = Path(__file__).parent
_LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Native:
    """The model in the interpreter of its image, in a process of its own on the server's core."""

    model: BenchModel
    python: Path
    core: int

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        """Return one answer a row; CommandError if the model fails."""
        with tempfile.TemporaryDirectory(prefix="bench-native-") as name:
            out = Path(name) / "out.npy"
            self._run(rows, Path(name), out=str(out))
            return np.asarray(np.load(out))

    def latencies_ms(self, rows: pd.DataFrame, *, seconds: float, least: int) -> list[float]:
        """Return how long it takes for these rows, again and again."""
        with tempfile.TemporaryDirectory(prefix="bench-native-") as name:
            return list(json.loads(self._run(rows, Path(name), seconds=seconds, least=least))["latencies_ms"])

    def _run(self, rows: pd.DataFrame, folder: Path, **job: Any) -> str:
        np.save(folder / "rows.npy", rows.to_numpy(dtype=np.float64))
        job |= {"folder": str(self.model.folder), "rows": str(folder / "rows.npy")}
        env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with pinned(self.core):
            done = run((self.python, "-I", _HERE / "native.py"), timeout_s=_LIMIT_S, input=json.dumps(job), env=env)
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def count_mismatches(running: Running, rows: pd.DataFrame, native: np.ndarray) -> int:
    """Return how many of the answers differ from the native model's by more than the tolerance; sent in binary.

    Raises
    ------
    WrongAnswers
        If a request is not answered.
    """
    wrong = 0
    for start in range(0, len(rows), LARGE):
        part = rows.iloc[start : start + LARGE]
        wrong += len(mismatches(running.ask(part, binary=True), native[start : start + LARGE]))
    return wrong
