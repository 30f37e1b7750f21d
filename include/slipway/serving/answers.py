"""What a model returned, made one value a row; whatever is not that is nonsense, and never served."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import DType, Output
from slipway.serving.faults import ModelAnsweredNonsense

_DTYPES: dict[DType, Any] = {DType.FLOAT: np.float64, DType.INT: np.int64, DType.STRING: object, DType.BOOL: np.bool_}
_EXACT = 2.0**63


def one_answer_per_row(raw: object, rows: int, output: Output) -> NDArray[Any]:
    """Return the answers: float64, int64, bool, or object for strings; shape (rows,), all finite.

    Parameters
    ----------
    raw : array, DataFrame, Series or list
        What the model returned: a value for each row, or several, of which ``output.index`` picks one.
    rows : int
    output : Output

    Raises
    ------
    ModelAnsweredNonsense
        If that is not one finite value of the declared type for each row.

    >>> one_answer_per_row([[0.25, 0.75]], 1, Output(name="p", index=1)).tolist()
    [0.75]
    """
    if type(raw) is np.ndarray and raw.dtype == np.float64 and raw.shape == (rows,) and _plain_float(output):
        return _finite(raw)
    values = _picked(_array(raw), output)
    if values.shape != (rows,):
        raise ModelAnsweredNonsense(f"{len(values)} answers for {rows} rows")
    if output.dtype.is_numeric:
        return _numbers(values, output.dtype)
    wanted: type | tuple[type, ...] = str if output.dtype is DType.STRING else (bool, np.bool_)
    if not all(isinstance(value, wanted) for value in values):
        raise ModelAnsweredNonsense(f"an answer is not of type {output.dtype.value}")
    return values.astype(_DTYPES[output.dtype])


def _plain_float(output: Output) -> bool:
    return output.dtype is DType.FLOAT and output.index is None


def _finite(floats: NDArray[Any]) -> NDArray[Any]:
    if not (math.isfinite(floats[0]) if len(floats) == 1 else np.isfinite(floats).all()):
        raise ModelAnsweredNonsense("an answer is not finite")
    return floats


def _array(raw: object) -> NDArray[Any]:
    if raw is None or isinstance(raw, str | bytes | dict):
        raise ModelAnsweredNonsense(f"it returned {type(raw).__name__}, not an array")
    to_numpy = getattr(raw, "to_numpy", None)
    try:
        return np.asarray(raw if to_numpy is None else to_numpy())
    except (ValueError, TypeError) as error:
        raise ModelAnsweredNonsense(f"it returned {type(raw).__name__}, not an array") from error


def _picked(values: NDArray[Any], output: Output) -> NDArray[Any]:
    if values.ndim == 2 and output.index is not None:
        if not 0 <= output.index < values.shape[1]:
            raise ModelAnsweredNonsense(f"output.index is {output.index}, it returned {values.shape[1]} columns")
        return np.asarray(values[:, output.index])
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1 or output.index is not None:
        wanted = "one value a row" if output.index is None else f"rows with a column {output.index}"
        raise ModelAnsweredNonsense(f"it returned an array of shape {values.shape}, the signature wants {wanted}")
    return values


def _numbers(values: NDArray[Any], dtype: DType) -> NDArray[Any]:
    if values.dtype == object and any(isinstance(value, bool | str) or value is None for value in values):
        raise ModelAnsweredNonsense("an answer is missing or is not a number")
    if values.dtype.kind not in "iufO":
        raise ModelAnsweredNonsense(f"its answers are of type {values.dtype}, not {dtype.value}")
    try:
        floats = values.astype(np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise ModelAnsweredNonsense(f"an answer is not of type {dtype.value}") from error
    _finite(floats)
    if dtype is DType.FLOAT:
        return floats
    if (np.floor(floats) != floats).any() or (np.abs(floats) >= _EXACT).any():
        raise ModelAnsweredNonsense("an answer is not an integer")
    return values.astype(np.int64)
