"""Rows made from the signature alone, to warm the model and to compare the ways of calling it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway.core.signature import Action, Column, DType, Signature
from slipway.serving.codec import Table

ROWS = 8
_SEED = 20


def in_range_rows(signature: Signature, rows: int = ROWS) -> Table:
    """Return rows that the signature admits: the ends of each range first, then values drawn from it."""
    rng = np.random.default_rng(_SEED)
    return Table(rows=rows, columns={column.name: _values(column, rows, rng) for column in signature.inputs})


def rows_with_gaps(signature: Signature) -> Table | None:
    """Return rows in which each column that hands missing values to the model lacks one; None without such a column."""
    gaps = [column.name for column in signature.inputs if column.on_missing.action is Action.FLAG]
    if not gaps:
        return None
    full = in_range_rows(signature, max(ROWS, len(gaps)))
    columns = {name: list(values) for name, values in full.columns.items()}
    for row, name in enumerate(gaps):
        columns[name][row] = None
    return Table(rows=full.rows, columns=columns)


def _values(column: Column, rows: int, rng: np.random.Generator) -> Sequence[Any]:
    if column.dtype is DType.BOOL:
        return [bool(row % 2) for row in range(rows)]
    if column.dtype is DType.STRING:
        words = column.categories or ("a", "b")
        return [words[row % len(words)] for row in range(rows)]
    low, high = _ends(column)
    drawn = [low * (1.0 - share) + high * share for share in rng.random(rows).tolist()]
    if column.dtype is DType.INT:
        low, high = math.ceil(low), math.floor(high)
        drawn = [round(value) for value in drawn]
    return [low, high, *(min(max(value, low), high) for value in drawn)][:rows]


def _ends(column: Column) -> tuple[float, float]:
    low, high = column.min, column.max
    if low is None:
        low = -1.0 if high is None else min(high - 1.0, -1.0)
    return low, (max(low + 1.0, 1.0) if high is None else high)
