"""Which rows of a record batch can be sent to the service, and why the others cannot. Vectorised.

Rules
-----
1. The declared policies decide (:mod:`slipway.core.signature`): what they reject is set aside here; what they clip,
   impute or flag is sent as it is, since the service does that.
2. A null is missing; so is NaN, which data frames write for it. An infinite number is rejected, whatever is declared.
3. A database that lets a column hold values of any type hands those that are astray in a column of their own; they are
   rejected, whatever is declared.
4. A column of another type altogether, or one that is not there although missing values are rejected, is no matter of
   rows: the source has changed, and the partition stops.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slipway.core.signature import Action, Column, DType, Signature
from slipway.scoring.faults import SourceError

Check = Callable[[pa.RecordBatch], Mapping[int, str]]
"""A further contract: a batch to the positions of its bad rows, each with its reason."""

UNTYPED = "source_untyped"
"""Texts: the row's values that are not of their column's type, as JSON by column; null where all are."""

Mask = NDArray[np.bool_]

_INT64 = 2.0**63


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch, judged.

    Attributes
    ----------
    inputs : mapping of str to Arrow array
        Each input of the signature for every row, in its own type: double, int64, string or bool; null: missing.
    reasons : mapping of int to str
        Positions of rows to be set aside, in order.
    """

    inputs: Mapping[str, pa.Array]
    reasons: Mapping[int, str]


def judge(batch: pa.RecordBatch, signature: Signature, check: Check | None = None) -> Judged:
    """Judge a batch's rows by the signature, then by ``check``; each reason of a row is kept.

    Raises
    ------
    SourceError
        By rule 4, or if ``check`` names a row that is not there.
    """
    inputs, reasons = {}, dict[int, list[str]]()
    for column in signature.inputs:
        inputs[column.name], wrong = _judged(column, _given(batch, column))
        for row, text in wrong:
            reasons.setdefault(row, []).append(f"{column.name}: {text}")
    for row, text in _untyped(batch, signature):
        reasons.setdefault(row, []).insert(0, text)
    for row, text in (check(batch) if check else {}).items():
        if not 0 <= row < batch.num_rows:
            raise SourceError(f"the check names row {row} of {batch.num_rows}", remedy="correct the check")
        reasons.setdefault(row, []).append(text)
    return Judged(inputs, {row: "; ".join(reasons[row]) for row in sorted(reasons)})


def _untyped(batch: pa.RecordBatch, signature: Signature) -> list[tuple[int, str]]:
    if UNTYPED not in batch.schema.names or batch.column(UNTYPED).null_count == batch.num_rows:
        return []
    column = batch.column(UNTYPED)
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)).tolist()
    astray = ((row, name, value) for row in rows for name, value in json.loads(column[row].as_py()).items())
    kinds = {one.name: one.dtype for one in signature.inputs}
    return [
        (row, f"{name}: {value!r:.80} is not of type {kinds[name]}") for row, name, value in astray if name in kinds
    ]


def _given(batch: pa.RecordBatch, column: Column) -> pa.Array:
    """Return a column in its declared type, null where it is not there."""
    if column.name not in batch.schema.names:
        if column.on_missing.action is Action.REJECT:
            raise _changed(column, "is not there")
        return pa.nulls(batch.num_rows, _ARROW[column.dtype])
    array = batch.column(column.name)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return array.cast(_ARROW[column.dtype])
    if not _TAKEN[column.dtype](array.type):
        raise _changed(column, f"is {array.type}, not {column.dtype}")
    if column.dtype is DType.INT and not pa.types.is_integer(array.type):
        return array.cast(pa.float64())  # whole or not is for each row to tell
    if pa.types.is_uint64(array.type) and column.dtype is DType.INT:
        return array.cast(pa.float64(), safe=False)
    return array.cast(_ARROW[column.dtype], safe=False)


def _judged(column: Column, array: pa.Array) -> tuple[pa.Array, list[tuple[int, str]]]:
    if not column.dtype.is_numeric:
        return array, _categories(column, array)
    if _clean(column, array):
        return array.cast(_ARROW[column.dtype]), []
    values = array.to_numpy(zero_copy_only=False).astype(np.float64)  # null becomes NaN
    missing = np.isnan(values)
    wild = np.isinf(values)
    if column.dtype is DType.INT:
        odd = ~missing & ~wild & ((np.floor(values) != values) | (np.abs(values) >= _INT64))
    else:
        odd = np.zeros(len(values), dtype=np.bool_)
    typed = ~(missing | wild | odd)
    outside = typed & ~_inside(column, values)
    wrong = _rows(wild, values, "is not finite") + _rows(odd, values, f"is not of type {column.dtype}")
    if column.on_missing.action is Action.REJECT:
        wrong += [(row, "is missing") for row in np.flatnonzero(missing).tolist()]
    if column.on_out_of_range.action is Action.REJECT:
        wrong += _rows(outside, values, f"is outside of {_range_text(column)}")
    if pa.types.is_integer(array.type):
        return array, wrong  # as it is: a double could not hold each of its values
    kept = pa.array(np.where(typed, values, 0.0), mask=~typed)
    return kept.cast(_ARROW[column.dtype]), wrong


def _clean(column: Column, array: pa.Array) -> bool:
    """Tell whether every value is there, of its type and in range; most batches are, and this costs two passes."""
    if array.null_count or not len(array):
        return False
    values = array.to_numpy()
    low, high = values.min(), values.max()  # NaN if any value is, and then nothing below holds
    if not (math.isfinite(low) and math.isfinite(high)):
        return False
    if (column.min is not None and low < column.min) or (column.max is not None and high > column.max):
        return False
    whole = column.dtype is not DType.INT or values.dtype.kind == "i"
    return whole or (max(-low, high) < _INT64 and bool((np.floor(values) == values).all()))


def _inside(column: Column, values: NDArray[np.float64]) -> Mask:
    inside = np.ones(len(values), dtype=np.bool_)
    if column.min is not None:
        inside &= values >= column.min
    if column.max is not None:
        inside &= values <= column.max
    return inside


def _categories(column: Column, array: pa.Array) -> list[tuple[int, str]]:
    wrong: list[tuple[int, str]] = []
    if column.on_missing.action is Action.REJECT and array.null_count:
        rows = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist()
        wrong += [(row, "is missing") for row in rows]
    if column.categories and column.on_out_of_range.action is Action.REJECT:
        known = pc.or_(pc.is_in(array, pa.array(column.categories)), array.is_null())
        rows = np.flatnonzero(~known.to_numpy(zero_copy_only=False)).tolist()
        wrong += [(row, f"{array[row].as_py()!r:.80} is not a declared category") for row in rows]
    return wrong


def _rows(mask: Mask, values: NDArray[np.float64], text: str) -> list[tuple[int, str]]:
    return [(row, f"{values[row]:.9g} {text}") for row in np.flatnonzero(mask).tolist()]


def _range_text(column: Column) -> str:
    low = "-inf" if column.min is None else f"{column.min:g}"
    high = "inf" if column.max is None else f"{column.max:g}"
    return f"[{low}, {high}]"


def _changed(column: Column, what: str) -> SourceError:
    return SourceError(
        f"the source has changed: column {column.name!r} {what}",
        remedy="have the source's producer correct it, or release a version that declares it so",
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


_ARROW: Mapping[DType, pa.DataType] = {
    DType.FLOAT: pa.float64(),
    DType.INT: pa.int64(),
    DType.STRING: pa.string(),
    DType.BOOL: pa.bool_(),
}
_TAKEN: Mapping[DType, Callable[[pa.DataType], bool]] = {
    DType.FLOAT: _is_number,
    DType.INT: _is_number,
    DType.STRING: _is_text,
    DType.BOOL: pa.types.is_boolean,
}


def split(batch: pa.RecordBatch, aside: Sequence[int]) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Return the rows to be set aside, and the positions of all others."""
    mask = np.ones(batch.num_rows, dtype=np.bool_)
    mask[list(aside)] = False
    return batch.take(pa.array(list(aside), pa.int64())), np.flatnonzero(mask)
