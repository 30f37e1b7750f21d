"""The rows that are scored: a day of them, in Parquet files as an upstream job leaves them; made once for each size."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.serving import data
from slipway.runtime.files import write_text
from slipway.scoring import Interval

KEY, TIME = "measurement_id", "measured_at"
DAY = Interval(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
_FILE_ROWS = 1_000_000
_DRAWN = 50_000
_VARIED_BY = 0.002
_MARKER = "_complete"


def provide(rows: int, *, folder: Path, say: Callable[[str], None], group_rows: int = 250_000) -> Path:
    """Return a folder with so many rows, in row groups of so many, writing them unless that was done."""
    place = folder / f"rows-{rows}-{group_rows}"
    if not (place / _MARKER).exists():
        say(f"writing {rows:,} rows")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for start in range(0, rows, _FILE_ROWS):
            table = _table(start, min(_FILE_ROWS, rows - start), rows)
            pq.write_table(table, place / f"{start // _FILE_ROWS:05d}.parquet", row_group_size=group_rows)
        write_text(place / _MARKER, "")
    return place


def matrix(rows: int, *, seed: int) -> np.ndarray:
    """Return rows in range, no two alike, as one array; the same for the same seed."""
    random = np.random.default_rng(seed)
    drawn = data.rows(_DRAWN, seed=1).to_numpy()
    limits = np.array(list(data.ranges().values()))
    varied = drawn[random.integers(len(drawn), size=rows)]
    varied *= 1 + _VARIED_BY * random.uniform(-1, 1, varied.shape)
    return np.clip(varied, *limits.T, out=varied)


def _table(start: int, rows: int, total: int) -> pa.Table:
    values = matrix(rows, seed=1000 + start // _FILE_ROWS)
    step = (DAY.end - DAY.start) / total
    first = int((DAY.start - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
    times = first + (np.arange(start, start + rows) * (step / timedelta(microseconds=1))).astype(np.int64)
    columns = {
        KEY: pa.array(np.arange(start, start + rows)),
        TIME: pa.array(times).cast(pa.timestamp("us", tz="UTC")),
        **{name: pa.array(np.ascontiguousarray(values[:, place])) for place, name in enumerate(data.ranges())},
    }
    return pa.table(columns)
