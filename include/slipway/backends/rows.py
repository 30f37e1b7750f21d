"""Rows that the signature admits, made to tell two backends apart: at the edges of ranges, drawn, and from snapshots.

A table is a mapping of each input to an array: float64 with NaN for missing (a bool is 0 or 1), or objects with None
for strings. Pure; the same seed gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Action, Column, DType, Signature

Table = dict[str, NDArray[Any]]
_ABSURD = 1e300
_PASSED_ON = (Action.FLAG, Action.CLIP, Action.IMPUTE)


def size(table: Mapping[str, NDArray[Any]]) -> int:
    """Return how many rows a table has."""
    return len(next(iter(table.values())))


def stacked(tables: Sequence[Mapping[str, NDArray[Any]]]) -> Table:
    """Return the rows of several tables, one after the other."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def taken(table: Mapping[str, NDArray[Any]], rows: Any) -> Table:
    """Return some rows, by position or mask."""
    return {name: values[rows] for name, values in table.items()}


def read_table(frame: Any, signature: Signature) -> Table:
    """Return the signature's columns of a DataFrame; a column that it lacks is missing in every row."""
    table: Table = {}
    for column in signature.inputs:
        if column.name not in frame:
            frame = frame.assign(**{column.name: None})
        values = frame[column.name]
        if column.dtype is DType.STRING:
            table[column.name] = values.astype(object).where(values.notna(), None).to_numpy(dtype=object)
        else:
            table[column.name] = values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return table


def admitted(table: Mapping[str, NDArray[Any]], signature: Signature) -> NDArray[np.bool_]:
    """Return which rows no policy rejects."""
    good = np.ones(size(table), dtype=np.bool_)
    for column in signature.inputs:
        good &= _column_admitted(table[column.name], column)
    return good


def _column_admitted(values: NDArray[Any], column: Column) -> NDArray[np.bool_]:
    if column.dtype is DType.STRING:
        missing = np.array([value is None for value in values], dtype=np.bool_)
        outside = np.array([not column.in_range(value) for value in values], dtype=np.bool_) & ~missing
        wrong = np.array([not (value is None or isinstance(value, str)) for value in values], dtype=np.bool_)
    else:
        missing = np.isnan(values)
        low = -np.inf if column.min is None else column.min
        high = np.inf if column.max is None else column.max
        outside = ((values < low) | (values > high)) & ~missing
        wrong = np.isinf(values)
        if column.dtype is DType.INT:
            wrong |= ~missing & (np.floor(values) != values)
    rejected = missing & (column.on_missing.action is Action.REJECT)
    return ~(wrong | rejected | (outside & (column.on_out_of_range.action is Action.REJECT)))


def edge_rows(base: Mapping[str, NDArray[Any]], signature: Signature) -> Table:
    """Return copies of the first rows of ``base`` with one value each put to an edge that its column admits.

    Both ends of the range and one step inside; beyond it, and absurdly far, where that is not rejected; missing where
    that is not rejected; each category. At the end: all lowest, all highest, all missing at once.
    """
    rows = taken(base, slice(0, 3))
    edges = {column.name: edge_values(column) for column in signature.inputs}
    tables = [dict(rows)]
    for name, values in edges.items():
        for value in values:
            tables.append(rows | {name: _filled(rows[name], value)})
    for position in (0, 1, -1):
        tables.append({name: _filled(rows[name], edges[name][position]) for name in rows})
    return stacked(tables)


def edge_values(column: Column) -> list[Any]:
    """Return a column's values at its edges; the lowest, the highest, ..., a missing one last where it is admitted."""
    missing = [None if column.dtype is DType.STRING else np.nan]
    missing = missing if column.on_missing.action in _PASSED_ON else []
    if column.dtype is DType.BOOL:
        return [0.0, 1.0, *missing]
    passed = column.on_out_of_range.action in _PASSED_ON
    if column.dtype is DType.STRING:
        words = list(column.categories or ("", "a", "\u00e4"))
        return [
            words[0],
            words[-1],
            *words[1:-1],
            *(["another word"] if passed and column.categories else []),
            *missing,
        ]
    low, high = range_of(column)
    step = (lambda v, to: v + np.sign(to - v)) if column.dtype is DType.INT else np.nextafter
    inside = [float(step(low, high)), float(step(high, low)), (low + high) / 2]
    outside = []
    if passed or column.min is None or column.max is None:
        width = high - low
        outside = [float(step(low, -np.inf)), low - width, float(step(high, np.inf)), high + width]
        outside += [-_ABSURD, _ABSURD] if column.dtype is DType.FLOAT else []
    values = [low, high, *inside, *outside]
    values = [float(round(value)) for value in values] if column.dtype is DType.INT else values
    return [v for v in values if passed or column.in_range(v)] + missing


def range_of(column: Column) -> tuple[float, float]:
    """Return a numeric column's declared range; what is not declared is made up around zero."""
    low, high = column.min, column.max
    if low is None:
        low = -1e3 if high is None else high - 1e3
    if high is None:
        high = low + 2e3
    return (float(np.ceil(low)), float(np.floor(high))) if column.dtype is DType.INT else (float(low), float(high))


def drawn_rows(base: Mapping[str, NDArray[Any]], signature: Signature, *, rows: int, seed: int) -> Iterator[Table]:
    """Give rows, half of them with each value from some row of ``base``, half drawn from the declared ranges."""
    rng = np.random.default_rng(seed)
    half = rows // 2
    yield {name: values[rng.integers(0, len(values), rows - half)] for name, values in base.items()}
    yield {column.name: _drawn(column, base[column.name], half, rng) for column in signature.inputs}


def _drawn(column: Column, seen: NDArray[Any], rows: int, rng: np.random.Generator) -> NDArray[Any]:
    if column.dtype in (DType.STRING, DType.BOOL):
        words = edge_values(column)[: max(2, len(column.categories))]
        pool = np.array(words, dtype=object if column.dtype is DType.STRING else np.float64)
        return pool[rng.integers(0, len(pool), rows)]
    low, high = range_of(column)
    if (column.min is None or column.max is None) and np.isfinite(seen).any():
        spread = float(np.nanmax(seen) - np.nanmin(seen)) or 1.0
        low = low if column.min is not None else float(np.nanmin(seen)) - spread
        high = high if column.max is not None else float(np.nanmax(seen)) + spread
    values = rng.uniform(low, high, rows)
    return np.round(values) if column.dtype is DType.INT else values


def _filled(like: NDArray[Any], value: Any) -> NDArray[Any]:
    return np.full(len(like), value, dtype=like.dtype)
