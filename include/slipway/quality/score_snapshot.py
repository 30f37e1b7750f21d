"""A process of its own that loads a registered model and answers the rows of one file.

``python -m slipway.quality.score_snapshot --model DIR --data FILE.parquet --signature FILE.json --out FILE.npy``

A model is code of somebody else's: it may crash, hang or fill the memory, and then only this process is lost.
Writes a float64 ``.npy`` of shape (n,); NaN where the model gave no number. Exits 2 with one sentence on bad input.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Signature
from slipway.errors import ArtifactError, SlipwayError
from slipway.quality.snapshot import read_table


def main(argv: list[str] | None = None) -> int:
    """Score a file; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m slipway.quality.score_snapshot")
    for name in ("model", "data", "signature", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    try:
        signature = Signature.from_json(json.loads(args.signature.read_text(encoding="utf-8")))
        predictions = score(args.model, args.data, signature)
    except SlipwayError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    np.save(args.out, predictions)
    return 0


def score(model: Path, data: Path, signature: Signature) -> NDArray[np.float64]:
    """Return the model's answers to the inputs in a Parquet file.

    Raises
    ------
    ArtifactError
        If an input is absent, or the model does not answer one number for each row.
    """
    import mlflow.pyfunc

    frame = read_table(data)
    absent = [name for name in signature.names if name not in frame.columns]
    if absent:
        raise ArtifactError(f"the holdout lacks {', '.join(absent)}", remedy="register a version with whole data")
    # Whether packages have other versions than at the training is not asked: to look them up takes seconds.
    loaded = mlflow.pyfunc.load_model(str(model), suppress_warnings=True)
    answered = loaded.predict(frame[list(signature.names)])
    return pick(answered, rows=len(frame), index=signature.output.index)


def pick(answered: Any, *, rows: int, index: int | None) -> NDArray[np.float64]:
    """Return one number a row: the whole answer, or its column ``index`` (a class's probability).

    >>> pick([[0.25, 0.75]], rows=1, index=1).tolist()
    [0.75]
    """
    values = np.asarray(answered, dtype=object)
    if values.ndim == 2 and values.shape[1] == 1 and index is None:
        values = values[:, 0]
    if values.ndim == 2 and index is not None and index < values.shape[1]:
        values = values[:, index]
    if values.shape != (rows,):
        raise ArtifactError(
            f"the model answered {np.asarray(answered, dtype=object).shape} to {rows} rows",
            remedy="let it answer one number a row, or declare signature.output.index",
        )
    try:
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArtifactError(
            f"the model's answers are not numbers: {error}", remedy="let it answer a probability or a number"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
