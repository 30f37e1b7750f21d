"""The model, behind one method: columns in, one answer a row out.

Any MLflow model is called as a pyfunc. A scikit-learn model can be called directly, without MLflow's checks around
it, and an all-double one with an array in place of a DataFrame; a faster way is taken only where it answers exactly
as the pyfunc does (or fails as it does) on rows made from the signature, missing values included.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Output, Signature
from slipway.errors import ArtifactError, shorten
from slipway.serving import probe
from slipway.serving.answers import one_answer_per_row
from slipway.serving.codec import Table, decode_invocations
from slipway.serving.config import Limits
from slipway.serving.faults import ModelCrashed, RowsRejected
from slipway.serving.layout import Layout, layout_of
from slipway.serving.policies import Policies

Columns = Mapping[str, NDArray[Any]]
Call = Callable[[Columns], object]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A loaded model.

    Attributes
    ----------
    way : str
        How it is called: ``array``, ``frame`` (scikit-learn directly) or ``pyfunc``.
    """

    way: str
    _call: Call
    _output: Output

    def predict(self, columns: Columns) -> NDArray[Any]:
        """Return one answer a row: float64, int64, bool or object, shape (rows,).

        Parameters
        ----------
        columns : mapping of str to array of shape (rows,)
            What `Policies.apply` returned.

        Raises
        ------
        ModelCrashed
            If the model raised an error.
        ModelAnsweredNonsense
            If its answer is not one finite value of the declared type for each row.
        RowsRejected
            If a value does not fit the model's own, narrower type.
        """
        rows = len(next(iter(columns.values())))
        return one_answer_per_row(_called(self._call, columns), rows, self._output)


def load_predictor(folder: Path, signature: Signature) -> Predictor:
    """Load the MLflow model in ``folder``, choose how to call it, and warm it with rows in range.

    Raises
    ------
    ArtifactError
        If it cannot be loaded, or does not fit the signature.
    ModelCrashed, ModelAnsweredNonsense
        If it does not answer the warm-up rows.
    """
    # A container has no business with the network.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    model = _load(folder)
    layout = layout_of(signature, model.metadata.get_input_schema())
    policies = Policies(signature)
    warm = policies.apply(_example(folder, signature) or probe.in_range_rows(signature)).columns
    gaps = probe.rows_with_gaps(signature)
    batches = [warm, policies.apply(probe.in_range_rows(signature)).columns]
    batches += [] if gaps is None else [policies.apply(gaps).columns]
    pyfunc = _pyfunc(model, layout)
    way, call = "pyfunc", pyfunc
    for faster, candidate in _faster(model, layout):
        if all(_same(pyfunc, candidate, batch) for batch in batches):
            way, call = faster, candidate
            break
    predictor = Predictor(way, call, signature.output)
    predictor.predict(warm)
    return predictor


def _load(folder: Path) -> Any:
    if not (folder / "MLmodel").is_file():
        raise ArtifactError(f"{folder} holds no MLflow model", remedy="give the folder in which the file MLmodel is")
    try:
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    except Exception as error:
        raise ArtifactError(
            f"the model in {folder} cannot be loaded: {type(error).__name__}: {error}",
            remedy="log the model again with its requirements; scikit-learn models may need skops_trusted_types",
        ) from error


def _pyfunc(model: Any, layout: Layout) -> Call:
    shape = layout.array if layout.tensor else layout.frame
    return lambda columns: model.predict(shape(columns))


def _faster(model: Any, layout: Layout) -> Iterator[tuple[str, Call]]:
    flavors = model.metadata.flavors
    pyfunc = flavors["python_function"]
    if "sklearn" not in flavors or pyfunc.get("loader_module") != "mlflow.sklearn":
        return
    estimator = model.get_raw_model()
    predict = getattr(estimator, pyfunc.get("predict_fn", "predict"))
    known = getattr(estimator, "feature_names_in_", None)
    if layout.tensor or (layout.is_all_float64 and (known is None or tuple(known) == layout.names)):
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield "array", lambda columns: predict(layout.array(columns))
    if not layout.tensor:
        yield "frame", lambda columns: predict(layout.frame(columns))


def _called(call: Call, columns: Columns) -> object:
    try:
        return call(columns)
    except RowsRejected:
        raise
    except (Exception, SystemExit) as error:
        text = shorten(f"{type(error).__name__}: {error}", 300)
        raise ModelCrashed(
            f"the model crashed: {text}", remedy="read the server's log, then correct the model"
        ) from error


def _same(one: Call, other: Call, columns: Columns) -> bool:
    """Tell whether two ways of calling give exactly the same answers, or the same type of error."""
    results = []
    for call in (one, other):
        try:
            results.append(np.asarray(_called(call, columns)))
        except ModelCrashed as error:
            results.append(np.array(type(error.__cause__).__name__))
    first, second = results
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    return np.array_equal(first, second, equal_nan=first.dtype.kind == "f")


def _example(folder: Path, signature: Signature) -> Table | None:
    """Return the rows of the input example that the model was logged with, if the signature admits them."""
    try:
        split = json.loads((folder / "input_example.json").read_text(encoding="utf-8"))
        body = json.dumps({"dataframe_split": {"columns": split["columns"], "data": split["data"][: probe.ROWS]}})
        table = decode_invocations(body.encode(), signature, Limits())
        Policies(signature).apply(table)
    except (OSError, ValueError, KeyError, TypeError, RowsRejected):
        return None
    return table
