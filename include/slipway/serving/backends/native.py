"""The model as MLflow loads it, and the ways of calling it.

Any MLflow model is called as a pyfunc. A model of scikit-learn, LightGBM or XGBoost can be called directly, without
MLflow's checks around it, and an all-double one with an array in place of a DataFrame. Of a Python function's own class
the wrapper can be left out. Whether these answer the same is for the caller to find out.
"""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from slipway.core.signature import DType, Signature
from slipway.errors import ArtifactError
from slipway.serving.backends.base import Backend, Columns, Matrix, Name
from slipway.serving.layout import Layout, layout_of

_DIRECT = ("mlflow.sklearn", "mlflow.lightgbm", "mlflow.xgboost")


def load_native(folder: Path, *, threads: int = 1) -> Any:
    """Return the model in ``folder`` as a pyfunc; ArtifactError if it cannot be loaded."""
    if not (folder / "MLmodel").is_file():
        raise ArtifactError(f"{folder} holds no MLflow model", remedy="give the folder in which the file MLmodel is")
    # A container has no business with the network.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Read by OpenMP when the model's library is first imported.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    try:
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    except Exception as error:
        raise ArtifactError(
            f"the model in {folder} cannot be loaded: {type(error).__name__}: {error}",
            remedy="log the model again with its requirements; scikit-learn models may need skops_trusted_types",
        ) from error


def pyfunc_backend(model: Any, signature: Signature) -> Backend:
    """Return the way that every MLflow model offers; ArtifactError if it does not fit the signature."""
    layout = _layout(model, signature)
    return _backend(Name.PYFUNC, model.predict, layout, signature, array=layout.tensor)


def faster_backends(model: Any, signature: Signature) -> Iterator[Backend]:
    """Give the other ways of calling the same model, the fastest first."""
    pyfunc = model.metadata.flavors["python_function"]
    layout = _layout(model, signature)
    predict = _direct(model, pyfunc)
    if predict is None:
        yield _backend(Name.UNWRAPPED, _unwrapped(model), layout, signature, array=layout.tensor)
        return
    known = getattr(model.get_raw_model(), "feature_names_in_", None)
    if layout.tensor or (layout.is_all_float64 and (known is None or tuple(known) == layout.names)):
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield _backend(Name.ARRAY, predict, layout, signature, array=True)
    if not layout.tensor:
        yield _backend(Name.FRAME, predict, layout, signature, array=False)


def _direct(model: Any, pyfunc: Any) -> Callable[[Any], object] | None:
    """Return the method of the trained object itself that MLflow calls; None if that is not known."""
    if pyfunc.get("loader_module") not in _DIRECT:
        return None
    raw = model.get_raw_model()
    if type(raw).__module__ == "xgboost.core":  # a Booster takes a matrix of its own kind, which MLflow's wrapper makes
        return None
    predict: Callable[[Any], object] = getattr(raw, pyfunc.get("predict_fn", "predict"))
    return predict


def _unwrapped(model: Any) -> Callable[[Any], object]:
    """Return what MLflow calls once it has checked its input."""
    wrapper = model._model_impl
    own = getattr(wrapper, "python_model", None)
    if own is None:
        inner: Callable[[Any], object] = model._predict_fn
        return inner
    predict: Callable[..., object] = own.predict
    return partial(predict, wrapper.context) if "context" in inspect.signature(predict).parameters else predict


def _layout(model: Any, signature: Signature) -> Layout:
    return layout_of(signature, model.metadata.get_input_schema())


def _backend(
    name: Name, predict: Callable[[Any], object], layout: Layout, signature: Signature, *, array: bool
) -> Backend:
    shape = layout.array if array else layout.frame

    def call(columns: Columns) -> object:
        return predict(shape(columns))

    numeric = all(column.dtype in (DType.FLOAT, DType.INT) for column in signature.inputs)
    if not numeric or not layout.is_all_float64:
        return Backend(name, call)
    order = None if layout.names == signature.names else [signature.names.index(n) for n in layout.names]
    framed = layout.framed

    def call_matrix(matrix: Matrix) -> object:
        ordered = matrix if order is None else matrix[:, order]
        return predict(ordered if array else framed(ordered))

    return Backend(name, call, call_matrix)
