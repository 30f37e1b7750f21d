"""What a registered version shows of itself: its MLflow signature, and the ranges seen in its data snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from slipway.core.signature import DType
from slipway.core.spec import Task
from slipway.core.version import VersionFiles
from slipway.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 20
_DTYPES = {
    "double": DType.FLOAT,
    "float": DType.FLOAT,
    "long": DType.INT,
    "integer": DType.INT,
    "string": DType.STRING,
    "boolean": DType.BOOL,
}
_SIGN = "log the model with a signature of named columns: infer_signature(a DataFrame of inputs, the answers)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenColumn:
    """One column: its type, and what the snapshot holds of it.

    Attributes
    ----------
    low, high, mean, std : float or None
        Of a number's values, in its own unit; None for other types and for a column without values.
    values : tuple of str
        A string column's values if they are few, sorted; else empty.
    required : bool
        Whether the MLflow signature demands it.
    """

    name: str
    dtype: DType
    required: bool = True
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A version as it was found: inputs in order, label, number of rows, what it answers."""

    inputs: tuple[SeenColumn, ...]
    label: SeenColumn
    extra: tuple[str, ...]
    rows: int
    task: Task
    output_name: str
    output_index: int | None


def observe(files: VersionFiles, *, label: str = "") -> Seen:
    """Read a version's signature and snapshot.

    Parameters
    ----------
    files : VersionFiles
    label : str
        The label's column; empty: the one column of the snapshot that is no input.

    Raises
    ------
    SpecError
        If the signature has no named columns or a type that JSON cannot carry, the snapshot lacks an input, or the
        label cannot be told.
    """
    import pandas as pd

    declared = yaml.safe_load((files.model / "MLmodel").read_text(encoding="utf-8"))
    columns = _columns(declared.get("signature") or {}, "inputs")
    frame = pd.concat([pd.read_parquet(path) for path in (files.train, files.holdout) if path.is_file()])
    dtypes = {column["name"]: _dtype(column) for column in columns}
    names = list(dtypes)
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise SpecError(f"the snapshot lacks the inputs {', '.join(absent)}", remedy="log it with all inputs and label")
    label = label or _only_one([str(name) for name in frame.columns if name not in names])
    if label not in frame.columns or label in names:
        raise SpecError(f"{label!r} is not a label in the snapshot", remedy="name a column that is no input")
    seen_label = _label(frame[label])
    classifies = declared["flavors"]["python_function"].get("predict_fn") == "predict_proba"
    return Seen(
        inputs=tuple(_seen(frame[c["name"]], dtypes[c["name"]], bool(c.get("required", True))) for c in columns),
        label=seen_label,
        extra=tuple(sorted(str(name) for name in frame.columns if name not in (*names, label))),
        rows=len(frame),
        task=Task.CLASSIFICATION if classifies or _is_binary(seen_label) else Task.REGRESSION,
        output_name=f"p_{label}" if classifies else f"predicted_{label}",
        output_index=1 if classifies else None,
    )


def _columns(signature: dict[str, Any], part: str) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = json.loads(signature.get(part) or "[]")
    if not columns or any(not column.get("name") or column.get("type") == "tensor" for column in columns):
        raise SpecError("the registered version has no signature of named columns", remedy=_SIGN)
    return columns


def _dtype(column: dict[str, Any]) -> DType:
    if column["type"] not in _DTYPES:
        raise SpecError(
            f"input {column['name']!r} is of MLflow type {column['type']!r}, which a request cannot carry",
            remedy=f"use one of {', '.join(_DTYPES)}",
        )
    return _DTYPES[column["type"]]


def _only_one(names: Sequence[str]) -> str:
    if len(names) != 1:
        raise SpecError(
            f"the label is not clear: the snapshot's columns that are no inputs are {', '.join(names) or 'none'}",
            remedy="name the label",
        )
    return names[0]


def _label(series: pd.Series[Any]) -> SeenColumn:
    kinds = {"i": DType.INT, "u": DType.INT, "b": DType.INT, "f": DType.FLOAT}
    if series.dtype.kind not in kinds:
        raise SpecError(
            f"label {series.name!r} is not a number", remedy="log it as 0 and 1, or as the number to predict"
        )
    return _seen(series.astype(int) if series.dtype.kind == "b" else series, kinds[series.dtype.kind], True)


def _is_binary(label: SeenColumn) -> bool:
    return label.dtype is DType.INT and (label.low, label.high) == (0, 1)


def _seen(series: pd.Series[Any], dtype: DType, required: bool) -> SeenColumn:
    present = series.dropna()
    name = str(series.name)
    if not dtype.is_numeric or present.empty:
        values = sorted({str(value) for value in present}) if dtype is DType.STRING else []
        few = tuple(values) if len(values) <= MAX_CATEGORIES else ()
        return SeenColumn(name=name, dtype=dtype, required=required, values=few)
    return SeenColumn(
        name=name,
        dtype=dtype,
        required=required,
        low=float(present.min()),
        high=float(present.max()),
        mean=float(present.mean()),
        std=float(present.std(ddof=0)),
    )
