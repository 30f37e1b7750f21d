"""The scoring process killed at random moments, again and again; then its sink is held against an undisturbed one."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import sqlalchemy as sa

from bench.batch.data import KEY

KILLS = 20
_ATTEMPTS = 80
_LIMIT_S = 180
_ROOT = Path(__file__).resolve().parents[2]


class WorkerFailed(Exception):
    """The scoring process ended with an error of its own."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it: how many kills, after how many seconds each, and how many rows are not as they should be."""

    kills: int
    after_s: tuple[float, ...]
    attempts: int
    rows: int
    wrong: int


def run_worker(job: dict[str, Any]) -> dict[str, Any]:
    """Run the scoring process to its end; WorkerFailed if it fails or finds rows unaccounted for."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.batch.worker"], input=json.dumps(job), cwd=_ROOT, capture_output=True, text=True,
        timeout=_LIMIT_S * 4,
    )  # fmt: skip
    if done.returncode:
        raise WorkerFailed(done.stderr.strip()[-1500:])
    report: dict[str, Any] = json.loads(done.stdout)
    if report["failed"]:
        raise WorkerFailed("; ".join(report["failed"]))
    return report


def kill_and_compare(
    undisturbed: dict[str, Any], disturbed: dict[str, Any], *, kills: int, seed: int, read: Callable[[str], pa.Table]
) -> Killed:
    """Run one job in peace, and one that is killed at random moments and started again; count the rows that differ.

    Parameters
    ----------
    undisturbed, disturbed : dict
        Jobs for :mod:`bench.batch.worker` that differ in their sink.
    kills, seed : int
    read : callable
        Reads a sink's rows.
    """
    started = time.perf_counter()
    run_worker(undisturbed)
    whole_s = time.perf_counter() - started
    moments = random.Random(seed)
    after: list[float] = []
    attempts = 0
    while len(after) < kills and attempts < _ATTEMPTS:
        attempts += 1
        moment = moments.uniform(0, whole_s)
        if _killed(disturbed, moment):
            after.append(moment)
    run_worker(disturbed)
    expected = read(undisturbed["sink"])
    return Killed(len(after), tuple(after), attempts, len(expected), differences(expected, read(disturbed["sink"])))


def _killed(job: dict[str, Any], after_s: float) -> bool:
    """Start the process, kill it after so many seconds, and tell whether it was still at work then."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.batch.worker"], cwd=_ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert child.stdin is not None
        child.stdin.write(json.dumps(job))
        child.stdin.close()
        child.wait(after_s)
    except subprocess.TimeoutExpired:
        return True
    finally:
        child.kill()
        child.wait()
    return False


def differences(expected: pa.Table, found: pa.Table) -> int:
    """Return how many rows are lost, doubled or not the same.

    >>> one = pa.table({KEY: [1, 2, 3], "p": [0.1, 0.2, 0.3]})
    >>> differences(one, one), differences(one, pa.table({KEY: [1, 1, 2], "p": [0.1, 0.1, 0.5]}))
    (0, 3)
    """
    expected, found = expected.sort_by(KEY), found.select(expected.column_names).sort_by(KEY)
    if expected.equals(found):
        return 0
    keys = np.concatenate([expected[KEY].to_numpy(), found[KEY].to_numpy()])
    _, places = np.unique(keys, return_inverse=True)
    counts = [np.bincount(part, minlength=places.max() + 1) for part in np.split(places, [len(expected)])]
    astray = int(np.abs(counts[0] - counts[1]).sum())
    left, right = ({row[KEY]: row for row in table.to_pylist()} for table in (expected, found))
    return astray + sum(left[key] != right[key] for key in left.keys() & right.keys())


def read_folder(sink: str) -> pa.Table:
    """Return the rows of a Parquet sink; what is left under way there would be a row too many."""
    folder = Path(sink)
    left = list(folder.rglob("*.unfinished"))
    assert not left, f"left behind: {left}"
    return pa.concat_tables([pq.ParquetFile(path).read() for path in sorted(folder.rglob("part-*.parquet"))])


def read_table(sink: str) -> pa.Table:
    """Return the rows of a table of PostgreSQL."""
    address, _, table = sink.partition("#")
    driver_url = sa.make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(driver_url)
    try:
        with connection.cursor() as cursor:
            copied = io.BytesIO()
            cursor.copy_expert(f'COPY (SELECT * FROM "{table}") TO STDOUT WITH (FORMAT csv, HEADER)', copied)
    finally:
        connection.close()
    copied.seek(0)
    return pa_csv.read_csv(copied)
