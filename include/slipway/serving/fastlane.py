"""The short way for clean batches of numbers: a parsed body becomes one matrix, checked as a whole.

It takes only what is in no doubt: every column there and none besides, every value a number, in range, and whole where
the column is an int's. Whatever else it is given it declines, and the general way (`codec.py`, `tensors.py`,
`policies.py`) decides. So the two cannot disagree: what this one takes, that one would take as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import DType, Signature
from slipway.serving import tensors
from slipway.serving.config import Limits
from slipway.serving.policies import bounds
from slipway.serving.tensors import MATRIX, NUMBERS, Opened

Matrix = NDArray[np.float64]

_NUMBERS = frozenset({int, float})
_SPLIT_KEYS = {"columns", "data"}
_DECLINED = (TypeError, LookupError, ValueError, OverflowError, AttributeError, struct.error)


@dataclass(frozen=True, slots=True)
class Tensors:
    """A v2 body that was read: its rows, and how its caller wants the answer."""

    matrix: Matrix
    request_id: str | None
    binary: bool


class Scratch:
    """Room for the checks of one row, for one thread: what is not allocated anew is quicker."""

    __slots__ = ("above", "below", "marks")

    def __init__(self, width: int) -> None:
        self.marks = bytearray(2 * width)
        both = np.frombuffer(self.marks, np.bool_).reshape(2, 1, width)
        self.above, self.below = both[0], both[1]


class FastLane:
    """One signature's short way; only for one whose columns are all numbers."""

    def __init__(self, signature: Signature, limits: Limits) -> None:
        self._signature = signature
        self._names = list(signature.names)
        self._known = frozenset(self._names)
        self._width = len(self._names)
        self._max_rows = limits.max_rows
        self._values = _getter(self._names)
        self._pack = struct.Struct(f"{self._width}d").pack_into
        self._low, self._high = (np.array(ends, dtype=np.float64).reshape(1, -1) for ends in bounds(signature.inputs))
        ints = np.array([column.dtype is DType.INT for column in signature.inputs], dtype=np.bool_)
        self._floats = ~ints.reshape(1, -1)
        self._any_int = bool(ints.any())
        # An int is never -0.0: x + 0.0 makes it 0.0, and x + -0.0 leaves a float as it is.
        self._zeros = np.where(ints, 0.0, -0.0).reshape(1, -1)
        self._forms: dict[str, Callable[[Any], Matrix | None]] = {
            "dataframe_records": self._records,
            "dataframe_split": self._split,
            "instances": self._instances,
            "inputs": self._inputs,
        }

    @staticmethod
    def takes(signature: Signature) -> bool:
        """Tell whether a signature has a short way at all."""
        return all(column.dtype.is_numeric for column in signature.inputs)

    def invocations(self, document: Any) -> Matrix | None:
        """Return the rows of a parsed MLflow body, not checked yet; None to decline."""
        try:
            ((form, value),) = document.items()
            return self._forms[form](value)
        except _DECLINED:
            return None

    def table(self, rows: Any) -> Matrix | None:
        """Return rows that are arrays of values in the signature's order, not checked yet; None to decline."""
        try:
            return self._rows(rows)
        except _DECLINED:
            return None

    def infer(self, opened: Opened) -> Tensors | None:
        """Return the rows of a v2 body, not checked yet; None to decline."""
        document, data = opened
        try:
            given = document["inputs"]
            matrix = self._one_tensor(given[0], data) if len(given) == 1 else None
            if matrix is None:
                matrix = self._binary(given, data) if len(data) else self._tensors(given)
            if matrix is None or not 0 < len(matrix) <= self._max_rows:
                return None
            binary = tensors.wants_binary(document, self._signature) if len(document) > 1 else False
            return Tensors(matrix, tensors.request_id(document), binary)
        except _DECLINED:
            return None

    def admits(self, matrix: Matrix, scratch: Scratch | None = None) -> Matrix | None:
        """Return the matrix if each of its values is in range, and whole in an int column; None to decline.

        A NaN is in no range.
        """
        if scratch is not None and len(matrix) == 1:
            np.greater_equal(matrix, self._low, scratch.above)
            np.less_equal(matrix, self._high, scratch.below)
            if 0 in scratch.marks:
                return None
        elif _any_false(np.greater_equal(matrix, self._low)) or _any_false(np.less_equal(matrix, self._high)):
            return None
        if not self._any_int:
            return matrix
        whole = np.logical_or(np.floor(matrix) == matrix, self._floats)
        return None if _any_false(whole) else matrix + self._zeros

    def _records(self, records: list[dict[str, Any]]) -> Matrix | None:
        width = self._width
        if len(records) == 1:
            record = records[0]
            return self._row(self._values(record)) if len(record) == width else None
        if type(records) is not list or set(map(len, records)) != {width} or len(records) > self._max_rows:
            return None
        return self._flat(list(chain.from_iterable(map(self._values, records))))

    def _split(self, split: dict[str, Any]) -> Matrix | None:
        if split.keys() != _SPLIT_KEYS or split["columns"] != self._names:
            return None
        return self._rows(split["data"])

    def _instances(self, instances: list[Any]) -> Matrix | None:
        return self._records(instances) if type(instances[0]) is dict else self._rows(instances)

    def _rows(self, rows: list[list[Any]]) -> Matrix | None:
        if len(rows) == 1:
            return self._row(rows[0]) if type(rows[0]) is list and type(rows) is list else None
        if type(rows) is not list or len(rows) > self._max_rows or set(map(type, rows)) != {list}:
            return None
        return self._flat(list(chain.from_iterable(rows))) if set(map(len, rows)) == {self._width} else None

    def _inputs(self, columns: dict[str, list[Any]]) -> Matrix | None:
        if columns.keys() != self._known:
            return None
        return self._by_column([columns[name] for name in self._names])

    def _tensors(self, given: Sequence[Mapping[str, Any]]) -> Matrix | None:
        by_name = {tensor["name"]: tensor for tensor in given}
        if len(given) != self._width or by_name.keys() != self._known:
            return None
        columns = []
        for name in self._names:
            tensor = by_name[name]
            data, shape = tensor["data"], tensor["shape"]
            whole = type(shape) is list and set(map(type, shape)) == {int}
            if not whole or tensor["datatype"] not in NUMBERS or "parameters" in tensor:
                return None
            if shape != [len(data)] and shape != [len(data), 1]:
                return None
            columns.append(data)
        return self._by_column(columns)

    def _one_tensor(self, tensor: Mapping[str, Any], data: memoryview) -> Matrix | None:
        shape = tensor["shape"]
        if tensor["name"] != MATRIX or MATRIX in self._known or type(shape) is not list:
            return None
        if len(shape) != 2 or set(map(type, shape)) != {int} or shape[1] != self._width:
            return None
        if not len(data):
            values = tensor["data"]
            if "parameters" in tensor or tensor["datatype"] not in NUMBERS or type(values) is not list:
                return None
            matrix = self._rows(values) if type(values[0]) is list else self._flat(values)
            return matrix if matrix is not None and len(matrix) == shape[0] else None
        if _size(tensor) != len(data):
            return None
        values = np.frombuffer(data, NUMBERS[tensor["datatype"]])
        return _doubles(values).reshape(shape) if len(values) == shape[0] * shape[1] else None

    def _binary(self, given: Sequence[Mapping[str, Any]], data: memoryview) -> Matrix | None:
        if len(given) != self._width or {tensor["name"] for tensor in given} != self._known:
            return None
        columns = {}
        for tensor in given:
            size, shape = _size(tensor), tensor["shape"]
            values = np.frombuffer(data[:size], NUMBERS[tensor["datatype"]])
            if type(shape) is not list or set(map(type, shape)) != {int}:
                return None
            if (shape != [len(values)] and shape != [len(values), 1]) or size > len(data):
                return None
            columns[tensor["name"]], data = values, data[size:]
        if len(data) or len({len(values) for values in columns.values()}) != 1:
            return None
        return np.stack([columns[name].astype(np.float64, copy=False) for name in self._names], axis=1)

    def _by_column(self, columns: list[list[Any]]) -> Matrix | None:
        rows = len(columns[0])
        if set(map(type, columns)) != {list} or set(map(len, columns)) != {rows} or not 0 < rows <= self._max_rows:
            return None
        if rows == 1:
            return self._row([values[0] for values in columns])
        flat = list(chain.from_iterable(columns))
        if not _NUMBERS.issuperset(map(type, flat)):
            return None
        return np.ascontiguousarray(np.array(flat, dtype=np.float64).reshape(self._width, -1).T)

    def _row(self, values: Sequence[Any]) -> Matrix | None:
        # Packing takes True for a number, and no text: an array made from a list would take both.
        if not _NUMBERS.issuperset(map(type, values)):
            return None
        matrix = np.empty((1, self._width))
        self._pack(matrix.data, 0, *values)
        return matrix

    def _flat(self, values: list[Any]) -> Matrix | None:
        if not _NUMBERS.issuperset(map(type, values)):
            return None
        return np.array(values, dtype=np.float64).reshape(-1, self._width)


def _any_false(mask: NDArray[np.bool_]) -> bool:
    return b"\0" in mask.tobytes()  # a third of the time of `all`


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        only = names[0]
        return lambda record: (record[only],)
    return itemgetter(*names)


def _size(tensor: Mapping[str, Any]) -> int:
    size = tensor["parameters"]["binary_data_size"]
    if type(size) is not int or size < 0 or "data" in tensor:
        raise ValueError("no size of binary data")
    return size


def _doubles(values: NDArray[Any]) -> Matrix:
    """Return the values as aligned doubles, as a view of the body where they are that already."""
    return np.require(values, np.float64, ("C", "A"))
