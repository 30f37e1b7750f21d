"""The audit: is everything still as it was recorded? Ledger, anchors, reports, and every model's champion.

Rules
-----
1. A ledger that does not hold comes first: nothing is written to it, and nothing is put right by what it says. Reports
   are compared up to its first bad entry.
2. A finding is entered once for its cause, and again when it is over. What could not be looked at is not over.
3. What was moved by hand is put back where the model's declaration says so; an artifact, an image or a report is not
   touched: nobody but its owner can tell which bytes are right.
4. A champion that changes while somebody looks is looked at again; see :mod:`slipway.workflows.audit_models`.
5. Each audit ends with an anchor, so that what it found is beyond doubt, unless the ledger does not hold.
6. An entry tells that an audit was made whenever its outcome is another than before, and once a day.
7. What is found is said to those who hear of the model's pages, else to the log, once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.core.finding import Finding, Severity, outcome_of
from slipway.core.verdict import Outcome
from slipway.errors import AuditFailed, AuditInconclusive
from slipway.ledger.entries import FLEET, Entry, EntryKind
from slipway.ledger.proof import Verification
from slipway.workflows.anchor import anchor_ledger, verify_ledger
from slipway.workflows.audit_models import compare_models
from slipway.workflows.audit_page import write_page
from slipway.workflows.audit_paging import page_people
from slipway.workflows.audit_reports import ReportsSeen, compare_reports
from slipway.workflows.workbench import Workbench

ACTOR = "fleet.audit"
HEARTBEAT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What one audit came to.

    Attributes
    ----------
    at : datetime
    outcome : Outcome
    findings : tuple of Finding
        Everything that is wrong now, or could not be looked at.
    new, ended : tuple of str
        Causes that were not known before, and those that are over.
    ledger : Verification
    reports : ReportsSeen
    models : tuple of str
        Whose champions were looked at.
    report : str
        The page, below the reports folder.
    """

    at: datetime
    outcome: Outcome
    findings: tuple[Finding, ...]
    new: tuple[str, ...]
    ended: tuple[str, ...]
    ledger: Verification
    reports: ReportsSeen
    models: tuple[str, ...]
    report: str = ""

    def require_passed(self) -> None:
        """Raise unless the audit PASSED.

        Raises
        ------
        AuditFailed, AuditInconclusive
        """
        if self.outcome is Outcome.PASSED:
            return
        bad = [f for f in self.findings if f.severity is not Severity.WARN]
        shown = "; ".join(finding.what for finding in bad[:5])
        error = AuditFailed if self.outcome is Outcome.FAILED else AuditInconclusive
        remedy = bad[0].remedy + (f"; read {self.report} for all {len(bad)}" if len(bad) > 1 else "")
        raise error(f"the audit {self.outcome.value}: {shown}", remedy=remedy)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "at": self.at.isoformat(),
            "outcome": self.outcome.value,
            "findings": [finding.to_json() for finding in self.findings],
            "new": list(self.new),
            "ended": list(self.ended),
            "ledger": self.ledger.to_json(),
            "reports": self.reports.to_json(),
            "models": list(self.models),
            "report": self.report,
        }


def audit(bench: Workbench, *, actor: str = ACTOR, pause: Callable[[float], None] = time.sleep) -> Audit:
    """Compare everything with what was recorded, record what is new, and anchor the ledger.

    Parameters
    ----------
    actor : str
        Who audits: the DAG, or a person's command.
    pause : callable
        Waits so many seconds, before a champion that was seen changing is looked at again.

    Raises
    ------
    LedgerError
        If the ledger's database does not answer: there is nothing to compare with.
    """
    at = bench.now()
    verification = verify_ledger(bench)
    bench.say(
        f"ledger: {verification.outcome}, {verification.entries} entries, {verification.beyond} beyond the anchors"
    )
    known = _known(bench, verification)
    reports = compare_reports(bench, known)
    bench.say(f"reports: {reports.files} files compared, {len(reports.findings)} findings")
    models: tuple[str, ...] = ()
    findings = [*verification.findings, *reports.findings]
    if verification.holds:
        models, seen = compare_models(bench, actor=actor, pause=pause)
        findings += seen
        bench.say(f"models: {len(models)} compared, {len(seen)} findings")
    new, ended = _turns(known, findings)
    done = Audit(
        at=at,
        outcome=outcome_of(findings),
        findings=tuple(findings),
        new=new,
        ended=ended,
        ledger=verification,
        reports=reports,
        models=models,
    )
    return _close(bench, done, known, actor=actor)


def _known(bench: Workbench, verification: Verification) -> list[Entry]:
    """Return the entries that an audit compares with: of a broken ledger, those before its first bad one."""
    if verification.holds:
        return bench.ledger.entries(kinds=(EntryKind.EVIDENCE, EntryKind.ARCHIVE, EntryKind.AUDIT))
    return bench.ledger.entries(limit=verification.entries)


def _close(bench: Workbench, done: Audit, known: Sequence[Entry], *, actor: str) -> Audit:
    report = write_page(bench, done)
    fresh = [finding for finding in done.findings if finding.cause in done.new]
    if done.ledger.holds:
        _record(bench, done, known, fresh, report=report, actor=actor)
        try:
            anchor_ledger(bench, actor=actor)
        finally:  # an anchor file that is full must not keep what was found from anybody
            page_people(bench, fresh)
    else:
        page_people(bench, fresh)
    bench.say(f"audit: {done.outcome}, {len(done.findings)} findings, {len(done.new)} new, {len(done.ended)} over")
    return replace(done, report=report)


def open_findings(entries: Sequence[Entry]) -> dict[str, Finding]:
    """Return what was found and is not over, by cause, after these entries."""
    found: dict[str, Finding] = {}
    for entry in entries:
        if entry.kind is not EntryKind.AUDIT or "finding" not in entry.payload:
            continue
        finding = Finding.from_json(entry.payload["finding"])
        if entry.payload["state"] == "found" and not finding.put_right:
            found[finding.cause] = finding
        else:
            found.pop(finding.cause, None)
    return found


def _turns(known: Sequence[Entry], findings: Sequence[Finding]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the causes that are new, and those that are over (rule 2)."""
    before, now = open_findings(known), {finding.cause for finding in findings}
    blind = {finding.model for finding in findings if finding.severity is Severity.UNKNOWN}
    over = [c for c, f in before.items() if c not in now and not blind & {f.model, FLEET}]
    return tuple(dict.fromkeys(f.cause for f in findings if f.cause not in before)), tuple(over)


def _record(
    bench: Workbench, done: Audit, known: Sequence[Entry], fresh: Sequence[Finding], *, report: str, actor: str
) -> None:
    before = open_findings(known)
    turns = [(finding, "found") for finding in fresh] + [(before[cause], "over") for cause in done.ended]
    for finding, state in turns:
        bench.ledger.append(
            EntryKind.AUDIT,
            model=finding.model,
            version=finding.version,
            actor=actor,
            payload={"state": state, "finding": finding.to_json(), "outcome": done.outcome.value, "report": report},
        )
    last = last_audit(known)
    same = last is not None and last.payload["outcome"] == done.outcome.value and done.at - last.at < HEARTBEAT
    if not same:
        counts = {"entries": done.ledger.entries, "reports": done.reports.files, "models": len(done.models)}
        bench.ledger.append(
            EntryKind.AUDIT,
            model=FLEET,
            version=None,
            actor=actor,
            payload={"outcome": done.outcome.value, "compared": counts, "open": len(done.findings), "report": report},
        )


def last_audit(entries: Sequence[Entry]) -> Entry | None:
    """Return the newest entry that tells an audit's outcome."""
    return next((e for e in reversed(entries) if e.kind is EntryKind.AUDIT and "finding" not in e.payload), None)
