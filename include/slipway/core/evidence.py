"""Evidence: the outcome of one check on exact bytes; a dossier: all evidence on one subject.

Rules
-----
1. Evidence names its subject by digests. When a digest has changed, the evidence is about something else.
2. A dossier is complete when each required check has evidence, and the *latest* evidence of each is PASSED.
3. Evidence that passed has a report behind it: a file with its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from slipway.core.identity import Subject, parse_digest
from slipway.core.verdict import Measurement, Outcome, decide
from slipway.errors import EvidenceError, GateConfigurationError, PromotionRefused


class Check(StrEnum):
    """The gates of a release, in their order."""

    VALIDATE_DATA = "validate_data"
    EVALUATE = "evaluate"
    BUILD_IMAGE = "build_image"
    RUN_SCENARIOS = "run_scenarios"
    PROFILE_SERVING = "profile_serving"
    TUNE_SERVING = "tune_serving"
    LOAD_TEST = "load_test"

    @property
    def needs_image(self) -> bool:
        """Whether its evidence must be bound to an image."""
        return self not in (Check.VALIDATE_DATA, Check.EVALUATE)


REQUIRED_CHECKS = tuple(Check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A file that a person opens: its path below the reports folder, its digest, and what it shows."""

    path: str
    sha256: str
    title: str = ""

    def __post_init__(self) -> None:
        """Refuse a path that leaves the reports folder, and a malformed digest."""
        parse_digest(self.sha256)
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise EvidenceError(
                f"report path {self.path!r} is not relative", remedy="keep reports in the reports folder"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {"path": self.path, "sha256": self.sha256, "title": self.title}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read what :meth:`to_json` wrote."""
        return cls(path=data["path"], sha256=data["sha256"], title=data.get("title", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a capability found, before it is bound to a subject: measurements, report files, facts for the reader.

    Attributes
    ----------
    measurements : tuple of Measurement
    reports : mapping of str to str
        File path (absolute, on this machine) to title.
    details : mapping
        JSON values worth keeping: the smallest failing payload, the rate-limiting function, ...
    """

    measurements: tuple[Measurement, ...]
    reports: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The outcome of one check on one subject."""

    check: Check
    outcome: Outcome
    subject: Subject
    runtime: str
    measurements: tuple[Measurement, ...]
    reports: tuple[Report, ...]
    started_at: datetime
    ended_at: datetime
    release: str
    reasons: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse evidence whose outcome does not follow from its measurements, or that passed without a report."""
        for moment in (self.started_at, self.ended_at):
            if moment.tzinfo is None:
                raise EvidenceError("evidence needs times with a time zone", remedy="use UTC")
        if self.check.needs_image and self.subject.image_digest is None and self.outcome is Outcome.PASSED:
            raise EvidenceError(f"{self.check} passed without an image", remedy="bind the evidence to the image digest")
        if self.outcome is not Outcome.PASSED:
            return
        if decide(self.measurements).outcome is not Outcome.PASSED:
            raise EvidenceError(f"{self.check} says PASSED against its measurements", remedy="let decide() say it")
        if not self.reports:
            raise EvidenceError(f"{self.check} passed without a report", remedy="attach the report and its digest")

    @property
    def seconds(self) -> float:
        """How long the check worked."""
        return (self.ended_at - self.started_at).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Return the evidence as JSON values."""
        return {
            "check": self.check.value,
            "outcome": self.outcome.value,
            "subject": self.subject.to_json(),
            "runtime": self.runtime,
            "measurements": [m.to_json() for m in self.measurements],
            "reports": [r.to_json() for r in self.reports],
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "release": self.release,
            "reasons": list(self.reasons),
            "details": dict(self.details),
            "host": dict(self.host),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        """Read what :meth:`to_json` wrote."""
        return cls(
            check=Check(data["check"]),
            outcome=Outcome(data["outcome"]),
            subject=Subject.from_json(data["subject"]),
            runtime=data["runtime"],
            measurements=tuple(Measurement.from_json(m) for m in data["measurements"]),
            reports=tuple(Report.from_json(r) for r in data["reports"]),
            started_at=datetime.fromisoformat(data["started_at"]),
            ended_at=datetime.fromisoformat(data["ended_at"]),
            release=data["release"],
            reasons=tuple(data.get("reasons", ())),
            details=data.get("details", {}),
            host=data.get("host", {}),
        )


@dataclass(frozen=True, slots=True)
class Dossier:
    """All evidence on one subject, oldest first."""

    subject: Subject
    evidence: tuple[Evidence, ...]

    @classmethod
    def of(cls, subject: Subject, evidence: Iterable[Evidence]) -> Dossier:
        """Keep what speaks about ``subject``; evidence on other bytes is left out."""
        return cls(subject, tuple(e for e in evidence if e.subject.covers(subject)))

    def latest(self) -> dict[Check, Evidence]:
        """Return the newest evidence of each check."""
        return {e.check: e for e in sorted(self.evidence, key=lambda e: e.ended_at)}

    def problems(self, required: Iterable[Check] = REQUIRED_CHECKS) -> list[str]:
        """Return why this dossier does not allow a promotion; empty if it does.

        Raises GateConfigurationError if nothing is required: a policy without gates is not a policy.
        """
        checks = tuple(required)
        if not checks:
            raise GateConfigurationError("no check is required", remedy="require at least one gate")
        latest = self.latest()
        missing = [f"{check}: no evidence on these digests" for check in checks if check not in latest]
        bad = [
            f"{check}: {latest[check].outcome.value}"
            for check in checks
            if check in latest and latest[check].outcome is not Outcome.PASSED
        ]
        return missing + bad

    def require_complete(self, required: Iterable[Check] = REQUIRED_CHECKS) -> None:
        """Raise PromotionRefused unless every required check has PASSED on exactly these digests."""
        problems = self.problems(required)
        if problems:
            raise PromotionRefused(
                f"{self.subject} lacks evidence: {'; '.join(problems)}",
                remedy="release the version again, so that every gate judges these bytes",
            )
