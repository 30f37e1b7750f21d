"""What a night hands over: the results of its checks, and what is read back of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from slipway.core.verdict import Measurement, Outcome
from slipway.errors import EvidenceError


class Severity(StrEnum):
    """How loud: a note is read in the morning, a page is acted on now."""

    NOTE = "note"
    PAGE = "page"

    def covers(self, other: Severity) -> bool:
        """Tell whether who wants to hear of ``self`` and worse wants to hear of ``other``.

        >>> Severity.NOTE.covers(Severity.PAGE), Severity.PAGE.covers(Severity.NOTE)
        (True, False)
        """
        return self is Severity.NOTE or other is Severity.PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found about one day of one version.

    Attributes
    ----------
    model, version, day : str, int, date
        ``day`` is the day of the data, not of the run.
    check : str
        For instance ``drift``, ``performance``, ``service``.
    measurements : tuple of Measurement
        Their names are unique.
    report : str
        The report's path below the reports folder; empty for none.
    causes : mapping of str to str
        Measurement's name to the cause that an alert goes by; its own name where nothing is said. Measurements with
        one cause in common make one alert.
    next_step : str
        What to do when a measurement of this check fails; empty for the usual advice.
    certain : bool
        A fact, not an estimate: it needs no second day to confirm it.
    at_most : Severity
        The loudest alert that this check may raise.
    """

    model: str
    version: int
    day: date
    check: str
    measurements: tuple[Measurement, ...]
    report: str = ""
    causes: Mapping[str, str] = field(default_factory=dict)
    next_step: str = ""
    certain: bool = False
    at_most: Severity = Severity.PAGE

    def __post_init__(self) -> None:
        """Refuse a name twice: it would be one number in the store."""
        names = [measurement.name for measurement in self.measurements]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise EvidenceError(f"{self.check} measured {', '.join(twice)} twice", remedy="name each number once")

    @property
    def outcome(self) -> Outcome | None:
        """The worst of its measurements; None if it only records."""
        judged = [m.outcome for m in self.measurements if m.outcome is not None]
        return Outcome.merge(judged) if judged else None

    @property
    def tells(self) -> bool:
        """Whether it passed or failed anything."""
        return any(m.outcome in (Outcome.PASSED, Outcome.FAILED) for m in self.measurements)

    def cause_of(self, measurement: Measurement) -> str:
        """Return the cause that a measurement's alert goes by."""
        return self.causes.get(measurement.name, measurement.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One check of one day, as the store has it."""

    version: int
    day: date
    check: str
    outcome: Outcome | None
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of one day, as the store has it; ``cause`` is what an alert about it goes by."""

    version: int
    day: date
    check: str
    cause: str
    measurement: Measurement
