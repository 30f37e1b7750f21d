"""A model's signature: each input's type, unit and range, and what a value outside of it gets.

Rules
-----
1. A value of the wrong type is rejected; so is a non-finite number. No policy changes that.
2. A missing value gets ``on_missing``: ``reject``, ``impute: v`` (the server puts ``v`` in its place), or,
   in a nullable column only, ``flag`` (the model sees the missing value, the answer says so).
3. A value outside [min, max], or outside ``categories``, gets ``on_out_of_range``: ``reject``, ``clip`` (numbers
   only), ``impute: v``, or ``flag`` (the model sees it as it is, the answer says so).
4. Columns may come in any order. An extra column is rejected or ignored, as declared; a column that is absent is
   missing in every row.

Standard library only: the same declaration is read in the container.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.errors import SignatureError

Value = float | int | str | bool | None


class DType(StrEnum):
    """The type of a column's values as JSON carries them."""

    FLOAT = "float"
    INT = "int"
    STRING = "string"
    BOOL = "bool"

    @property
    def is_numeric(self) -> bool:
        """Whether a range can be declared for it."""
        return self in (DType.FLOAT, DType.INT)

    def admits(self, value: object) -> bool:
        """Tell whether a JSON value is of this type; an integral float is an int, a bool is not a number."""
        if self is DType.BOOL:
            return isinstance(value, bool)
        if self is DType.STRING:
            return isinstance(value, str)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        try:
            finite = math.isfinite(value)
        except OverflowError:
            return False
        return finite and (self is DType.FLOAT or float(value).is_integer())


class Action(StrEnum):
    """What a missing or out-of-range value gets."""

    REJECT = "reject"
    CLIP = "clip"
    IMPUTE = "impute"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Policy:
    """An action and, for ``impute``, its value.

    >>> Policy.parse({"impute": 3.5})
    Policy(action=<Action.IMPUTE: 'impute'>, value=3.5)
    >>> Policy.parse("reject").to_json()
    'reject'
    """

    action: Action
    value: Value = None

    def __post_init__(self) -> None:
        """Refuse an impute without a value, and a value without an impute."""
        if (self.action is Action.IMPUTE) != (self.value is not None):
            raise SignatureError(
                f"policy {self.action} with value {self.value!r}", remedy="write `impute: <value>`, or an action alone"
            )

    @classmethod
    def parse(cls, declared: object) -> Policy:
        """Read ``reject``, ``clip``, ``flag`` or ``{"impute": value}``."""
        if isinstance(declared, Policy):
            return declared
        if isinstance(declared, Mapping) and set(declared) == {"impute"}:
            return cls(Action.IMPUTE, declared["impute"])
        if declared in (Action.REJECT, Action.CLIP, Action.FLAG):
            return cls(Action(str(declared)))
        raise SignatureError(f"{declared!r} is not a policy", remedy="write reject, clip, flag or `impute: <value>`")

    def to_json(self) -> Any:
        """Return it as it is declared."""
        return {"impute": self.value} if self.action is Action.IMPUTE else self.action.value


REJECT = Policy(Action.REJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One input.

    Attributes
    ----------
    name, dtype, unit : str, DType, str
        ``unit`` is free text ("mm", "1" for none).
    min, max : float or None
        The declared range, both ends included; numbers only.
    nullable : bool
        Whether the model itself takes a missing value.
    categories : tuple of str
        The declared values of a string column; empty for any.
    on_missing, on_out_of_range : Policy
    """

    name: str
    dtype: DType
    unit: str = "1"
    min: float | None = None
    max: float | None = None
    nullable: bool = False
    categories: tuple[str, ...] = ()
    on_missing: Policy = REJECT
    on_out_of_range: Policy = REJECT

    def __post_init__(self) -> None:
        """Refuse a column that contradicts itself."""
        for problem in self._problems():
            raise SignatureError(f"column {self.name!r}: {problem}", remedy="correct this column in the signature")

    def _problems(self) -> list[str]:
        found = []
        bounded = self.min is not None or self.max is not None
        if bounded and not self.dtype.is_numeric:
            found.append(f"min and max need a number, not {self.dtype}")
        if self.min is not None and self.max is not None and not self.min < self.max:
            found.append(f"min {self.min} is not below max {self.max}")
        if self.categories and self.dtype is not DType.STRING:
            found.append(f"categories need a string column, not {self.dtype}")
        if self.on_missing.action is Action.CLIP:
            found.append("a missing value cannot be clipped")
        if self.on_missing.action is Action.FLAG and not self.nullable:
            found.append("on_missing: flag hands the missing value to the model, so the column must be nullable")
        if self.on_out_of_range.action is Action.CLIP and not bounded:
            found.append("on_out_of_range: clip needs min or max")
        for policy in (self.on_missing, self.on_out_of_range):
            if policy.action is Action.IMPUTE and not self.holds(policy.value):
                found.append(f"impute value {policy.value!r} is not a {self.dtype} in range")
        return found

    def in_range(self, value: Value) -> bool:
        """Tell whether a value of the right type lies in the declared range or categories."""
        if isinstance(value, str):
            return not self.categories or value in self.categories
        if value is None:
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def holds(self, value: Value) -> bool:
        """Tell whether a value is of the right type and in range."""
        return self.dtype.admits(value) and self.in_range(value)

    def to_json(self) -> dict[str, Any]:
        """Return the column as it is declared."""
        return {
            "name": self.name,
            "dtype": self.dtype.value,
            "unit": self.unit,
            "min": self.min,
            "max": self.max,
            "nullable": self.nullable,
            "categories": list(self.categories),
            "on_missing": self.on_missing.to_json(),
            "on_out_of_range": self.on_out_of_range.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        """Read what :meth:`to_json` wrote."""
        return cls(
            name=data["name"],
            dtype=DType(data["dtype"]),
            unit=data.get("unit", "1"),
            min=data.get("min"),
            max=data.get("max"),
            nullable=data.get("nullable", False),
            categories=tuple(data.get("categories") or ()),
            on_missing=Policy.parse(data.get("on_missing", "reject")),
            on_out_of_range=Policy.parse(data.get("on_out_of_range", "reject")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the model answers with, one number or label a row.

    ``index`` picks a column when the model itself returns several (class probabilities).
    """

    name: str
    dtype: DType = DType.FLOAT
    unit: str = "1"
    min: float | None = None
    max: float | None = None
    index: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the output as it is declared."""
        return {
            "name": self.name,
            "dtype": self.dtype.value,
            "unit": self.unit,
            "min": self.min,
            "max": self.max,
            "index": self.index,
        }


class ExtraColumns(StrEnum):
    """What a column that the signature does not name gets."""

    REJECT = "reject"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A model's inputs, in the order that the model wants them, and its output."""

    inputs: tuple[Column, ...]
    output: Output
    extra_columns: ExtraColumns = ExtraColumns.REJECT

    def __post_init__(self) -> None:
        """Refuse a signature without inputs or with a name twice."""
        names = [column.name for column in self.inputs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            raise SignatureError(
                f"inputs named twice: {', '.join(twice)}" if twice else "no inputs",
                remedy="declare each input once under signature.inputs",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs' names, in order."""
        return tuple(column.name for column in self.inputs)

    def column(self, name: str) -> Column:
        """Return one input by name; KeyError if there is none."""
        return {column.name: column for column in self.inputs}[name]

    def to_json(self) -> dict[str, Any]:
        """Return the signature as JSON values."""
        return {
            "inputs": [column.to_json() for column in self.inputs],
            "output": self.output.to_json(),
            "extra_columns": self.extra_columns.value,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Signature:
        """Read what :meth:`to_json` wrote."""
        output = dict(data["output"])
        output["dtype"] = DType(output.get("dtype", "float"))
        return cls(
            inputs=tuple(Column.from_json(column) for column in data["inputs"]),
            output=Output(**output),
            extra_columns=ExtraColumns(data.get("extra_columns", "reject")),
        )
