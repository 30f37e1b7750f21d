"""Bytes to columns of JSON values, and predictions to bytes. No type, range or policy is judged here.

MLflow's forms of a body; those of the Open Inference Protocol are in `tensors.py`. A :class:`Table` holds what the
caller sent, column by column, JSON's own values, null for missing. Columns that the signature does not name are listed
apart; a column that is absent is absent from the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from slipway.core.signature import Signature
from slipway.serving.bodies import Body
from slipway.serving.config import Limits
from slipway.serving.faults import MAX_PROBLEMS, Malformed, Problem, RowsRejected, TooLarge

_LONGEST_INT = 400
_FEW = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A request's rows, as sent.

    Attributes
    ----------
    rows : int
        At least 1.
    columns : mapping of str to sequence
        JSON values, ``rows`` of them in each; columns of the signature only.
    extra : mapping of str to (int or None)
        Columns that the signature does not name, and the first row that has each (None: the whole table).
    request_id : str or None
        The ``id`` of a v2 request.
    binary : bool
        Whether a v2 caller asked for its answer as binary data.
    """

    rows: int
    columns: Mapping[str, Sequence[Any]]
    extra: Mapping[str, int | None] = field(default_factory=dict)
    request_id: str | None = None
    binary: bool = False


def decode_invocations(body: bytes, signature: Signature, limits: Limits) -> Table:
    """Read an MLflow-compatible body: dataframe_records, dataframe_split, instances or inputs.

    Raises
    ------
    Malformed
        If the body is not JSON.
    RowsRejected
        If it holds no table.
    TooLarge
        If it has more rows than the limit.
    """
    return read_invocations(parse(body), signature, limits)


def read_invocations(document: object, signature: Signature, limits: Limits) -> Table:
    """Read such a body when it is parsed already. Raises RowsRejected and TooLarge."""
    document = an_object(document)
    given = sorted(set(document) & set(_READERS))
    if len(given) != 1 or len(document) != 1:
        raise RowsRejected(f"the body must hold exactly one of {', '.join(_READERS)}, and nothing else")
    return _READERS[given[0]](document[given[0]], signature, limits)


def encode_invocations(answers: NDArray[Any], flags: Sequence[Mapping[str, Any]]) -> bytes:
    """Return ``{"predictions": [...]}``, with ``flags`` when there are any."""
    document: dict[str, Any] = {"predictions": plain(answers)}
    if flags:
        document["flags"] = flags
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def parse(body: Body) -> Any:
    """Return a JSON document's value; Malformed if it is not one.

    NaN, Infinity and numbers too large for a double are no JSON, yet callers send them: they are read as
    non-finite floats, so that the answer can name the row and column.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        first = error
    try:
        document = json.loads(bytes(body).decode("utf-8"), parse_int=_parse_int)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # half a surrogate pair could not be answered
    except (ValueError, RecursionError):
        raise Malformed(f"the body is not JSON: {first}", remedy="send a JSON object in UTF-8") from first
    return document


def _parse_int(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INT else float(text)


def an_object(document: object) -> dict[str, Any]:
    """Return a document that is a JSON object; RowsRejected for any other."""
    if not isinstance(document, dict):
        raise RowsRejected("the body must be a JSON object")
    return document


def _records(records: Any, signature: Signature, limits: Limits) -> Table:
    rows = _rows(records, limits)
    _each(records, lambda record: isinstance(record, dict), "is not an object")
    names = signature.names
    extra: dict[str, int | None] = {}
    if unknown := set().union(*records).difference(names):
        for row, record in enumerate(records):
            extra.update({name: row for name in unknown.intersection(record) if name not in extra})
    return Table(rows=rows, columns={name: [record.get(name) for record in records] for name in names}, extra=extra)


def _split(split: Any, signature: Signature, limits: Limits) -> Table:
    if not isinstance(split, dict) or not isinstance(split.get("columns"), list) or set(split) - _SPLIT_KEYS:
        raise RowsRejected("dataframe_split must be an object of `columns`, `data` and, at will, `index`")
    names = distinct(split["columns"], "column")
    return _transposed(split.get("data"), names, signature, limits)


def _instances(instances: Any, signature: Signature, limits: Limits) -> Table:
    _rows(instances, limits)
    if isinstance(instances[0], dict):
        return _records(instances, signature, limits)
    return _transposed(instances, signature.names, signature, limits)


def _inputs(inputs: Any, signature: Signature, limits: Limits) -> Table:
    if not isinstance(inputs, dict):
        raise RowsRejected("inputs must be an object: for each column its array of values")
    wrong = [Problem(None, name, "is not an array") for name, values in inputs.items() if not isinstance(values, list)]
    if wrong:
        raise RowsRejected("inputs must hold arrays", wrong)
    return by_column(inputs, signature, limits)


def _transposed(data: Any, names: Sequence[str], signature: Signature, limits: Limits) -> Table:
    rows = _rows(data, limits)
    width = len(names)
    _each(data, lambda row: isinstance(row, list) and len(row) == width, f"is not an array of {width} values")
    columns = dict(zip(names, zip(*data, strict=True), strict=True)) if width else {}
    return _known(columns, rows, signature)


def by_column(
    columns: Mapping[str, list[Any]],
    signature: Signature,
    limits: Limits,
    *,
    request_id: str | None = None,
    binary: bool = False,
) -> Table:
    """Return the table of columns that must be equally long. Raises RowsRejected and TooLarge."""
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise RowsRejected(f"the columns have different lengths: {', '.join(map(str, sorted(lengths)[:MAX_PROBLEMS]))}")
    rows = _rows(next(iter(columns.values()), []), limits)
    return _known(columns, rows, signature, request_id=request_id, binary=binary)


def _known(
    columns: Mapping[str, Sequence[Any]],
    rows: int,
    signature: Signature,
    *,
    request_id: str | None = None,
    binary: bool = False,
) -> Table:
    names = set(signature.names)
    return Table(
        rows=rows,
        columns={name: values for name, values in columns.items() if name in names},
        extra=dict.fromkeys(name for name in columns if name not in names),
        request_id=request_id,
        binary=binary,
    )


def _rows(values: Any, limits: Limits) -> int:
    if not isinstance(values, list) or not values:
        raise RowsRejected("the request has no rows" if values == [] else "the rows are not an array")
    if len(values) > limits.max_rows:
        raise TooLarge(f"{len(values)} rows, the limit is {limits.max_rows}", remedy="send smaller batches")
    return len(values)


def _each(rows: Sequence[Any], holds: Callable[[Any], bool], problem: str) -> None:
    wrong = [Problem(row, None, problem, value) for row, value in enumerate(rows) if not holds(value)]
    if wrong:
        raise RowsRejected(f"{len(wrong)} of {len(rows)} rows have the wrong form", wrong)


def distinct(names: Iterable[Any], what: str) -> list[str]:
    """Return names that must be texts, each of them once; RowsRejected otherwise."""
    listed = list(names)
    wrong = [Problem(None, None, f"a {what}'s name is not a string", name) for name in listed if type(name) is not str]
    if wrong:
        raise RowsRejected(f"a {what} has no name", wrong)
    if len(set(listed)) < len(listed):
        raise RowsRejected(f"a {what} is given twice")
    return listed


def plain(answers: NDArray[Any]) -> Any:
    """Return answers as orjson takes them quickest."""
    few = len(answers) <= _FEW
    return answers.tolist() if few or answers.dtype == object else np.ascontiguousarray(answers)


_SPLIT_KEYS = {"columns", "data", "index"}
_READERS: dict[str, Callable[[Any, Signature, Limits], Table]] = {
    "dataframe_records": _records,
    "dataframe_split": _split,
    "instances": _instances,
    "inputs": _inputs,
}
