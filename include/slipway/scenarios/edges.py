"""Edge cases: malformed JSON, numbers that are none, empty and odd requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from slipway.core.signature import DType
from slipway.scenarios.draws import Draws
from slipway.scenarios.suite import Case, CaseClass, Form

EDGE = CaseClass.EDGE
HUGE_INT = 10**400
NOT_FINITE = (("NaN", float("nan")), ("Infinity", float("inf")), ("-Infinity", float("-inf")), ("10**400", HUGE_INT))


def edges(draws: Draws) -> list[Case]:
    """Return every edge case."""
    return [*_odd_rows(draws), *_not_finite(draws), *_batches(draws), *_bodies(draws)]


def _odd_rows(draws: Draws) -> Iterator[Case]:
    base = draws.holdout.base
    extra = {**base, "a_column_that_nobody_declared": 1}
    for form in Form:
        yield Case(name=f"extra column, {form}", kind=EDGE, rows=(extra,), form=form, why="an extra column")
    unicode_extra = {**base, "größe ☃": None}
    yield Case(name="extra column with an odd name", kind=EDGE, rows=(unicode_extra,), why="an extra column")
    for column in draws.signature.inputs:
        value: Any = base[column.name]
        if column.dtype is DType.INT:
            row = {**base, column.name: float(value)}
            yield Case(name=f"{column.name} as a whole float", kind=EDGE, rows=(row,), columns=(column.name,))
        if column.dtype is DType.FLOAT and column.in_range(round(value)):
            row = {**base, column.name: round(value)}
            yield Case(name=f"{column.name} without a fraction", kind=EDGE, rows=(row,), columns=(column.name,))
        if column.dtype is DType.STRING:
            row = {**base, column.name: "Ünï-çödé 日本 \u0000 \U0001f6a2"}
            yield Case(name=f"{column.name} in Unicode", kind=EDGE, rows=(row,), columns=(column.name,))


def _not_finite(draws: Draws) -> Iterator[Case]:
    """NaN for every number, and each other literal for one of them."""
    base = draws.holdout.base
    numeric = [column.name for column in draws.signature.inputs if column.dtype.is_numeric]
    for name in numeric:
        yield Case(name=f"{name} NaN", kind=EDGE, rows=({**base, name: float("nan")},), columns=(name,), why="NaN")
    for label, value in NOT_FINITE if numeric else ():
        name = numeric[draws.index(len(numeric))]
        for form in Form:
            row = {**base, name: value}
            yield Case(name=f"{name} {label}, {form}", kind=EDGE, rows=(row,), form=form, columns=(name,), why=label)
    if numeric:
        body = json.dumps({"dataframe_records": [{**base, numeric[0]: "@"}]}).replace('"@"', "1e400").encode()
        yield Case(
            name=f"{numeric[0]} 1e400", kind=EDGE, body=body, columns=(numeric[0],), why="too large for a double"
        )


def _batches(draws: Draws) -> Iterator[Case]:
    """One bad row among good ones rejects the request, and the rejection names its column."""
    for i, column in enumerate(draws.signature.inputs[:3]):
        bad = {**draws.real(), column.name: 3.5 if column.dtype is DType.STRING else "not a value"}
        rows = (draws.real(), draws.real(), bad, draws.real())
        for form in (Form.RECORDS, Form.SPLIT, Form.V2):
            why = "one bad row of four"
            yield Case(name=f"bad row {i}, {form}", kind=EDGE, rows=rows, form=form, columns=(column.name,), why=why)


def _bodies(draws: Draws) -> Iterator[Case]:
    names = list(draws.signature.names)
    values = [draws.holdout.base[name] for name in names]
    good = json.dumps({"dataframe_split": {"columns": names, "data": [values]}}).encode()
    bodies: dict[str, bytes] = {
        "empty body": b"",
        "truncated JSON": good[: len(good) // 2],
        "JSON and more": good + b" and more",
        "not UTF-8": b'{"dataframe_records": [{"\xff\xfe": 1}]}',
        "nested too deeply": b'{"dataframe_records": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    }
    odd: dict[str, Any] = {
        "null": None,
        "a list": [],
        "a number": 7,
        "an empty object": {},
        "an unknown key": {"rows": [dict(draws.holdout.base)]},
        "records empty": {"dataframe_records": []},
        "records null": {"dataframe_records": None},
        "records of a number": {"dataframe_records": 5},
        "records of lists": {"dataframe_records": [[1, 2]]},
        "split empty": {"dataframe_split": {"columns": names, "data": []}},
        "split without columns": {"dataframe_split": {"data": [values]}},
        "split ragged": {"dataframe_split": {"columns": names, "data": [[*values, 1]]}},
        "split with a column twice": {
            "dataframe_split": {"columns": [*names, names[0]], "data": [[*values, values[0]]]}
        },
        "instances empty": {"instances": []},
        "inputs empty": {"inputs": {}},
        "inputs without rows": {"inputs": {name: [] for name in names}},
        "inputs ragged": {
            "inputs": {**{name: [value] for name, value in zip(names, values, strict=True)}, names[0]: []}
        },
    }
    bodies |= {name: json.dumps(value).encode() for name, value in odd.items()}
    for name, body in bodies.items():
        yield Case(name=f"body: {name}", kind=EDGE, body=body, why=name)
    for name, payload in _v2_payloads(names[0]).items():
        yield Case(name=f"v2 body: {name}", kind=EDGE, body=json.dumps(payload).encode(), form=Form.V2, why=name)
    yield Case(name="v2 body: truncated JSON", kind=EDGE, body=b'{"inputs": [{"na', form=Form.V2, why="truncated")


def _v2_payloads(name: str) -> dict[str, Any]:
    tensor: dict[str, Any] = {"name": name, "shape": [1], "datatype": "FP64", "data": [1.0]}
    return {
        "no inputs": {"inputs": []},
        "inputs null": {"inputs": None},
        "empty object": {},
        "shape without its data": {"inputs": [{**tensor, "shape": [3]}]},
        "unknown datatype": {"inputs": [{**tensor, "datatype": "FP1"}]},
        "no data": {"inputs": [{"name": name, "shape": [1], "datatype": "FP64"}]},
        "no rows": {"inputs": [{**tensor, "shape": [0], "data": []}]},
    }
