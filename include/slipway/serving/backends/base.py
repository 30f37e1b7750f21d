"""What a backend is: a name, and the calls that it offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Signature

Columns = Mapping[str, NDArray[Any]]
Matrix = NDArray[np.float64]


class Name(StrEnum):
    """The backends, the simplest last: where two are equally fast, the later one is served."""

    TREES = "trees"
    ONNX = "onnx"
    ARRAY = "array"
    FRAME = "frame"
    UNWRAPPED = "unwrapped"
    PYFUNC = "pyfunc"


@dataclass(frozen=True, slots=True)
class Backend:
    """One way of calling a loaded model.

    Attributes
    ----------
    name : str
    call : callable
        Takes the columns that `Policies.apply` returned.
    call_matrix : callable or None
        Takes the same as one C-contiguous float64 array (rows, inputs), in the signature's order; None for a model
        that wants columns of other types.
    """

    name: str
    call: Callable[[Columns], object]
    call_matrix: Callable[[Matrix], object] | None = None


def numeric_names(signature: Signature) -> tuple[str, ...]:
    """Return the columns that a matrix holds: all but strings, in the signature's order; a bool is 0 or 1."""
    return tuple(column.name for column in signature.inputs if column.dtype != "string")


def matrix_of(columns: Columns, names: Sequence[str]) -> Matrix:
    """Return columns of numbers as one C-contiguous float64 array; None in a column of objects becomes NaN."""
    first = columns[names[0]]
    matrix = np.empty((len(first), len(names)), dtype=np.float64)
    for position, name in enumerate(names):
        matrix[:, position] = columns[name]
    return matrix
