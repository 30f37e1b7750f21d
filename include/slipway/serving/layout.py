"""How the model wants its input: which columns, in which order, as which numpy types.

MLflow checks a model's input against the schema that the model was logged with and refuses, for example, an int64
column where the schema says float. The columns are cast here, once, to what that schema says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import DType, Signature
from slipway.errors import ArtifactError
from slipway.serving.faults import RowsRejected

_OWN: dict[DType, Any] = {DType.FLOAT: np.float64, DType.INT: np.int64, DType.STRING: object, DType.BOOL: np.bool_}
# The kinds of numpy type that take each of our types without loss; U is how MLflow writes "string".
_KINDS: dict[DType, str] = {DType.FLOAT: "f", DType.INT: "if", DType.STRING: "OU", DType.BOOL: "bO"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The model's input.

    Attributes
    ----------
    names : tuple of str
        Columns in the order that the model was logged with.
    dtypes : tuple of numpy.dtype
    tensor : bool
        Whether the model was logged with one unnamed tensor: it takes an array, not a DataFrame.
    """

    names: tuple[str, ...]
    dtypes: tuple[np.dtype[Any], ...]
    tensor: bool = False

    @property
    def is_all_float64(self) -> bool:
        """Whether every column is a double, so that an array says the same as a DataFrame."""
        return all(dtype == np.float64 for dtype in self.dtypes)

    def array(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the columns as one array of shape (rows, columns)."""
        return np.stack(self._cast(columns), axis=1)

    def frame(self, columns: Mapping[str, NDArray[Any]]) -> Any:
        """Return the columns as a pandas DataFrame."""
        if self.is_all_float64:
            return self.framed(self.array(columns))
        import pandas as pd

        return pd.DataFrame(dict(zip(self.names, self._cast(columns), strict=True)), copy=False)

    def framed(self, array: NDArray[Any]) -> Any:
        """Return an array of shape (rows, columns), in this layout's order, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(array, columns=list(self.names), copy=False)

    def _cast(self, columns: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        return [_cast(name, columns[name], dtype) for name, dtype in zip(self.names, self.dtypes, strict=True)]


def layout_of(signature: Signature, schema: Any | None) -> Layout:
    """Return the layout for a declared signature and the MLflow schema (None: the model was logged without one).

    Raises
    ------
    ArtifactError
        If the model wants columns or types that the signature does not declare.
    """
    own = {column.name: np.dtype(_OWN[column.dtype]) for column in signature.inputs}
    if schema is None:
        return Layout(names=signature.names, dtypes=tuple(own.values()))
    if schema.is_tensor_spec():
        return _tensor_layout(signature, schema)
    names = tuple(schema.input_names()) if schema.has_input_names() else signature.names
    required = schema.required_input_names() if schema.has_input_names() else names
    if absent := sorted(set(required) - set(own)):
        raise _mismatch(f"the model wants columns that the signature does not declare: {', '.join(absent)}")
    wanted = {
        name: _wanted(name, signature.column(name).dtype, kind)
        for name, kind in zip(names, schema.input_types(), strict=True)
        if name in own
    }
    return Layout(names=tuple(wanted), dtypes=tuple(wanted.values()))


def _tensor_layout(signature: Signature, schema: Any) -> Layout:
    if schema.has_input_names():
        raise _mismatch("the model takes named tensors")
    dtype = np.dtype(schema.numpy_types()[0])
    dtypes = tuple(_fitting(column.name, column.dtype, dtype) for column in signature.inputs)
    return Layout(names=signature.names, dtypes=dtypes, tensor=True)


def _wanted(name: str, declared: DType, kind: Any) -> np.dtype[Any]:
    if not hasattr(kind, "to_numpy"):
        raise _mismatch(f"the model wants {kind} in column {name}")
    return _fitting(name, declared, np.dtype(kind.to_numpy()))


def _fitting(name: str, declared: DType, dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind not in _KINDS[declared]:
        raise _mismatch(f"column {name} is {declared.value} in the signature, the model wants {dtype.name}")
    return np.dtype(object) if dtype.kind == "U" else dtype


def _mismatch(reason: str) -> ArtifactError:
    return ArtifactError(reason, remedy="correct the signature in model.yaml, or log the model with this signature")


def _cast(name: str, values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if values.dtype == dtype or (dtype.kind != "f" and values.dtype.kind in "fO"):
        return values  # a missing value has made it wider than the model's type; the model's own check judges that
    with np.errstate(over="ignore"):
        cast = values.astype(dtype)
    lost = ~np.isfinite(cast) & np.isfinite(values) if dtype.kind == "f" else cast != values
    if lost.any():
        raise RowsRejected(f"a value in column {name} does not fit the model's {dtype.name}")
    return cast
