"""Validation and policies: a table of JSON values becomes the columns that the model sees.

The rules are those of `slipway.core.signature`. Two ways lead to the same result:

- A batch of numbers, all present, of their types and in range, is seen to be so in one comparison.
- Otherwise each column is judged by itself: types first, then the missing, then the range.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Action, Column, DType, ExtraColumns, Signature
from slipway.serving.codec import Table
from slipway.serving.columns import Mask, TypedColumn, read_column
from slipway.serving.faults import MAX_PROBLEMS, Problem, RowsRejected

_NUMBERS = {int, float}
_EXACT = 2.0**53 - 1  # above it, a double no longer tells integers apart
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Flag:
    """One value that a policy decided on and let pass."""

    row: int
    column: str
    policy: Action
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the flag as the answer carries it."""
        return {"row": self.row, "column": self.column, "policy": self.policy.value, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows that the signature admits.

    Attributes
    ----------
    rows : int
    columns : mapping of str to array of shape (rows,)
        In the signature's order: float64, int64, bool, or object for strings. A missing value that the model is to
        see is NaN (an int column is float64 then), or None in a string or bool column (object then).
    flags : tuple of Flag
        In the order of the rows.
    hits : mapping of (column, policy) to int
        How many values each policy decided on.
    """

    rows: int
    columns: Mapping[str, NDArray[Any]]
    flags: tuple[Flag, ...] = ()
    hits: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Policies:
    """A signature, ready to judge batches."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._shortcut = all(column.dtype.is_numeric for column in signature.inputs)
        columns = signature.inputs if self._shortcut else ()
        self._ints = np.array([column.dtype is DType.INT for column in columns], dtype=np.bool_)
        self._low, self._high = (np.array(b, dtype=np.float64).reshape(-1, 1) for b in bounds(columns))

    def apply(self, table: Table) -> Batch:
        """Return the batch that the model sees.

        Raises
        ------
        RowsRejected
            If a value is of the wrong type, not finite, or rejected by its column's policy; or for an extra column.
        """
        self._refuse_extra(table)
        columns = self._all_well(table)
        if columns is not None:
            return Batch(rows=table.rows, columns=columns)
        judged = {column.name: _judge(column, table) for column in self._signature.inputs}
        hits = sum((one.hits for one in judged.values()), Counter())
        problems = [problem for one in judged.values() for problem in one.problems]
        if problems:
            raise RowsRejected("the rows break the model's signature", problems, hits=hits)
        flags = sorted(chain.from_iterable(one.flags for one in judged.values()), key=lambda flag: flag.row)
        arrays = {name: one.values for name, one in judged.items()}
        return Batch(rows=table.rows, columns=arrays, flags=tuple(flags), hits=hits)

    def _refuse_extra(self, table: Table) -> None:
        if table.extra and self._signature.extra_columns is ExtraColumns.REJECT:
            wrong = [Problem(row, name, "is not an input of the model") for name, row in table.extra.items()]
            raise RowsRejected(f"{len(wrong)} columns are not inputs of the model", wrong)

    def _all_well(self, table: Table) -> dict[str, NDArray[Any]] | None:
        names = self._signature.names
        if not self._shortcut or len(table.columns) != len(names):
            return None
        values = [table.columns[name] for name in names]
        if not set().union(*(map(type, column) for column in values)) <= _NUMBERS:
            return None
        try:
            block = np.array(values, dtype=np.float64)
        except OverflowError:  # an int beyond any double
            return None
        whole = block[self._ints]
        if not ((block >= self._low) & (block <= self._high)).all() or (np.floor(whole) != whole).any():
            return None
        named = zip(names, block, self._ints, strict=True)
        return {name: values.astype(np.int64) if is_int else values for name, values, is_int in named}


def bounds(columns: tuple[Column, ...]) -> tuple[list[float], list[float]]:
    """Return, for number columns, the ends of what needs no second look: in range, and exact as a double."""
    limits = [_EXACT if column.dtype is DType.INT else _LARGEST for column in columns]
    lows = [-limit if c.min is None else max(-limit, c.min) for c, limit in zip(columns, limits, strict=True)]
    highs = [limit if c.max is None else min(limit, c.max) for c, limit in zip(columns, limits, strict=True)]
    return lows, highs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    problems: tuple[Problem, ...] = ()
    flags: tuple[Flag, ...] = ()
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)


def _judge(column: Column, table: Table) -> _Judged:
    sent = table.columns.get(column.name) or [None] * table.rows
    typed = read_column(column, sent)
    if isinstance(typed, list):
        return _Judged(problems=tuple(typed))
    outside = typed.outside(column)
    cases = (
        (column.on_missing, typed.missing, "missing", "is missing"),
        (column.on_out_of_range, outside, "out_of_range", _range_text(column)),
    )
    problems: list[Problem] = []
    flags: list[Flag] = []
    hits = Counter[tuple[str, str]]()
    for policy, mask, reason, text in cases:
        rows = np.flatnonzero(mask).tolist()
        if not rows:
            continue
        hits[column.name, policy.action.value] += len(rows)
        if policy.action is Action.REJECT:
            problems.extend(Problem(row, column.name, text, sent[row]) for row in rows[:MAX_PROBLEMS])
        else:
            flags.extend(Flag(row, column.name, policy.action, reason) for row in rows)
    return _Judged(values=_decided(column, typed, outside), problems=tuple(problems), flags=tuple(flags), hits=hits)


def _decided(column: Column, typed: TypedColumn, outside: Mask) -> NDArray[Any]:
    """Return the values after both policies; what is rejected is left as it is."""
    values = typed.values
    if outside.any() and column.on_out_of_range.action is Action.CLIP:
        values = np.clip(values, *_clip_range(column))
    if column.on_out_of_range.action is Action.IMPUTE:
        values[outside] = column.on_out_of_range.value
    if column.on_missing.action is Action.IMPUTE:
        values[typed.missing] = column.on_missing.value
        return values
    return TypedColumn(values, typed.missing).with_gaps()


def _clip_range(column: Column) -> tuple[float | None, float | None]:
    if column.dtype is not DType.INT:
        return column.min, column.max
    # The ends of an int column's range need not be whole; the value put in place must be.
    return (
        None if column.min is None else max(math.ceil(column.min), -(2**63)),
        None if column.max is None else min(math.floor(column.max), 2**63 - 1),
    )


def _range_text(column: Column) -> str:
    if column.categories:
        return "is not a declared category"
    low = "-inf" if column.min is None else f"{column.min:g}"
    high = "inf" if column.max is None else f"{column.max:g}"
    return f"is outside of [{low}, {high}]"
