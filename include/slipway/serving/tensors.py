"""The Open Inference Protocol v2: tensors to columns of JSON values, and predictions to a tensor.

A tensor carries one column, of shape [n] or [n, 1]; or one tensor named ``inputs``, of shape [n, k], carries all k
columns in the signature's order. Its values are JSON, or raw little-endian bytes after the JSON part, as the
protocol's binary tensor data extension has it. A missing value can be sent in JSON only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, TypeGuard

import numpy as np
import orjson
from numpy.typing import NDArray

from slipway.core.signature import DType, Signature
from slipway.serving import codec
from slipway.serving.bodies import Body
from slipway.serving.codec import Table
from slipway.serving.config import Limits
from slipway.serving.faults import Malformed, Problem, RowsRejected, TooLarge

MATRIX = "inputs"
"""The name of a tensor that carries all columns; not to be had if a column is called so."""

EXTENSION = "binary_tensor_data"
NUMBERS: Mapping[str, np.dtype[Any]] = {
    "FP64": np.dtype("<f8"),
    "FP32": np.dtype("<f4"),
    "INT64": np.dtype("<i8"),
    "INT32": np.dtype("<i4"),
}
# The tensor types that may carry a column, and first the one that we announce and answer with.
_DATATYPES: dict[DType, tuple[str, ...]] = {
    DType.FLOAT: ("FP64", "FP32", "INT64", "INT32"),
    DType.INT: ("INT64", "INT32", "FP64", "FP32"),
    DType.STRING: ("BYTES",),
    DType.BOOL: ("BOOL",),
}
_BINARY = {**NUMBERS, "BOOL": np.dtype("?")}
_LENGTH_BYTES = 4

Opened = tuple[Any, memoryview]


def open_body(body: Body, json_bytes: int | None = None) -> Opened:
    """Return a body's JSON document, and the binary data behind its first ``json_bytes`` (None: it is all JSON).

    Raises
    ------
    Malformed
        If the JSON part is not JSON, or longer than the body.
    """
    if json_bytes is None:
        return codec.parse(body), memoryview(b"")
    if json_bytes > len(body):
        raise Malformed(
            f"the JSON part is said to have {json_bytes} bytes, the body has {len(body)}",
            remedy="correct Inference-Header-Content-Length",
        )
    return codec.parse(body[:json_bytes]), memoryview(body)[json_bytes:]


def read_infer(opened: Opened, signature: Signature, limits: Limits) -> Table:
    """Read the tensors of a body. Raises RowsRejected and TooLarge."""
    document, data = opened
    document = codec.an_object(document)
    tensors = document.get("inputs")
    if not isinstance(tensors, list) or not all(isinstance(tensor, dict) for tensor in tensors):
        raise RowsRejected("the body must hold `inputs`, an array of tensors")
    names = codec.distinct((tensor.get("name") for tensor in tensors), "tensor")
    if names == [MATRIX] and MATRIX not in signature.names:
        columns = _matrix(tensors[0], data, signature, limits)
    else:
        columns = _columns(dict(zip(names, tensors, strict=True)), data, signature)
    return codec.by_column(
        columns, signature, limits, request_id=request_id(document), binary=wants_binary(document, signature)
    )


def request_id(document: Mapping[str, Any]) -> str | None:
    """Return the caller's ``id``, if it is a text."""
    given = document.get("id")
    return given if isinstance(given, str) else None


def wants_binary(document: Mapping[str, Any], signature: Signature) -> bool:
    """Tell whether the caller asked for binary data; RowsRejected if it asked for an output that there is not."""
    parameters, outputs = document.get("parameters"), document.get("outputs")
    wanted = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    if outputs is None:
        return wanted
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise RowsRejected("`outputs` must be an array of objects")
    for output in outputs:
        if output.get("name") != signature.output.name:
            problem = Problem(None, None, f"the model's only output is {signature.output.name}", output.get("name"))
            raise RowsRejected("there is no such output", [problem])
        own = output.get("parameters")
        wanted = own.get("binary_data", wanted) is True if isinstance(own, dict) else wanted
    return wanted


def encode_infer(
    answers: NDArray[Any],
    flags: Sequence[Mapping[str, Any]],
    *,
    signature: Signature,
    model: str,
    version: int,
    request_id: str | None = None,
    binary: bool = False,
) -> tuple[bytes, int | None]:
    """Return a v2 answer, and how many bytes of it are JSON if binary data follows (else None).

    One output tensor, with ``parameters.flags`` when there are any.
    """
    output = signature.output
    tensor: dict[str, Any] = {"name": output.name, "shape": [len(answers)], "datatype": datatype(output.dtype)}
    data = _packed(answers) if binary else b""
    if binary:
        tensor["parameters"] = {"binary_data_size": len(data)}
    else:
        tensor["data"] = codec.plain(answers)
    document: dict[str, Any] = {"model_name": model, "model_version": str(version), "outputs": [tensor]}
    if request_id is not None:
        document["id"] = request_id
    if flags:
        document["parameters"] = {"flags": flags}
    text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return (text + data, len(text)) if binary else (text, None)


def datatype(dtype: DType) -> str:
    """Return the v2 tensor type that carries a column.

    >>> datatype(DType.STRING)
    'BYTES'
    """
    return _DATATYPES[dtype][0]


def _columns(tensors: Mapping[str, Mapping[str, Any]], data: memoryview, signature: Signature) -> dict[str, list[Any]]:
    columns = {}
    known = {column.name: column.dtype for column in signature.inputs}
    for name, tensor in tensors.items():
        dtype = known.get(name)
        if dtype is not None and tensor.get("datatype") not in _DATATYPES[dtype]:
            raise _wrong_datatype(name, tensor, _DATATYPES[dtype])
        values, data = _values(name, tensor, data)
        columns[name] = _one_column(name, tensor.get("shape"), values)
    _refuse_rest(data)
    return columns


def _matrix(tensor: Mapping[str, Any], data: memoryview, signature: Signature, limits: Limits) -> dict[str, list[Any]]:
    if tensor.get("datatype") not in tuple(NUMBERS):
        raise _wrong_datatype(MATRIX, tensor, tuple(NUMBERS))
    values, rest = _values(MATRIX, tensor, data)
    _refuse_rest(rest)
    names, shape = signature.names, tensor.get("shape")
    width = len(names)
    if _is_shape(shape) and len(shape) == 2 and shape[1] == width:
        if shape[0] > limits.max_rows:
            raise TooLarge(f"{shape[0]} rows, the limit is {limits.max_rows}", remedy="send smaller batches")
        if len(values) == shape[0] and all(isinstance(row, list) and len(row) == width for row in values):
            values = list(chain.from_iterable(values))
        if len(values) == shape[0] * width:
            return {name: values[place::width] for place, name in enumerate(names)}
    problem = f"shape must be [n, {width}], with as many values in `data`"
    raise RowsRejected("a tensor has the wrong shape", [Problem(None, MATRIX, problem, shape)])


def _one_column(name: str, shape: Any, values: list[Any]) -> list[Any]:
    rows = len(values)
    if shape == [rows, 1] and all(isinstance(value, list) and len(value) == 1 for value in values):
        values = [value[0] for value in values]
    if not _is_shape(shape) or shape not in ([rows], [rows, 1]):
        problem = f"shape must be [n] or [n, 1], with n = {rows} values in `data`"
        raise RowsRejected("a tensor has the wrong shape", [Problem(None, name, problem, shape)])
    return values


def _is_shape(shape: Any) -> TypeGuard[list[int]]:
    return isinstance(shape, list) and all(type(size) is int for size in shape)


def _values(name: str, tensor: Mapping[str, Any], data: memoryview) -> tuple[list[Any], memoryview]:
    """Return a tensor's values, and the binary data that is left for those after it."""
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        if not isinstance(tensor.get("data"), list):
            raise RowsRejected("a tensor has no data", [Problem(None, name, "`data` is not an array")])
        return tensor["data"], data
    if type(size) is not int or not 0 <= size <= len(data) or "data" in tensor:
        problem = Problem(None, name, f"binary_data_size must say how many of {len(data)} bytes are its data", size)
        raise RowsRejected("a tensor's binary data is not there", [problem])
    return _unpacked(name, tensor.get("datatype"), data[:size]), data[size:]


def _unpacked(name: str, kind: Any, data: memoryview) -> list[Any]:
    if kind == "BYTES":
        return _texts(name, bytes(data))
    dtype = _BINARY.get(kind) if isinstance(kind, str) else None
    if dtype is None or len(data) % dtype.itemsize:
        problem = Problem(None, name, f"{len(data)} bytes are no values of this datatype", kind)
        raise RowsRejected("a tensor's binary data cannot be read", [problem])
    values: list[Any] = np.frombuffer(data, dtype).tolist()
    return values


def _texts(name: str, data: bytes) -> list[str]:
    texts, at = [], 0
    try:
        while at < len(data):
            size = int.from_bytes(data[at : at + _LENGTH_BYTES], "little")
            at += _LENGTH_BYTES + size
            if at > len(data):
                raise ValueError("it ends too early")
            texts.append(data[at - size : at].decode("utf-8"))
    except ValueError as error:
        raise RowsRejected("a tensor's binary data cannot be read", [Problem(None, name, str(error))]) from error
    return texts


def _packed(answers: NDArray[Any]) -> bytes:
    if answers.dtype != object:
        return answers.astype(answers.dtype.newbyteorder("<"), copy=False).tobytes()
    texts = [text.encode("utf-8", "replace") for text in answers.tolist()]
    return b"".join(chain.from_iterable((len(text).to_bytes(_LENGTH_BYTES, "little"), text) for text in texts))


def _refuse_rest(data: memoryview) -> None:
    if len(data):
        raise RowsRejected(f"{len(data)} bytes of binary data belong to no tensor")


def _wrong_datatype(name: str, tensor: Mapping[str, Any], allowed: Sequence[str]) -> RowsRejected:
    problem = Problem(None, name, f"datatype must be one of {', '.join(allowed)}", tensor.get("datatype"))
    return RowsRejected("a tensor has the wrong datatype", [problem])
