"""Three million rows of two hundred columns in Parquet, and what they are compared with; made in bounded memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from slipway.drift.tables import Kind

ROWS, REFERENCE_ROWS, COLUMNS = 3_000_000, 1_000_000, 200
CHUNK = 250_000
CATEGORIES = 10
MOVED = {"n020": 0.1, "n100": 0.05, "n150": 0.02}
KINDS_OF_PLACE = ("north", "south", "east", "west", "overseas")


def kinds(columns: int = COLUMNS) -> dict[str, Kind]:
    """Return the columns' kinds: a twentieth of them names, the others numbers."""
    names = columns * CATEGORIES // COLUMNS
    found = {f"k{at:03d}": Kind.CATEGORY for at in range(names)}
    return {**found, **{f"n{at:03d}": Kind.NUMBER for at in range(names, columns)}}


def make(folder: Path, *, rows: int = ROWS, reference_rows: int = REFERENCE_ROWS, columns: int = COLUMNS) -> None:
    """Write ``reference.parquet`` and ``current.parquet``; there ``MOVED`` columns are shifted by so many sd."""
    _write(folder / "reference.parquet", reference_rows, columns, seed=1, moved={})
    _write(folder / "current.parquet", rows, columns, seed=2, moved=MOVED)


def _write(path: Path, rows: int, columns: int, *, seed: int, moved: dict[str, float]) -> None:
    rng = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, CHUNK):
        chunk = _chunk(min(CHUNK, rows - start), columns, rng, moved)
        writer = writer or pq.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk)
    if writer:
        writer.close()


def _chunk(rows: int, columns: int, rng: np.random.Generator, moved: dict[str, float]) -> pa.Table:
    data: dict[str, pa.Array] = {}
    for at, (name, kind) in enumerate(kinds(columns).items()):
        values = rng.standard_normal(rows) + moved.get(name, 0.0)
        if kind is Kind.CATEGORY:
            places = np.digitize(values, (-0.5, 0.4, 1.2, 2.0)).astype(np.int32)
            data[name] = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(KINDS_OF_PLACE)).cast(pa.string())
        elif at % 10 == 1:
            data[name] = pa.array(np.exp(1.5 * values))
        elif at % 10 == 2:
            data[name] = pa.array(np.round(values * 3), mask=rng.random(rows) < 0.02)
        else:
            data[name] = pa.array(values)
    return pa.table(data)
