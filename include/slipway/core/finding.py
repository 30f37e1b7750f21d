"""Findings: what an audit saw that is not as it was recorded. Values and rules, no I/O.

Rules
-----
1. A finding's cause names what is wrong and where, and not when or how it was said: the same cause is the same finding.
2. What was changed FAILS. What could not be looked at is INCONCLUSIVE, never a pass. A warning is told, and passes.
3. A finding is over when an audit that could look at it does not see it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.core.verdict import Outcome


class Severity(StrEnum):
    """How much it matters."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WARN = "warn"


class Kind(StrEnum):
    """What is wrong."""

    LEDGER_BROKEN = "ledger_broken"
    NO_ANCHOR = "no_anchor"
    ANCHOR_ALTERED = "anchor_altered"
    ANCHOR_OF_ANOTHER_KEY = "anchor_of_another_key"
    ANCHOR_FROM_THE_FUTURE = "anchor_from_the_future"
    ANCHORS_DISAGREE = "anchors_disagree"
    ANCHOR_LOST = "anchor_lost"
    ANCHOR_INCOMPLETE = "anchor_incomplete"
    REPORT_MISSING = "report_missing"
    REPORT_ALTERED = "report_altered"
    ALIAS_MOVED = "alias_moved"
    ARTIFACT_ALTERED = "artifact_altered"
    ARTIFACT_MISSING = "artifact_missing"
    IMAGE_CHANGED = "image_changed"
    ROUTE_MOVED = "route_moved"
    NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or could not be looked at.

    Attributes
    ----------
    kind : Kind
    model : str
        A model's own name, or ``fleet``.
    version : int or None
    what : str
        What was seen, in a sentence.
    remedy : str
        What to do next.
    severity : Severity
    place : str
        Which entry, file, line or service, where a model has several; part of the cause.
    put_right : bool
        Whether the audit has put it right already.
    """

    kind: Kind
    model: str
    version: int | None = None
    what: str
    remedy: str
    severity: Severity = Severity.FAIL
    place: str = ""
    put_right: bool = False

    @property
    def cause(self) -> str:
        """What it goes by (rule 1).

        >>> Finding(kind=Kind.REPORT_MISSING, model="churn", version=2, place="a.html", what="", remedy="").cause
        'report_missing/churn/2/a.html'
        """
        return f"{self.kind.value}/{self.model}/{self.version or '-'}/{self.place}"

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "kind": self.kind.value,
            "model": self.model,
            "version": self.version,
            "what": self.what,
            "remedy": self.remedy,
            "severity": self.severity.value,
            "place": self.place,
            "put_right": self.put_right,
            "cause": self.cause,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read what :meth:`to_json` wrote."""
        fields = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        return cls(**{**fields, "kind": Kind(data["kind"]), "severity": Severity(data["severity"])})


def outcome_of(findings: Iterable[Finding]) -> Outcome:
    """Return the verdict on an audit that found these (rule 2)."""
    seen = {finding.severity for finding in findings}
    if Severity.FAIL in seen:
        return Outcome.FAILED
    return Outcome.INCONCLUSIVE if Severity.UNKNOWN in seen else Outcome.PASSED
