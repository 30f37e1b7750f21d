"""Golden answers: rows, and what the independent reference answers to them.

They travel with a version: the load test checks answers under load against them, the deployment's smoke test and
watch replay them, a later rebuild must still give them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.signature import Value
from slipway.errors import EvidenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far an answer may lie from the reference's."""

    absolute: float
    relative: float

    def agrees(self, answer: Value, expected: Value) -> bool:
        """Tell whether ``|answer - expected| <= absolute + relative * |expected|``; labels must be equal.

        >>> Tolerance(absolute=0.0, relative=0.01).agrees(1.005, 1.0)
        True
        """
        numbers = [v for v in (answer, expected) if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < 2:
            return type(answer) is type(expected) and answer == expected
        got, want = float(numbers[0]), float(numbers[1])
        return math.isfinite(got) and abs(got - want) <= self.absolute + self.relative * abs(want)


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Rows that the model accepts, and the reference's answers, in the same order."""

    rows: tuple[Mapping[str, Value], ...]
    answers: tuple[Value, ...]
    tolerance: Tolerance

    def __post_init__(self) -> None:
        """Refuse an empty set, and rows without answers."""
        if not self.rows or len(self.rows) != len(self.answers):
            raise EvidenceError(
                f"{len(self.rows)} golden rows with {len(self.answers)} answers", remedy="run the scenarios again"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "rows": [dict(row) for row in self.rows],
            "answers": list(self.answers),
            "tolerance": {"absolute": self.tolerance.absolute, "relative": self.tolerance.relative},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Golden:
        """Read what :meth:`to_json` wrote."""
        return cls(rows=tuple(data["rows"]), answers=tuple(data["answers"]), tolerance=Tolerance(**data["tolerance"]))
