"""Rows to the bytes of a v2 request, and the bytes of its answer to one value a row. Pure.

Numbers that are all there go as one binary tensor, which the service reads where it lies; whatever else there is goes
as one JSON tensor a column, null for missing. Answers are always asked for as binary data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slipway.core.signature import DType, Signature
from slipway.scoring.faults import ScoringStopped

MATRIX = "inputs"
LENGTH = "Inference-Header-Content-Length"

_DATATYPES = {DType.FLOAT: "FP64", DType.INT: "INT64", DType.STRING: "BYTES", DType.BOOL: "BOOL"}
_ANSWERS = {"FP64": np.dtype("<f8"), "INT64": np.dtype("<i8"), "BOOL": np.dtype("?")}
_EXACT = 2**53  # above it, a double no longer tells integers apart
_LENGTH_BYTES = 4
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Body:
    """A request: its JSON part, and the binary data behind it, if any."""

    head: bytes
    data: memoryview | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        if self.data is None:
            return {"Content-Type": "application/json", "Content-Length": str(len(self.head))}
        return {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(self.head) + self.data.nbytes),
            LENGTH: str(len(self.head)),
        }


def encode(inputs: Mapping[str, pa.Array], signature: Signature) -> Body:
    """Return the request for rows that the signature admits.

    Parameters
    ----------
    inputs : mapping of str to Arrow array
        As :func:`slipway.scoring.rows.judge` returns them, of at least one row.
    signature : Signature
    """
    if _one_tensor(inputs, signature):
        return _binary(inputs, signature)
    tensors = [
        {
            "name": column.name,
            "shape": [len(inputs[column.name])],
            "datatype": _DATATYPES[column.dtype],
            "data": inputs[column.name].to_pylist(),
        }
        for column in signature.inputs
    ]
    return Body(orjson.dumps({"inputs": tensors, "parameters": {"binary_data_output": True}}))


def one_tensor_rows(inputs: Mapping[str, pa.Array], signature: Signature) -> NDArray[np.bool_] | None:
    """Return which rows have no value missing, where only some have and these could go as one tensor; else None."""
    if not _numbers(signature) or not any(array.null_count for array in inputs.values()):
        return None
    whole = np.ones(len(next(iter(inputs.values()))), dtype=np.bool_)
    for array in inputs.values():
        if array.null_count:
            whole &= array.is_valid().to_numpy(zero_copy_only=False)
    return whole if whole.any() and not whole.all() else None


def _numbers(signature: Signature) -> bool:
    return MATRIX not in signature.names and all(column.dtype.is_numeric for column in signature.inputs)


def _one_tensor(inputs: Mapping[str, pa.Array], signature: Signature) -> bool:
    if not _numbers(signature) or any(array.null_count for array in inputs.values()):
        return False
    ends = [pc.min_max(inputs[column.name]) for column in signature.inputs if column.dtype is DType.INT]
    return all(max(-end["min"].as_py(), end["max"].as_py()) < _EXACT for end in ends)


def _binary(inputs: Mapping[str, pa.Array], signature: Signature) -> Body:
    columns = [inputs[name].to_numpy() for name in signature.names]
    matrix = np.empty((len(columns[0]), len(columns)), dtype="<f8")
    for start in range(0, len(matrix), _BLOCK):  # a block at a time stays in the processor's cache: twice as quick
        block = matrix[start : start + _BLOCK]
        for place, values in enumerate(columns):
            block[:, place] = values[start : start + _BLOCK]
    tensor = {
        "name": MATRIX,
        "shape": list(matrix.shape),
        "datatype": "FP64",
        "parameters": {"binary_data_size": matrix.nbytes},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}, separators=(",", ":")).encode()
    return Body(head, matrix.data.cast("B"))


def decode(body: bytes, json_bytes: int | None, rows: int, signature: Signature) -> NDArray[Any]:
    """Return one answer a row: float64, int64, bool or object (texts).

    Raises
    ------
    ScoringStopped
        If there is not exactly one answer of the declared type for each row, or one is not a finite number.
    """
    output = signature.output
    try:
        document = orjson.loads(body if json_bytes is None else body[:json_bytes])
        (tensor,) = document["outputs"]
        kind, named, shape = tensor["datatype"], tensor["name"], tensor["shape"]
        data = b"" if json_bytes is None else body[json_bytes:]
        values = _texts(data) if kind == "BYTES" else np.frombuffer(data, _ANSWERS[kind])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _nonsense(f"its answer cannot be read ({type(error).__name__}: {error})") from error
    if named != output.name or kind != _DATATYPES[output.dtype]:
        raise _nonsense(f"it answered {named!r} of type {kind}, not {output.name!r} of type {output.dtype}")
    if len(values) != rows or shape != [rows]:
        raise _nonsense(f"it gave {len(values)} answers to {rows} rows")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise _nonsense(f"{int((~np.isfinite(values)).sum())} of {rows} answers are not finite numbers")
    return values


def _texts(data: bytes) -> NDArray[Any]:
    texts, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + _LENGTH_BYTES], "little")
        at += _LENGTH_BYTES + size
        if at > len(data):
            raise ValueError("a text ends too early")
        texts.append(data[at - size : at].decode("utf-8"))
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def _nonsense(what: str) -> ScoringStopped:
    return ScoringStopped(
        f"the service does not answer as declared: {what}", remedy="read the service's log; nothing was written"
    )
