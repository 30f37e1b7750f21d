"""The declared policies, applied to a request: what the service must reject, and what the model must see otherwise.

Written from the declaration alone, value by value in plain Python, and shared with nothing that serves:
this is one of the two sides that the scenarios compare.

Rules
-----
1. A value of the wrong type is rejected; so is a number that is not finite. A bool is not a number.
2. ``null`` and an absent column are missing.
3. A missing or out-of-range value gets its policy. One that is replaced or passed on leaves a flag.
4. One rejected value rejects the whole request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.signature import Action, Column, DType, ExtraColumns, Policy, Signature, Value
from slipway.scenarios.suite import ANSWERED, MALFORMED, REJECTED, Case, Expectation, Flag, Row

LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class Treated:
    """A row as the model must see it, its flags as (column, policy, reason), and the columns that reject it."""

    row: Mapping[str, Value]
    flags: tuple[tuple[str, str, str], ...] = ()
    rejected: tuple[str, ...] = ()
    malformed: bool = False

    @property
    def plain(self) -> bool:
        """Whether the model takes the row exactly as it was sent."""
        return not self.flags and not self.rejected


def treat(row: Row, signature: Signature) -> Treated:
    """Apply the signature and its policies to one row.

    >>> from slipway.core.signature import Output, Policy
    >>> age = Column(name="age", dtype=DType.INT, min=0, max=120, on_out_of_range=Policy(Action.CLIP))
    >>> treated = treat({"age": 130.0}, Signature(inputs=(age,), output=Output(name="risk")))
    >>> dict(treated.row), treated.flags
    ({'age': 120}, (('age', 'clip', 'out_of_range'),))
    """
    seen: dict[str, Value] = {}
    flags: list[tuple[str, str, str]] = []
    rejected: list[str] = []
    known = {column.name for column in signature.inputs}
    if signature.extra_columns is ExtraColumns.REJECT:
        rejected += [name for name in row if name not in known]
    for column in signature.inputs:
        value, policy, reason = _judge(column, row.get(column.name))
        if reason == "type" or (policy is not None and policy.action is Action.REJECT):
            rejected.append(column.name)
        elif policy is not None:
            value = _apply(policy, column, value)
            flags.append((column.name, policy.action.value, reason))
        seen[column.name] = value
    return Treated(seen, tuple(flags), tuple(rejected), any(_not_finite(value) for value in row.values()))


def expect(case: Case, signature: Signature) -> Expectation:
    """Return what a case must get; the answers are the reference's to add."""
    if case.body is not None:
        return Expectation(statuses=MALFORMED)
    treated = [treat(row, signature) for row in case.rows]
    culprits = frozenset(name for one in treated for name in one.rejected)
    if culprits or not case.rows:
        loose = not case.rows or any(one.malformed for one in treated)
        return Expectation(statuses=MALFORMED if loose else REJECTED, culprits=culprits)
    flags = frozenset(Flag(i, *flag) for i, one in enumerate(treated) for flag in one.flags)
    return Expectation(statuses=ANSWERED, rows=tuple(one.row for one in treated), flags=flags)


def _judge(column: Column, value: Any) -> tuple[Any, Policy | None, str]:
    """Return the value in its column's type, the policy that it meets (if any), and why."""
    if value is None:
        return None, column.on_missing, "missing"
    if not _right_type(column.dtype, value):
        return value, None, "type"
    if column.dtype is DType.INT:
        value = int(value)
    elif column.dtype is DType.FLOAT:
        value = float(value)
    if _outside(column, value):
        return value, column.on_out_of_range, "out_of_range"
    return value, None, ""


def _right_type(dtype: DType, value: Any) -> bool:
    if dtype is DType.STRING:
        return isinstance(value, str)
    if dtype is DType.BOOL:
        return value is True or value is False
    if isinstance(value, bool) or not isinstance(value, int | float) or _not_finite(value):
        return False
    return dtype is DType.FLOAT or value == math.floor(value)


def _not_finite(value: Any) -> bool:
    """Tell whether a number is not finite, or is too large for a double."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not -LARGEST <= value <= LARGEST


def _outside(column: Column, value: Any) -> bool:
    if column.dtype is DType.STRING:
        return bool(column.categories) and value not in column.categories
    below = column.min is not None and value < column.min
    above = column.max is not None and value > column.max
    return below or above


def _apply(policy: Policy, column: Column, value: Any) -> Value:
    """Return what the model must see in the value's place."""
    if policy.action is Action.IMPUTE:
        value = policy.value
    elif policy.action is Action.CLIP and column.min is not None and value < column.min:
        value = math.ceil(column.min) if column.dtype is DType.INT else column.min
    elif policy.action is Action.CLIP and column.max is not None:
        value = math.floor(column.max) if column.dtype is DType.INT else column.max
    if value is not None and column.dtype is DType.FLOAT:
        return float(value)
    return int(value) if value is not None and column.dtype is DType.INT else value
