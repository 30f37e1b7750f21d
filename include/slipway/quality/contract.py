"""The dataset's data contract: which columns its producer promises, and whether a snapshot and a model agree with it.

Rules
-----
1. A required column is present; values have the promised type and range; one is missing only where nullable.
2. Every input and the label of the model are promised: what nobody promises can change without notice.
3. An input's unit in the signature is the unit of the contract: a silent change of unit is how good models go wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.signature import Column, DType
from slipway.core.spec import ModelSpec
from slipway.errors import GateConfigurationError, SignatureError
from slipway.quality.conformance import Violation, column_violations
from slipway.specs import read_yaml

if TYPE_CHECKING:
    import pandas as pd

CONTRACT_FILE = "contract.yaml"
TYPE_NAMES = {
    "number": DType.FLOAT,
    "double": DType.FLOAT,
    "integer": DType.INT,
    "boolean": DType.BOOL,
    **{d.value: d for d in DType},
}


@dataclass(frozen=True, slots=True)
class Promise:
    """One promised column, and whether it is always there. ``unit`` None: the contract does not say."""

    column: Column
    required: bool
    unit: str | None


def load_contract(folder: Path) -> tuple[Promise, ...]:
    """Return the promises under ``schema`` in ``folder/contract.yaml``.

    Raises
    ------
    SpecError
        If the file is missing or is not YAML.
    GateConfigurationError
        If it promises nothing, or a column's entry does not hold.
    """
    data = read_yaml(folder / CONTRACT_FILE)
    schema = data.get("schema") if isinstance(data, Mapping) else None
    entries = schema.get("columns") if isinstance(schema, Mapping) else schema
    if not isinstance(entries, list) or not entries:
        raise GateConfigurationError(
            f"{folder / CONTRACT_FILE} promises no column", remedy="list the columns under schema: name, type, nullable"
        )
    return tuple(_promise(entry) for entry in entries)


def contract_violations(frame: pd.DataFrame, promises: tuple[Promise, ...], spec: ModelSpec) -> tuple[Violation, ...]:
    """Return everything in which a snapshot file or the signature breaks the contract, by rules 1 to 3."""
    found: list[Violation] = []
    for promise in promises:
        if promise.required or promise.column.name in frame.columns:
            found.extend(column_violations(frame, promise.column))
    by_name = {promise.column.name: promise for promise in promises}
    found.extend(
        Violation(column=name, problem="the contract does not promise this column")
        for name in (*spec.to_signature().names, spec.quality.label)
        if name not in by_name
    )
    for column in spec.to_signature().inputs:
        promised = by_name[column.name].unit if column.name in by_name else None
        if promised is not None and promised != column.unit:
            found.append(
                Violation(
                    column=column.name,
                    problem=f"the contract says unit {promised!r}, the signature {column.unit!r}",
                )
            )
    return tuple(found)


def _promise(entry: Any) -> Promise:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    declared = entry.get("dtype", entry.get("type")) if isinstance(entry, Mapping) else None
    if not name or declared not in TYPE_NAMES:
        raise GateConfigurationError(
            f"contract column {name or entry!r} has type {declared!r}",
            remedy=f"give each column a name and one of the types {', '.join(sorted(TYPE_NAMES))}",
        )
    try:
        column = Column(
            name=str(name),
            dtype=TYPE_NAMES[declared],
            nullable=bool(entry.get("nullable", False)),
            min=entry.get("min"),
            max=entry.get("max"),
        )
    except SignatureError as error:
        raise GateConfigurationError(
            f"contract {error.reason}", remedy="correct this column in the contract"
        ) from error
    unit = entry.get("unit")
    return Promise(column, bool(entry.get("required", True)), None if unit is None else str(unit))
