"""What a new dataset promises: its expectation suite and its data contract, from what was seen of it. Pure.

Severities: what makes the data another table is ``fail``; a single row that is off is set aside (``quarantine``);
a drift of the whole is worth a ``warn``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slipway.core.signature import DType
from slipway.onboarding.declare import declared_range
from slipway.onboarding.info import ModelInfo
from slipway.onboarding.observe import Seen, SeenColumn

_STORED_AS = {
    DType.FLOAT: ["float64", "float32"],
    DType.INT: ["int64", "int32", "Int64", "float64"],
    DType.STRING: ["str", "object", "string"],
    DType.BOOL: ["bool", "boolean"],
}
_TABLE_ROWS = (0.1, 100)  # shares of the rows seen: a snapshot far outside of these is another table


def expectation_suite(dataset: str, seen: Seen) -> dict[str, Any]:
    """Return the content of suite.json, for Great Expectations 1.x."""
    return {"name": dataset, "expectations": list(_expectations(seen)), "meta": {}}


def data_contract(seen: Seen, info: ModelInfo) -> dict[str, Any]:
    """Return the content of contract.yaml."""
    return {
        "owner": {"team": info.team, "contact": info.contact},
        "purpose": info.purpose,
        "source": "Not stated yet: where the rows come from, and under which licence",
        "schema": [_promise(column) for column in (*seen.inputs, seen.label)],
        "freshness": {"max_age_days": 365},
        "retention": {"keep_days": 1825},
    }


def _promise(column: SeenColumn) -> dict[str, Any]:
    return {"name": column.name, "dtype": column.dtype.value, "unit": "1", "nullable": not column.required}


def _expectations(seen: Seen) -> Iterator[dict[str, Any]]:
    columns = (*seen.inputs, seen.label)
    names = [column.name for column in columns]
    low, high = (max(1, round(seen.rows * share)) for share in _TABLE_ROWS)
    yield _expect("table_row_count_to_be_between", "fail", "another table", min_value=low, max_value=high)
    yield _expect(
        "table_columns_to_match_set",
        "warn",
        "the producer has added or taken away a column",
        column_set=[*names, *seen.extra],
        exact_match=True,
    )
    for name in names:
        yield _expect("column_to_exist", "fail", "the model needs it", column=name)
    for column in seen.inputs:
        yield from _of_input(column)
    yield from _of_label(seen.label)
    yield _expect(
        "compound_columns_to_be_unique",
        "quarantine",
        "a row that is there twice may end up on both sides of the split",
        column_list=[column.name for column in seen.inputs],
    )


def _of_input(column: SeenColumn) -> Iterator[dict[str, Any]]:
    name = column.name
    yield _of_type(column)
    if column.required:
        yield _expect("column_values_to_not_be_null", "quarantine", "the model needs a value", column=name)
    else:
        yield _expect(
            "column_values_to_not_be_null", "warn", "more gaps than a model can fill in", column=name, mostly=0.8
        )
    if column.values:
        yield _expect(
            "column_values_to_be_in_set", "quarantine", "the values seen", column=name, value_set=list(column.values)
        )
    bounds = declared_range(column)
    if bounds:
        yield _expect(
            "column_values_to_be_between",
            "quarantine",
            "the range seen, with a margin",
            column=name,
            min_value=bounds["min"],
            max_value=bounds["max"],
        )
        yield _mean(column, "warn", 0.5)


def _of_label(label: SeenColumn) -> Iterator[dict[str, Any]]:
    yield _of_type(label)
    yield _expect("column_values_to_not_be_null", "fail", "a row without its label", column=label.name)
    if label.dtype is DType.INT and (label.low, label.high) == (0, 1):
        yield _expect("column_values_to_be_in_set", "fail", "two classes", column=label.name, value_set=[0, 1])
    else:
        bounds = declared_range(label)
        yield _expect(
            "column_values_to_be_between",
            "fail",
            "the range seen, with a margin",
            column=label.name,
            min_value=bounds["min"],
            max_value=bounds["max"],
        )
    yield _mean(label, "fail", 0.75)


def _of_type(column: SeenColumn) -> dict[str, Any]:
    return _expect(
        "column_values_to_be_in_type_list",
        "fail",
        f"stored as {column.dtype.value}",
        column=column.name,
        type_list=_STORED_AS[column.dtype],
    )


def _mean(column: SeenColumn, severity: str, deviations: float) -> dict[str, Any]:
    mean, room = column.mean or 0.0, deviations * (column.std or 1.0)
    return _expect(
        "column_mean_to_be_between",
        severity,
        f"within {deviations} standard deviations of the mean seen",
        column=column.name,
        min_value=float(f"{mean - room:.4g}"),
        max_value=float(f"{mean + room:.4g}"),
    )


def _expect(kind: str, severity: str, why: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "meta": {"severity": severity, "why": why}}
