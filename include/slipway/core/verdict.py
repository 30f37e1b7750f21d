"""Three-valued verdicts: what was measured against its threshold, and what follows.

Rules
-----
1. A measurement without a value, or of fewer samples than it needs, is INCONCLUSIVE, never PASSED.
2. A verdict is FAILED if any measurement failed, else INCONCLUSIVE if any is, else PASSED.
3. Nothing to decide on is not a pass: it is an error of configuration.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from slipway.errors import EvidenceError, GateConfigurationError


class Outcome(StrEnum):
    """The three values of a verdict."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"

    def __bool__(self) -> NoReturn:
        """Refuse: three values do not fit in two."""
        raise TypeError("a three-valued outcome has no truth value; compare it with `is`")

    @staticmethod
    def merge(outcomes: Iterable[Outcome]) -> Outcome:
        """Return the worst: FAILED over INCONCLUSIVE over PASSED. No outcome at all raises GateConfigurationError."""
        seen = set(outcomes)
        for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED):
            if outcome in seen:
                return outcome
        raise GateConfigurationError("there is nothing to decide on", remedy="configure at least one threshold")


class Bound(StrEnum):
    """Which side of its threshold a value must lie on."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number, what it is held against, and how many samples it stands on.

    Attributes
    ----------
    name : str
        Dotted, for instance ``latency.p95`` or ``slice.age>50.roc_auc``.
    value : float or None
        None when it could not be measured.
    threshold : float or None
        None for a number that is only recorded.
    bound : Bound or None
        ``max``: the value may not exceed the threshold. ``min``: it may not lie below. Goes with ``threshold``.
    unit : str
        "ms", "1/s", "rows", "1" for a ratio.
    n : int
        Samples behind the value.
    n_required : int
        Samples without which the value decides nothing.
    note : str
        One sentence for the reader: what to look at.
    """

    name: str
    value: float | None
    threshold: float | None = None
    bound: Bound | None = None
    unit: str = "1"
    n: int = 1
    n_required: int = 1
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a threshold without its side, and a value that is not a number."""
        if (self.threshold is None) != (self.bound is None):
            raise EvidenceError(f"{self.name}: a threshold needs a bound", remedy="give both, or neither")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise EvidenceError(f"{self.name}: threshold {self.threshold} is not finite", remedy="declare a number")
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)

    @property
    def outcome(self) -> Outcome | None:
        """The verdict of this measurement alone; None if it has no threshold."""
        if self.threshold is None:
            return None
        if self.value is None or self.n < self.n_required:
            return Outcome.INCONCLUSIVE
        held = self.value <= self.threshold if self.bound is Bound.MAX else self.value >= self.threshold
        return Outcome.PASSED if held else Outcome.FAILED

    def sentence(self) -> str:
        """Return the measurement as a person would say it."""
        value = "not measured" if self.value is None else f"{self.value:.6g}"
        unit = "" if self.unit == "1" else f" {self.unit}"
        if self.threshold is None:
            return f"{self.name} = {value}{unit} (n={self.n})"
        side = "at most" if self.bound is Bound.MAX else "at least"
        few = f", needs {self.n_required}" if self.n < self.n_required else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.name} = {value}{unit}, {side} {self.threshold:.6g} (n={self.n}{few}){note}"

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as JSON values."""
        outcome = self.outcome
        return {
            "name": self.name,
            "value": self.value,
            "threshold": self.threshold,
            "bound": None if self.bound is None else self.bound.value,
            "unit": self.unit,
            "n": self.n,
            "n_required": self.n_required,
            "note": self.note,
            "outcome": None if outcome is None else outcome.value,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """Read what :meth:`to_json` wrote."""
        fields = {key: data[key] for key in ("name", "value", "threshold", "unit", "n", "n_required", "note")}
        return cls(**fields, bound=None if data["bound"] is None else Bound(data["bound"]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and the sentences that explain it."""

    outcome: Outcome
    reasons: tuple[str, ...]


def decide(measurements: Iterable[Measurement]) -> Verdict:
    """Return the verdict over all measurements that have a threshold.

    Raises
    ------
    GateConfigurationError
        If none of them has one: a gate without a threshold decides nothing.

    >>> decide([Measurement(name="p95", value=120, threshold=200, bound=Bound.MAX, unit="ms", n=500)]).outcome
    <Outcome.PASSED: 'PASSED'>
    """
    judged = [(m, m.outcome) for m in measurements if m.outcome is not None]
    outcome = Outcome.merge(o for _, o in judged if o is not None)
    return Verdict(outcome, tuple(m.sentence() for m, o in judged if o is not Outcome.PASSED))
