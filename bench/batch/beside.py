"""The same model without Slipway: called on arrays, in its own environment's interpreter, and in a pandas loop.

A program of its own, since that environment has neither Slipway nor Arrow: a job on standard input,
``{"folder", "names", "passes"}`` and either ``"rows"`` (a .npy file) or ``"source"`` and ``"sink"`` (Parquet); prints
the rows a second.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

CHUNKS = (10_000, 100_000)


def native(job: dict[str, Any]) -> dict[str, Any]:
    """Call the model's own library on parts of one array; the best size of them counts."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from bench.serving.native import load

    call, matrix = load(Path(job["folder"])), np.load(job["rows"])
    found: dict[str, list[float]] = {}
    for chunk in CHUNKS:
        call(matrix[:chunk])
        for _ in range(job["passes"]):
            started = time.perf_counter()
            for start in range(0, len(matrix), chunk):
                call(matrix[start : start + chunk])
            found.setdefault(str(chunk), []).append(len(matrix) / (time.perf_counter() - started))
    return {"rows_per_second": found}


def loop(job: dict[str, Any]) -> dict[str, Any]:
    """Read a part of a file into pandas, call ``mlflow.pyfunc``, write its answers; and so on until the end."""
    import mlflow.pyfunc
    import pyarrow as pa
    import pyarrow.parquet as pq

    model = mlflow.pyfunc.load_model(job["folder"])
    rows, writer, started = 0, None, time.perf_counter()
    for batch in pq.ParquetFile(job["source"]).iter_batches(batch_size=CHUNKS[0]):
        frame = batch.to_pandas()
        answers = np.asarray(model.predict(frame[job["names"]]))
        answered = frame[job["keys"]].assign(p_malignant=answers[:, 1])
        table = pa.Table.from_pandas(answered, preserve_index=False)
        writer = writer or pq.ParquetWriter(job["sink"], table.schema)
        writer.write_table(table)
        rows += len(frame)
    if writer is not None:
        writer.close()
    return {"rows_per_second": rows / (time.perf_counter() - started), "rows": rows}


def main() -> None:
    """Do the job and print what came of it."""
    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    print(json.dumps(native(job) if "rows" in job else loop(job)))


if __name__ == "__main__":
    main()
