"""Cases as bytes on the wire, and replies as answers: the two protocols of the service."""

from __future__ import annotations

import json
import shlex
from typing import Any

from slipway.core.signature import DType, Signature
from slipway.scenarios.suite import Case, Flag, Form, Row, Served

INVOCATIONS = "/invocations"
V2_DATATYPES = {DType.FLOAT: "FP64", DType.INT: "INT64", DType.STRING: "BYTES", DType.BOOL: "BOOL"}


def path_of(case: Case, model: str) -> str:
    """Return the path that a case is posted to.

    >>> from slipway.scenarios.suite import CaseClass
    >>> path_of(Case(name="a", kind=CaseClass.EDGE, form=Form.V2), "tumor_malignancy")
    '/v2/models/tumor_malignancy/infer'
    """
    return f"/v2/models/{model}/infer" if case.form is Form.V2 else INVOCATIONS


def body_of(case: Case, signature: Signature) -> bytes:
    """Return a case's request body; numbers are written so that they read back exactly."""
    if case.body is not None:
        return case.body
    return json.dumps(payload_of(case, signature), ensure_ascii=False).encode()


def payload_of(case: Case, signature: Signature) -> dict[str, Any]:
    """Return a case's rows in the case's form.

    Only records can leave a column out of some rows; the other forms write ``null`` there.
    """
    rows = case.rows
    if case.form in (Form.RECORDS, Form.INSTANCES):
        return {case.form.value: [dict(row) for row in rows]}
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if case.form is Form.SPLIT:
        data = [[row.get(name) for name in columns] for row in rows]
        return {case.form.value: {"columns": columns, "data": data}}
    if case.form is Form.INPUTS:
        return {case.form.value: {name: [row.get(name) for row in rows] for name in columns}}
    return {"inputs": [_tensor(name, rows, signature) for name in columns]}


def _tensor(name: str, rows: tuple[Row, ...], signature: Signature) -> dict[str, Any]:
    dtype = next((column.dtype for column in signature.inputs if column.name == name), DType.FLOAT)
    data = [row.get(name) for row in rows]
    return {"name": name, "shape": [len(data)], "datatype": V2_DATATYPES[dtype], "data": data}


def read_served(case: Case, body: bytes, signature: Signature) -> Served:
    """Return the answers and flags in a 200 reply; ValueError, saying what is amiss, if it does not hold them."""
    try:
        data = json.loads(body)
        answers, flags = _read_v2(data, signature) if case.form is Form.V2 else (data["predictions"], data.get("flags"))
        if not isinstance(answers, list):
            raise ValueError(f"predictions are {type(answers).__name__}, not a list")
        return Served(answers=tuple(answers), flags=frozenset(_flag(flag) for flag in flags or ()))
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the reply lacks {error}" if isinstance(error, KeyError) else str(error)) from error


def _read_v2(data: dict[str, Any], signature: Signature) -> tuple[Any, Any]:
    outputs = data["outputs"]
    found = [output for output in outputs if output["name"] == signature.output.name]
    if not found:
        raise ValueError(f"no output is named {signature.output.name!r}")
    answers = found[0]["data"]
    if found[0]["shape"][0] != len(answers):
        raise ValueError(f"shape {found[0]['shape']} with {len(answers)} values")
    return answers, (data.get("parameters") or {}).get("flags")


def _flag(flag: dict[str, Any]) -> Flag:
    return Flag(int(flag["row"]), str(flag["column"]), str(flag["policy"]), str(flag["reason"]))


def curl_line(url: str, path: str, body: bytes, *, file_name: str) -> str:
    """Return a shell line that repeats a request; a long or binary body is read from ``file_name``.

    >>> curl_line("http://127.0.0.1:8080", "/invocations", b"{}", file_name="failure-1.body")
    "curl -sS -H 'content-type: application/json' --data-binary '{}' http://127.0.0.1:8080/invocations"
    """
    try:
        text = body.decode()
        data = shlex.quote(text) if len(text) <= 6000 and "\0" not in text else f"@{file_name}"
    except UnicodeDecodeError:
        data = f"@{file_name}"
    return f"curl -sS -H 'content-type: application/json' --data-binary {data} {shlex.quote(url.rstrip('/') + path)}"
