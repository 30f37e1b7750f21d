"""The predictions of a registered version on a file, made in a bounded process of their own."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from slipway.core.signature import Signature
from slipway.core.version import VersionFiles
from slipway.errors import CommandError
from slipway.quality.metrics import Array
from slipway.runtime.commands import run

TIMEOUT_S = 600.0


def predict(version: VersionFiles, data: Path, signature: Signature, *, timeout_s: float = TIMEOUT_S) -> Array:
    """Return a version's answers to the rows of a Parquet file, shape (n,); NaN where it gave no number.

    Raises
    ------
    CommandError
        If the model cannot be loaded, crashes, answers nonsense or takes longer than ``timeout_s`` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-score-") as folder:
        declared, answers = Path(folder) / "signature.json", Path(folder) / "predictions.npy"
        declared.write_text(json.dumps(signature.to_json()), encoding="utf-8")
        argv: list[str | Path] = [sys.executable, "-W", "ignore", "-m", "slipway.quality.score_snapshot"]
        argv += ["--model", version.model, "--data", data, "--signature", declared, "--out", answers]
        try:
            run(argv, timeout_s=timeout_s, cwd=Path(folder))
            return np.asarray(np.load(answers, allow_pickle=False), dtype=np.float64)
        except (CommandError, OSError, ValueError) as error:
            reason = error.reason if isinstance(error, CommandError) else str(error)
            raise CommandError(
                f"{version.subject} could not answer its holdout: {reason}",
                remedy="load the version with mlflow.pyfunc and predict the rows of the file; correct what fails",
            ) from error
