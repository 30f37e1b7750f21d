"""One column of JSON values, read as its declared type: rule 1 of `slipway.core.signature`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Column, DType
from slipway.serving.faults import MAX_PROBLEMS, Problem

Mask = NDArray[np.bool_]

_NONE = type(None)
_TYPES: dict[DType, frozenset[type]] = {
    DType.FLOAT: frozenset({int, float}),
    DType.INT: frozenset({int, float}),
    DType.STRING: frozenset({str}),
    DType.BOOL: frozenset({bool}),
}
_BLANK: dict[DType, Any] = {DType.FLOAT: 0.0, DType.INT: 0, DType.STRING: "", DType.BOOL: False}
_ARRAYS: dict[DType, Any] = {DType.FLOAT: np.float64, DType.INT: np.int64, DType.STRING: object, DType.BOOL: np.bool_}
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column's values, all of the declared type, and which of them are missing.

    Attributes
    ----------
    values : array of shape (n,)
        float64, int64, bool, or object for strings; a blank stands where a value is missing.
    missing : bool array of shape (n,)
    """

    values: NDArray[Any]
    missing: Mask

    def outside(self, column: Column) -> Mask:
        """Return which values lie outside of the declared range or categories; a missing one does not."""
        wrong = np.zeros(len(self.values), dtype=np.bool_)
        if column.categories:
            known = set(column.categories)
            wrong = np.fromiter((value not in known for value in self.values), np.bool_, len(self.values))
        if column.min is not None:
            wrong |= self.values < column.min
        if column.max is not None:
            wrong |= self.values > column.max
        return wrong & ~self.missing

    def with_gaps(self) -> NDArray[Any]:
        """Return the values as a model sees them that takes missing ones: NaN for numbers, None for the others."""
        if not self.missing.any():
            return self.values
        numeric = self.values.dtype.kind in "if"
        shown = self.values.astype(np.float64 if numeric else object)
        shown[self.missing] = np.nan if numeric else None
        return shown


def read_column(column: Column, values: Sequence[Any]) -> TypedColumn | list[Problem]:
    """Return the column as its type, or, where a value is not of that type, what is wrong with it."""
    types = set(map(type, values))
    missing = np.zeros(len(values), dtype=np.bool_)
    if _NONE in types:
        missing = np.fromiter((value is None for value in values), np.bool_, len(values))
        values = [_BLANK[column.dtype] if value is None else value for value in values]
    if not types <= _TYPES[column.dtype] | {_NONE}:
        return _problems(column, values)
    try:
        array = _array(column.dtype, values, float in types)
    except OverflowError:
        array = None
    return _problems(column, values) if array is None else TypedColumn(array, missing)


def _array(dtype: DType, values: Sequence[Any], with_floats: bool) -> NDArray[Any] | None:
    if dtype is DType.INT and with_floats:
        if not all(_is_int64(value) for value in values):
            return None
        values = [int(value) for value in values]
    array = np.array(values, dtype=_ARRAYS[dtype])
    return None if dtype is DType.FLOAT and not np.isfinite(array).all() else array


def _is_int64(value: float) -> bool:
    return DType.INT.admits(value) and int(value) in _INT64


def _problems(column: Column, values: Sequence[Any]) -> list[Problem]:
    found: list[Problem] = []
    for row, value in enumerate(values):
        admitted = _is_int64(value) if column.dtype is DType.INT else column.dtype.admits(value)
        if not admitted:
            found.append(Problem(row, column.name, _reason(column.dtype, value), value))
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _reason(dtype: DType, value: object) -> str:
    if dtype.is_numeric and isinstance(value, float) and not np.isfinite(value):
        return "is not finite"
    if dtype.is_numeric and type(value) in _TYPES[dtype] and (dtype is DType.FLOAT or DType.INT.admits(value)):
        return "is too large"
    return f"is not of type {dtype.value}"
