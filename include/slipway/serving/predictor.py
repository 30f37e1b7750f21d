"""The model, behind one method: columns in, one answer a row out.

Which backend calls the model was decided when the image was built, by evidence. Where nothing was decided, it is found
out here: the fastest way of calling the native model that answers exactly as the pyfunc does (or fails as it does) on
rows made from the signature, missing values included. Only what is chosen is loaded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Output, Signature
from slipway.errors import ArtifactError, SlipwayError, shorten
from slipway.serving import probe
from slipway.serving.answers import one_answer_per_row
from slipway.serving.backends.base import Backend, Columns, Matrix, Name, matrix_of
from slipway.serving.backends.compiled import load_compiled
from slipway.serving.backends.native import faster_backends, load_native, pyfunc_backend
from slipway.serving.backends.trees import load_trees
from slipway.serving.codec import Table, decode_invocations
from slipway.serving.config import Limits
from slipway.serving.faults import ModelCrashed, RowsRejected
from slipway.serving.policies import Policies

# Where each compiled backend lies in a folder of them. What it consists of beside this is in the same folder.
COMPILED: Mapping[str, str] = {Name.ONNX: "onnx.onnx", Name.TREES: "trees.npz"}
_TIMED_CALLS = 21
_TIMED_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Predictor:
    """A loaded model.

    Attributes
    ----------
    backend : str
        How it is called: ``trees``, ``onnx``, ``array``, ``frame``, ``unwrapped`` or ``pyfunc``.
    seconds_per_call : float
        Median of warm calls with one row, when it was loaded.
    """

    backend: str
    _call: Callable[[Columns], object]
    _output: Output
    _call_matrix: Callable[[Matrix], object] | None = None
    seconds_per_call: float = 0.0

    @property
    def takes_matrix(self) -> bool:
        """Whether :meth:`predict_matrix` can be called."""
        return self._call_matrix is not None

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

    def predict_matrix(self, matrix: Matrix) -> NDArray[Any]:
        """Return one answer a row, as :meth:`predict` does.

        Parameters
        ----------
        matrix : float64 array of shape (rows, inputs), C-contiguous
            In the signature's order, no value missing, every policy satisfied. Only where ``takes_matrix``.
        """
        assert self._call_matrix is not None, "ask takes_matrix first"
        return one_answer_per_row(_called(self._call_matrix, matrix), len(matrix), self._output)


def load_predictor(
    folder: Path,
    signature: Signature,
    *,
    backend: str | None = None,
    compiled: Mapping[str, Path] | None = None,
    threads: int = 1,
) -> Predictor:
    """Load a model, and warm it with rows in range.

    Parameters
    ----------
    folder : Path
        The MLflow model's.
    signature : Signature
    backend : str or None
        Which backend calls it; None: the native model, in the fastest way that is found to answer the same.
    compiled : mapping of str to Path, or None
        The file of each compiled backend; such a backend reads it, and nothing of the model's folder.
    threads : int
        How many the model may use for one call.

    Raises
    ------
    ArtifactError
        If it cannot be loaded, does not fit the signature, or has no such backend.
    ModelCrashed, ModelAnsweredNonsense
        If it does not answer the warm-up rows.
    """
    policies = Policies(signature)
    warm = policies.apply(_example(folder, signature) or probe.in_range_rows(signature)).columns
    if backend is not None and backend in COMPILED:
        path = (compiled or {}).get(backend)
        if path is None:
            raise ArtifactError(f"the backend {backend} needs a compiled model", remedy="build the image again")
        chosen = _compiled(backend, path, signature, threads=threads)
    else:
        model = load_native(folder, threads=threads)
        chosen = _named(model, signature, backend) if backend else _found_out(model, signature, warm)
    return _warmed(chosen, signature, warm)


def load_each(
    folder: Path, signature: Signature, *, compiled: Mapping[str, Path] | None = None
) -> tuple[list[Predictor], dict[str, str]]:
    """Load a model once and return every way of calling it, the pyfunc first; and why others cannot be loaded.

    Raises as :func:`load_predictor` does if the pyfunc cannot be loaded.
    """
    warm = Policies(signature).apply(_example(folder, signature) or probe.in_range_rows(signature)).columns
    model = load_native(folder)
    found, problems = [_warmed(pyfunc_backend(model, signature), signature, warm)], {}
    loaders: list[tuple[str, Callable[[], Backend]]] = [
        (one.name, partial(_itself, one)) for one in faster_backends(model, signature)
    ]
    loaders += [(name, partial(_compiled, name, path, signature)) for name, path in (compiled or {}).items()]
    for name, load in loaders:
        try:
            found.append(_warmed(load(), signature, warm))
        except SlipwayError as error:
            problems[name] = shorten(error.reason, 300)
    return found, problems


def compiled_in(folder: Path) -> dict[str, Path]:
    """Return the compiled backends that lie in a folder."""
    return {name: folder / file for name, file in COMPILED.items() if (folder / file).is_file()}


def _compiled(name: str, path: Path, signature: Signature, *, threads: int = 1) -> Backend:
    return load_trees(path, signature) if name == Name.TREES else load_compiled(path, signature, threads=threads)


def _itself(backend: Backend) -> Backend:
    return backend


def _named(model: Any, signature: Signature, name: str) -> Backend:
    for candidate in (pyfunc_backend(model, signature), *faster_backends(model, signature)):
        if candidate.name == name:
            return candidate
    raise ArtifactError(f"the model cannot be called as {name}", remedy="build the image again")


def _found_out(model: Any, signature: Signature, warm: Columns) -> Backend:
    policies = Policies(signature)
    gaps = probe.rows_with_gaps(signature)
    batches = [warm, policies.apply(probe.in_range_rows(signature)).columns]
    batches += [] if gaps is None else [policies.apply(gaps).columns]
    pyfunc = pyfunc_backend(model, signature)
    for candidate in faster_backends(model, signature):
        if all(_same(pyfunc, candidate, batch) for batch in batches):
            return candidate
    return pyfunc


def _warmed(chosen: Backend, signature: Signature, warm: Columns) -> Predictor:
    # A compiled model returns the column that is asked for, and no other.
    output = replace(signature.output, index=None) if chosen.name in COMPILED else signature.output
    predictor = Predictor(chosen.name, chosen.call, output, chosen.call_matrix)
    predictor.predict(warm)
    row = Policies(signature).apply(probe.in_range_rows(signature, rows=1)).columns
    if not predictor.takes_matrix:
        return replace(predictor, seconds_per_call=_seconds(lambda: predictor.predict(row)))
    matrix = matrix_of(row, signature.names)
    predictor.predict_matrix(matrix)
    return replace(predictor, seconds_per_call=_seconds(lambda: predictor.predict_matrix(matrix)))


def _seconds(call: Callable[[], object]) -> float:
    """Return the median time of warm calls, few of them if one takes long."""
    taken: list[float] = []
    ends_at = time.perf_counter() + _TIMED_SECONDS
    while not taken or (len(taken) < _TIMED_CALLS and time.perf_counter() < ends_at):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return median(taken)


def _called(call: Callable[[Any], object], rows: object) -> object:
    try:
        return call(rows)
    except RowsRejected:
        raise
    except (Exception, SystemExit) as error:
        text = shorten(f"{type(error).__name__}: {error}", 300)
        raise ModelCrashed(
            f"the model crashed: {text}", remedy="read the server's log, then correct the model"
        ) from error


def _same(one: Backend, other: Backend, columns: Columns) -> bool:
    """Tell whether two ways of calling give exactly the same answers, or the same type of error."""
    results = []
    for backend in (one, other):
        try:
            results.append(np.asarray(_called(backend.call, columns)))
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
