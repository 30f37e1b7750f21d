"""The model compiled to ONNX, run by ONNX Runtime. Neither MLflow nor the library it was trained with is imported.

The graph takes one float64 matrix of all columns but strings, in the signature's order, and after it one string tensor
of shape (rows, 1) for each string column. It returns one answer a row.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from slipway.core.signature import DType, Signature
from slipway.errors import ArtifactError
from slipway.serving.backends.base import Backend, Columns, Name, matrix_of, numeric_names

_ONE_THREAD = "slipway.one_thread"  # says a graph whose answers would depend on the number of threads
_DOUBLE, _STRING = "tensor(double)", "tensor(string)"


def load_compiled(path: Path, signature: Signature, *, threads: int = 1) -> Backend:
    """Return the backend that runs the graph in ``path``.

    Raises
    ------
    ArtifactError
        If the file cannot be loaded, or its inputs are not those of the signature.
    """
    session = _open(path, 1)
    if threads > 1 and _ONE_THREAD not in session.get_modelmeta().custom_metadata_map:
        session = _open(path, threads)
    numbers = numeric_names(signature)
    texts = tuple(column.name for column in signature.inputs if column.dtype is DType.STRING)
    inputs = session.get_inputs()
    wanted = [_DOUBLE] * bool(numbers) + [_STRING] * len(texts)
    if [one.type for one in inputs] != wanted or (numbers and inputs[0].shape[1] != len(numbers)):
        shown = ", ".join(f"{one.type} {one.shape}" for one in inputs)
        raise ArtifactError(f"{path.name} takes {shown}: not this signature", remedy="build the image again")
    names = [one.name for one in inputs]
    outputs = [session.get_outputs()[0].name]
    # The public method looks at the names again in each call: a third of the time of one row.
    run = session._sess.run
    if not texts:
        return Backend(
            Name.ONNX,
            lambda columns: run(outputs, {names[0]: matrix_of(columns, numbers)}, None)[0],
            lambda matrix: run(outputs, {names[0]: matrix}, None)[0],
        )

    def call(columns: Columns) -> object:
        values: list[Any] = [matrix_of(columns, numbers)] if numbers else []
        values += [np.asarray(columns[name], dtype=object).reshape(-1, 1) for name in texts]
        return run(outputs, dict(zip(names, values, strict=True)), None)[0]

    return Backend(Name.ONNX, call)


def _open(path: Path, threads: int) -> Any:
    # Read when it is imported. It would write an identity of this machine into HOME, and send what it counts.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # A pool that spins between requests would burn the container's processor while nobody asks.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ArtifactError(
            f"{path} cannot be loaded: {type(error).__name__}: {error}", remedy="build the image again"
        ) from error
