"""What a comparison found: the verdict, its measurements, and of each column what a page shows. Kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.core.verdict import Measurement, Outcome, decide
from slipway.drift.distance import Check
from slipway.drift.tables import Kind

MAX_SAID = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """One check of a column: its distance and the largest quiet one; ``value`` is None where it cannot be told."""

    check: Check
    value: float | None
    limit: float

    @property
    def evidence(self) -> float:
        """The distance in units of its limit; above 1 chance does not explain it."""
        return 0.0 if self.value is None else self.value / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """One column of a window beside its reference.

    Attributes
    ----------
    name : str
        As in the model's signature; the answer's own name for the prediction.
    measured : str
        What stands for it in measurements' names.
    kind : Kind
    rows, known : int
        The window's rows, and those with a value.
    missing : (float, float)
        The share of missing values, before and now.
    checks : tuple of Judged
    said : mapping of Check to str
        What each check has seen, in words.
    pictured : (tuple of float, tuple of float)
        Shares over the same bars, before and now.
    ends : tuple of str
        What stands below the picture: its ends, or the bars' names.
    shift_found, missing_found : float or None
        The smallest drift found 95 times in 100; see :class:`slipway.drift.calibration.Thresholds`.
    """

    name: str
    measured: str
    kind: Kind
    rows: int
    known: int
    missing: tuple[float, float]
    checks: tuple[Judged, ...]
    said: Mapping[Check, str] = field(default_factory=dict)
    pictured: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    ends: tuple[str, ...] = ()
    shift_found: float | None = None
    missing_found: float | None = None

    @property
    def worst(self) -> Judged:
        """The check with the most evidence."""
        return max(self.checks, key=lambda judged: judged.evidence)

    @property
    def evidence(self) -> float:
        """The distance of its worst check, in units of the limit."""
        return self.worst.evidence

    @property
    def seen(self) -> str:
        """What its worst check has seen, in words."""
        return self.said.get(self.worst.check, "no known value to compare")

    def to_json(self) -> dict[str, Any]:
        """Return the column as JSON values."""
        return {
            "name": self.name,
            "measured": self.measured,
            "kind": self.kind.value,
            "rows": self.rows,
            "known": self.known,
            "missing": [*self.missing],
            "checks": [{"check": j.check.value, "value": j.value, "limit": j.limit} for j in self.checks],
            "said": {check.value: text for check, text in self.said.items()},
            "pictured": [[*shares] for shares in self.pictured],
            "ends": [*self.ends],
            "shift_found": self.shift_found,
            "missing_found": self.missing_found,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ColumnDrift:
        """Read what :meth:`to_json` wrote."""
        before, now = data["pictured"]
        return cls(
            **{key: data[key] for key in ("name", "measured", "rows", "known", "shift_found", "missing_found")},
            kind=Kind(data["kind"]),
            missing=(data["missing"][0], data["missing"][1]),
            checks=tuple(Judged(Check(j["check"]), j["value"], j["limit"]) for j in data["checks"]),
            said={Check(check): text for check, text in data["said"].items()},
            pictured=(tuple(before), tuple(now)),
            ends=tuple(data["ends"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult:
    """What a comparison of a window with its reference found.

    Attributes
    ----------
    measurements : tuple of Measurement
        ``drift.<column>``, ``drift.value.<column>`` and ``drift.missing.<column>`` of each column, the same with
        ``prediction`` in the column's place, ``drift.performance`` where labels are known, and the numbers of rows.
    columns : tuple of ColumnDrift
        Those that could be compared, most evidence first.
    details : mapping
        JSON values: rows, days, sampling and its error, calibration, power.
    """

    measurements: tuple[Measurement, ...]
    columns: tuple[ColumnDrift, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """FAILED when something has drifted, INCONCLUSIVE when something could not be told, else PASSED."""
        return decide(self.measurements).outcome

    @property
    def drifted(self) -> tuple[Measurement, ...]:
        """The measurements that failed, those furthest past their limit first."""
        failed = [m for m in self.measurements if m.outcome is Outcome.FAILED]
        return tuple(sorted(failed, key=lambda m: -(m.value or 0.0) / (m.threshold or 1.0)))

    @property
    def sentence(self) -> str:
        """The result as a person would say it."""
        if self.drifted:
            columns = [f"{column.measured} ({column.seen})" for column in self.columns if column.evidence > 1]
            worse = [m.sentence() for m in self.drifted if m.name == "drift.performance"]
            more = f", and {len(columns) - MAX_SAID} more" if len(columns) > MAX_SAID else ""
            moved = f"Past what chance explains: {', '.join(columns[:MAX_SAID])}{more}" if columns else ""
            return ". ".join(part for part in (*worse, moved) if part) + "."
        unsure = [m for m in self.measurements if m.outcome is Outcome.INCONCLUSIVE]
        if unsure:
            return "; ".join(m.note or m.sentence() for m in unsure[:3])
        compared = "1 column" if len(self.columns) == 1 else f"{len(self.columns)} columns"
        return f"Nothing beyond chance in {compared}. {self.details.get('power', '')}".strip()

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "outcome": self.outcome.value,
            "measurements": [m.to_json() for m in self.measurements],
            "columns": [column.to_json() for column in self.columns],
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DriftResult:
        """Read what :meth:`to_json` wrote."""
        return cls(
            measurements=tuple(Measurement.from_json(m) for m in data["measurements"]),
            columns=tuple(ColumnDrift.from_json(column) for column in data["columns"]),
            details=data["details"],
        )
