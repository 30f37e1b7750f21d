"""One wide comparison in a process of its own, which prints its seconds and peak memory: Slipway's, or Evidently's."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.drift.wide_data import MOVED, kinds
from slipway.core.identity import Subject
from slipway.drift.evidently_report import evidently_report, run_preset
from slipway.drift.page import drift_page
from slipway.drift.run import Effort, Watched, Window, watch_drift
from slipway.drift.tables import ParquetTable

SUBJECT = Subject(model="wide", version=1, artifact_sha256="sha256:" + "0" * 64)
Figures = dict[str, Any]


def in_child(who: str, folder: Path, *, share: float = 1.0, limit_s: float, limit_mb: float) -> Figures | None:
    """Return the figures of one comparison in a fresh process; None if it ran out of time or memory."""
    command = [sys.executable, "-m", "bench.drift.wide", who, str(folder), str(share), str(limit_mb)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if done.returncode < 0 or "MemoryError" in done.stderr or "malloc" in done.stderr or "allocate" in done.stderr:
        return None
    raise RuntimeError(f"{who} failed: {done.stderr[-2000:]}")


def slipway(folder: Path) -> Figures:
    """Compare all rows, and write both reports."""
    watched = Watched(kinds=kinds(_columns(folder)))
    tables = [ParquetTable.of(folder / f"{name}.parquet") for name in ("reference", "current")]
    started = time.perf_counter()
    found = watch_drift(watched, Window(table=tables[0]), Window(table=tables[1]), effort=Effort(budget_s=120))
    compared = time.perf_counter()
    first = tuple(column.name for column in found.columns)
    evidently_report(tables[0], tables[1], watched.kinds, folder / "sample.html", first=first)
    page = drift_page(found, SUBJECT, window="one day", evidently="sample.html")
    (folder / "drift.html").write_text(page, encoding="utf-8")
    drifted = [m.name.removeprefix("drift.") for m in found.drifted]
    return {
        "seconds": time.perf_counter() - started,
        "compare_seconds": compared - started,
        "rows": tables[1].rows,
        "sampling": found.details["sampling"],
        "drifted": drifted,
        "moved_found": sorted(set(drifted) & set(MOVED)),
        "power": found.details["power"],
    }


def evidently(folder: Path, share: float) -> Figures:
    """Run Evidently's preset on the first ``share`` of both tables' rows, as data frames, and save its report."""
    frames = []
    started = time.perf_counter()
    for name in ("current", "reference"):
        table = _head(folder / f"{name}.parquet", share)
        frames.append(table.to_pandas())
        del table
    read = time.perf_counter()
    run_preset(frames[0], frames[1], kinds(frames[0].shape[1])).save_html(str(folder / "evidently.html"))
    ended = time.perf_counter()
    return {"seconds": ended - started, "read_seconds": read - started, "rows": len(frames[0]), "share": share}


def main(argv: Sequence[str]) -> int:
    """Run one comparison; print its figures as the last line."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift.wide", description=__doc__)
    parser.add_argument("who", choices=("slipway", "evidently"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("share", type=float)
    parser.add_argument("limit_mb", type=float)
    asked = parser.parse_args(argv)
    most = int(asked.limit_mb * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    found = slipway(asked.folder) if asked.who == "slipway" else evidently(asked.folder, asked.share)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**found, "peak_mb": peak}))
    return 0


def _columns(folder: Path) -> int:
    return len(ParquetTable.of(folder / "current.parquet").names)


def _head(path: Path, share: float) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    rows, batches = max(int(file.metadata.num_rows * share), 1), []
    for batch in file.iter_batches(batch_size=min(rows, 65_536)):
        batches.append(batch.slice(0, rows))
        rows -= len(batch)
        if rows <= 0:
            break
    return pa.Table.from_batches(batches)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
