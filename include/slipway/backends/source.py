"""The trained object in an MLflow model's folder, and how MLflow would call it."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.backends.ensemble import CannotCompile
from slipway.core.signature import DType, Signature

LIBRARIES = {"scikit-learn": "scikit-learn", "lightgbm": "LightGBM", "xgboost": "XGBoost", "xgboost-cpu": "XGBoost"}
_LOADERS = ("mlflow.sklearn", "mlflow.lightgbm", "mlflow.xgboost")
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([0-9][^\s;,]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A trained object.

    Attributes
    ----------
    model : object
    method : str
        What MLflow calls on it: ``predict``, ``predict_proba``.
    fitted : tuple of str
        Names of the columns in the order that it takes them.
    frame : bool
        Whether it takes a DataFrame.
    single : bool
        Whether MLflow's schema has every column in single precision.
    """

    model: Any
    method: str
    fitted: tuple[str, ...]
    frame: bool
    single: bool

    def rows(self, columns: dict[str, NDArray[Any]]) -> Any:
        """Return columns as the model takes them."""
        listed = [columns[name].astype(np.float32) if self.single else columns[name] for name in self.fitted]
        if not self.frame:
            return np.stack(listed, axis=1)
        import pandas as pd

        return pd.DataFrame(dict(zip(self.fitted, listed, strict=True)), copy=False)


def version_problem(requirements: Sequence[str]) -> str:
    """Return why the libraries here cannot stand for those that the model wants; empty if they can.

    >>> version_problem(["numpy==1.0", "pandas>=2"])
    ''
    """
    for line in requirements:
        pin = _PIN.match(line.strip())
        name = pin[1].lower().replace("_", "-") if pin else ""
        if pin is None or name not in LIBRARIES:
            continue
        installed = _installed(name)
        if installed is None:
            return f"wants {LIBRARIES[name]} {pin[2]}, the compiler has none"
        if pin[2].split(".")[:2] != installed.split(".")[:2]:
            return f"wants {LIBRARIES[name]} {pin[2]}, the compiler has {installed}"
    return ""


def _installed(name: str) -> str | None:
    for one in (name, f"{name}-cpu", name.removesuffix("-cpu")):
        try:
            return importlib.metadata.version(one)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def open_source(folder: Path, signature: Signature) -> Source:
    """Load the trained object.

    Raises
    ------
    CannotCompile
        If it is of another library, or its versions are others than the compiler's.
    """
    requirements = folder / "requirements.txt"
    listed = requirements.read_text(encoding="utf-8").splitlines() if requirements.is_file() else []
    if problem := version_problem(listed):
        raise CannotCompile(problem)
    import yaml

    flavors = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["flavors"]
    loader = flavors.get("python_function", {}).get("loader_module", "nothing")
    if loader not in _LOADERS:
        raise CannotCompile(f"no converter for models that {loader} loads")
    import mlflow.pyfunc

    pyfunc = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    schema = pyfunc.metadata.get_input_schema()
    tensor = schema is not None and schema.is_tensor_spec()
    named = schema is not None and not tensor and schema.has_input_names()
    known = set(signature.names)
    fitted = tuple(name for name in schema.input_names() if name in known) if named else signature.names
    return Source(
        model=pyfunc.get_raw_model(),
        method=flavors["python_function"].get("predict_fn", "predict"),
        fitted=fitted,
        frame=not tensor,
        single=_single(schema, tensor, signature, fitted),
    )


def _single(schema: Any, tensor: bool, signature: Signature, fitted: Sequence[str]) -> bool:
    if schema is None:
        return False
    types = (
        [np.dtype(t) for t in schema.numpy_types()] if tensor else [kind.to_numpy() for kind in schema.input_types()]
    )
    kinds = {np.dtype(t).name for t in types if np.dtype(t).kind == "f"}
    if "float32" not in kinds:
        return False
    texts = any(signature.column(name).dtype is DType.STRING for name in fitted)
    if len({np.dtype(t).name for t in types}) > 1 or texts:
        raise CannotCompile("its schema mixes single precision with other types")
    return True
