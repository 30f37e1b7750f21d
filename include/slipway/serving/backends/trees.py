"""Trees run by a kernel of a few hundred bytes of machine code, called through ctypes. Imports nothing but numpy.

Whatever the model's steps do to a value was folded into the thresholds when it was compiled; a word is looked up. The
kernel adds the leaves that a row reaches; what becomes of the sums is computed here. Calls may overlap: each has
arrays of its own, and the model is only read.
"""

from __future__ import annotations

import ctypes
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Signature
from slipway.errors import ArtifactError
from slipway.serving.backends.base import Backend, Columns, Matrix, Name, matrix_of, numeric_names
from slipway.serving.backends.levels import by_level

KERNEL = "trees.so"
_NODE = np.dtype(
    [("threshold", "<f8"), ("feature", "<i4"), ("left", "<i4"), ("right", "<i4"), ("missing_left", "<i4")], align=True
)
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error)
_KEEPS_LOCK = 64  # rows; below it, handing the interpreter's lock over takes longer than the trees
# An array object starts with Python's head and the address of its data: part of numpy's binary interface, which every
# compiled extension reads. Asking the array for the address takes longer than walking the trees.
_DATA = object.__basicsize__
_Sums = NDArray[np.float64]


class _Model(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("nodes", "leaves", "roots", "targets", "base")),
        *((name, ctypes.c_void_p) for name in ("lowest", "highest", "refuses_missing")),
        *((name, ctypes.c_void_p) for name in ("level_nodes", "level_leaves", "depths")),
        *((name, ctypes.c_int64) for name in ("trees", "columns", "sums", "single", "deepest")),
    )


def load_trees(path: Path, signature: Signature) -> Backend:
    """Return the backend that runs the trees in ``path`` with the kernel beside it.

    Raises
    ------
    ArtifactError
        If a file cannot be read or is damaged, or its columns are not those of the signature.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: np.ascontiguousarray(file[name]) for name in file.files}
        about = json.loads(found.pop("about").tobytes())
        kernel = _Kernel(path.with_name(KERNEL), found, _width(about), single=bool(about["single"]))
        answer = _Answer.of(about)
        words = [_Words(**entry) for entry in about["words"]]
    except _DAMAGED as error:
        raise ArtifactError(
            f"{path} cannot be loaded: {type(error).__name__}: {error}", remedy="build the image again"
        ) from error
    numbers = numeric_names(signature)
    texts = {column.name for column in signature.inputs} - set(numbers)
    if tuple(about["numbers"]) != numbers or {one.name for one in words} != texts:
        raise ArtifactError(f"{path.name} takes {about['numbers']}: not this signature", remedy="build the image again")
    call = _caller(kernel, answer)
    if words:
        return Backend(Name.TREES, lambda columns: call(_looked_up(columns, numbers, words)))
    return Backend(Name.TREES, lambda columns: call(matrix_of(columns, numbers)), call)


def _width(about: Mapping[str, Any]) -> int:
    return len(about["numbers"]) + sum(int(entry["width"]) for entry in about["words"])


class _Kernel:
    """The loaded kernel and one model's arrays, which it holds on to."""

    def __init__(self, library: Path, arrays: dict[str, NDArray[Any]], columns: int, *, single: bool) -> None:
        self._arrays = {name: values.astype(_TYPES[name], copy=False) for name, values in arrays.items()}
        self.columns, self.sums = columns, len(self._arrays["base"])
        _check(self._arrays, columns)
        nodes, leaves, roots = (self._arrays[name] for name in ("nodes", "leaves", "roots"))
        levels = by_level(nodes.view(_NODE), leaves, roots) or {}
        self._arrays |= levels
        pointers = {name: values.ctypes.data if len(values) else None for name, values in self._arrays.items()}
        deepest = int(max(levels["depths"], default=0)) if levels else 0
        self._model = _Model(
            **pointers, trees=len(roots), columns=columns, sums=self.sums, single=single, deepest=deepest
        )
        self.model = ctypes.c_void_p(ctypes.addressof(self._model))
        keeping, releasing = ctypes.PyDLL(str(library)), ctypes.CDLL(str(library))
        if ctypes.c_int64.in_dll(keeping, "size_of_model").value != ctypes.sizeof(_Model):
            raise ValueError(f"{library.name} is of another version")
        self.one = keeping.score_one
        self.one.argtypes, self.one.restype = (ctypes.c_void_p, ctypes.c_void_p), ctypes.c_double
        self._few, self._many = keeping.score, releasing.score
        for function in (self._few, self._many):
            function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
            function.restype = None

    def all(self, matrix: Matrix) -> _Sums:
        """Return the sums of each row, of shape (rows, sums)."""
        rows = len(matrix)
        sums = np.empty((rows, self.sums))
        run = self._few if rows < _KEEPS_LOCK else self._many
        run(self.model, id(matrix) + _DATA, rows, id(sums) + _DATA)
        return sums


_TYPES = {
    "nodes": np.uint8,
    "leaves": np.float64,
    "roots": np.int32,
    "targets": np.int32,
    "base": np.float64,
    "lowest": np.float64,
    "highest": np.float64,
    "refuses_missing": np.int32,
}


def _check(arrays: Mapping[str, NDArray[Any]], columns: int) -> None:
    """Raise a ValueError for positions beyond their arrays, and for walks without end: the kernel does not look."""
    if len(arrays["targets"]) != len(arrays["roots"]):
        raise ValueError("not one entry for each tree")
    if {len(arrays[name]) for name in ("lowest", "highest", "refuses_missing")} not in ({0}, {columns}):
        raise ValueError("not one limit for each column")
    nodes, leaves = arrays["nodes"].view(_NODE), len(arrays["leaves"])
    children = np.stack([nodes["left"], nodes["right"]])
    inner = children >= 0
    _within(nodes["feature"], columns)
    _within(arrays["roots"], len(nodes))
    _within(arrays["targets"], len(arrays["base"]))
    _within(children[inner], len(nodes))
    _within(~children[~inner], leaves)
    place, passed = arrays["roots"], 0
    while len(place):
        passed += len(place)
        if passed > len(nodes):
            raise ValueError("two ways lead to one node")
        place = children[:, place].reshape(-1)
        place = place[place >= 0]


def _within(values: NDArray[Any], limit: int) -> None:
    if len(values) and not (values.min() >= 0 and values.max() < limit):
        raise ValueError("a position lies beyond its array")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The features of a column of words: of each word, of a missing one, of any other; None is refused."""

    name: str
    width: int
    values: Mapping[str, list[float]]
    missing: list[float] | None
    other: list[float] | None

    def features(self, word: Any) -> list[float]:
        found = self.missing if word is None else self.values.get(word, self.other)
        if found is None:
            raise ValueError(f"column {self.name}: the model refuses {word!r}")
        return found


def _looked_up(columns: Columns, numbers: tuple[str, ...], words: list[_Words]) -> Matrix:
    rows = len(next(iter(columns.values())))
    matrix = np.empty((rows, len(numbers) + sum(one.width for one in words)))
    for place, name in enumerate(numbers):
        matrix[:, place] = columns[name]
    start = len(numbers)
    for one in words:
        if one.width:
            matrix[:, start : start + one.width] = [one.features(word) for word in columns[one.name]]
        start += one.width
    return matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What becomes of the sums; see `slipway.backends.ensemble.Ensemble` for the words."""

    link: str
    factor: float
    column: int
    complement: bool
    labels: NDArray[Any] | None
    zero_wins: bool
    single: bool

    @staticmethod
    def of(about: Mapping[str, Any]) -> _Answer:
        labels = about["labels"]
        words = labels is not None and isinstance(labels[0], str)
        return _Answer(
            link=about["link"],
            factor=about["factor"],
            column=about["column"],
            complement=about["complement"],
            labels=None if labels is None else np.array(labels, dtype=object if words else None),
            zero_wins=about["zero_wins"],
            single=about["single"],
        )

    def batch(self, sums: _Sums) -> NDArray[Any]:
        """Return one answer a row."""
        if self.labels is not None:
            return self._labelled(sums, self.labels)
        values = self._values(sums)[:, self.column]
        values = 1.0 - values if self.complement else values
        return values.astype(np.float32).astype(np.float64) if self.single else np.ascontiguousarray(values)

    def _labelled(self, sums: _Sums, labels: NDArray[Any]) -> NDArray[Any]:
        if np.isnan(sums).any():
            raise ValueError("the model refuses a value")
        if sums.shape[1] > 1:
            place = self._values(sums).argmax(axis=1)
        else:
            place = ((sums[:, 0] >= 0) if self.zero_wins else (sums[:, 0] > 0)).astype(np.int64)
        taken: NDArray[Any] = labels[place]
        return taken

    def _values(self, sums: _Sums) -> _Sums:
        values: _Sums = sums
        with np.errstate(over="ignore"):
            match self.link:
                case "mean":
                    values = sums / self.factor
                case "exp":
                    values = np.exp(sums)
                case "softmax":
                    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
                    values = powers / powers.sum(axis=1, keepdims=True)
                case "logistic":
                    values = 1.0 / (1.0 + np.exp(-self.factor * sums))
        return values

    def scalar(self) -> Callable[[float], float]:
        """Return what makes an answer of one sum; as `batch`, without an array."""
        factor = self.factor
        value: Callable[[float], float] = {
            "mean": lambda total: total / factor,
            "exp": _exponential,
            "logistic": _logistic(factor),
        }.get(self.link, lambda total: total)
        if self.complement:
            plain = value
            value = lambda total: 1.0 - plain(total)  # noqa: E731
        if self.single:
            double = value
            value = lambda total: float(np.float32(double(total)))  # noqa: E731
        return value


def _logistic(factor: float) -> Callable[[float], float]:
    exp = math.exp

    def value(total: float) -> float:
        try:
            return 1.0 / (1.0 + exp(-factor * total))
        except OverflowError:
            return 0.0

    return value


def _exponential(total: float) -> float:
    try:
        return math.exp(total)
    except OverflowError:
        return math.inf


def _caller(kernel: _Kernel, answer: _Answer) -> Callable[[Matrix], NDArray[Any]]:
    """Return the call with a matrix; a single row of a single sum goes the short way."""
    columns, everything, batch = kernel.columns, kernel.all, answer.batch

    def many(matrix: Matrix) -> NDArray[Any]:
        if matrix.ndim != 2 or matrix.shape[1] != columns:
            raise ValueError(f"{matrix.shape} is no matrix of {columns} columns")
        return batch(everything(np.ascontiguousarray(matrix, np.float64)))

    if kernel.sums > 1 or answer.labels is not None:
        return many
    one, model, value, empty = kernel.one, kernel.model, answer.scalar(), np.empty
    row, apart, double = (1, columns), (8 * columns, 8), np.dtype(np.float64)

    def call(matrix: Matrix) -> NDArray[Any]:
        # Of one row, strides other than these could still be read; of another type or width, nothing could.
        if matrix.shape != row or matrix.strides != apart or matrix.dtype is not double:
            return many(matrix)
        made = empty(1)
        made[0] = value(one(model, id(matrix) + _DATA))
        return made

    return call
