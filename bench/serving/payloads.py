"""The same rows in each system's own form, and the answers out of each system's own form. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

_BINARY_LENGTH = "Inference-Header-Content-Length"


class Form(StrEnum):
    """How rows are written down; the value says it to a reader."""

    SPLIT = "dataframe_split JSON"
    V2_COLUMNS = "v2 JSON, one tensor a column"
    V2_MATRIX = "v2 JSON, one tensor"
    V2_BINARY = "v2 binary tensor"
    ROWS = "JSON array of rows"


@dataclass(frozen=True, slots=True)
class Payload:
    """A request's body and the headers that go with it."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


def payload(form: Form, rows: pd.DataFrame) -> Payload:
    """Return the request for these rows.

    >>> payload(Form.ROWS, pd.DataFrame({"a": [1.5]})).body
    b'{"rows":[[1.5]]}'
    """
    if form is Form.V2_BINARY:
        return _binary(rows)
    return Payload(json.dumps(_document(form, rows), separators=(",", ":")).encode())


def _document(form: Form, rows: pd.DataFrame) -> dict[str, Any]:
    if form is Form.SPLIT:
        return {"dataframe_split": {"columns": list(rows.columns), "data": rows.to_numpy().tolist()}}
    if form is Form.ROWS:
        return {"rows": rows.to_numpy().tolist()}
    if form is Form.V2_COLUMNS:
        tensors = [
            {"name": name, "shape": [len(rows), 1], "datatype": "FP64", "data": rows[name].tolist()} for name in rows
        ]
        return {"parameters": {"content_type": "pd"}, "inputs": tensors}
    matrix = {"name": "predict", "shape": list(rows.shape), "datatype": "FP64", "data": rows.to_numpy().tolist()}
    return {"inputs": [matrix], "outputs": [{"name": "predict_proba"}]}


def _binary(rows: pd.DataFrame) -> Payload:
    raw = np.ascontiguousarray(rows.to_numpy(), dtype="<f8").tobytes()
    tensor = {
        "name": "inputs",
        "shape": list(rows.shape),
        "datatype": "FP64",
        "parameters": {"binary_data_size": len(raw)},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}, separators=(",", ":")).encode()
    return Payload(head + raw, (("Content-Type", "application/octet-stream"), (_BINARY_LENGTH, str(len(head)))))


def answers(body: bytes, headers: dict[str, str], rows: int) -> np.ndarray:
    """Return one number a row from a response of any system; of class probabilities the second.

    Parameters
    ----------
    body : bytes
    headers : dict
        With lower-case names.
    rows : int

    Raises
    ------
    ValueError
        If there is not one number for each row.

    >>> answers(b'{"predictions": [[0.25, 0.75]]}', {}, 1).tolist()
    [0.75]
    """
    head = headers.get(_BINARY_LENGTH.lower())
    if head is None:
        values = np.asarray(_numbers(json.loads(body)), dtype=np.float64).ravel()
    else:
        values = np.frombuffer(body[int(head) :], dtype="<f8")
    if values.size == 2 * rows:
        return values.reshape(rows, 2)[:, 1]
    if values.size != rows:
        raise ValueError(f"{values.size} numbers for {rows} rows")
    return values


def _numbers(document: Any) -> Any:
    if isinstance(document, list):
        return document
    if "predictions" in document:
        found = document["predictions"]
        return [list(row.values()) for row in found] if found and isinstance(found[0], dict) else found
    if "outputs" in document:
        return document["outputs"][0]["data"]
    raise ValueError(f"no answers in {str(document)[:200]}")


def mismatches(ours: np.ndarray, native: np.ndarray, *, absolute: float = 1e-9, relative: float = 1e-6) -> np.ndarray:
    """Return the positions at which two answers differ by more than the tolerance, or at which one is not a number."""
    agree = np.abs(ours - native) <= absolute + relative * np.abs(native)
    return np.flatnonzero(~agree)
