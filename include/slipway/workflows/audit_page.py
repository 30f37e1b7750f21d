"""The page of an audit: the verdict, what is wrong and what to do, what was compared with what.

One page an audit, below ``fleet/audit/<day>``; days older than ``KEEP_DAYS`` are removed, since the ledger keeps what
was found.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.finding import Finding, Severity
from slipway.core.verdict import Outcome
from slipway.reporting.page import card, document, tiles
from slipway.reporting.tables import chip, outcome_chip, table
from slipway.runtime.files import write_text
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.workflows.audit import Audit

FOLDER = Path("fleet") / "audit"
KEEP_DAYS = 30
_TONES = {Severity.FAIL: "FAILED", Severity.UNKNOWN: "INCONCLUSIVE", Severity.WARN: ""}
_ORDER = {Severity.FAIL: 0, Severity.UNKNOWN: 1, Severity.WARN: 2}


def write_page(bench: Workbench, audit: Audit) -> str:
    """Write the page of an audit, and return its path below the reports folder."""
    path = FOLDER / f"{audit.at:%Y-%m-%d}" / f"{audit.at:%H%M%S}-{audit.outcome.value.lower()}.html"
    write_text(bench.settings.reports / path, _page(audit))
    _forget_old(bench.settings.reports / FOLDER, before=audit.at.date() - timedelta(days=KEEP_DAYS))
    return path.as_posix()


def _page(audit: Audit) -> str:
    title = f"Audit of {audit.at:%Y-%m-%d %H:%M:%S} UTC"
    parts = [
        f"<h1>{escape(title)} {outcome_chip(audit.outcome)}</h1>",
        f'<p class="lead">{escape(_lead(audit))}</p>',
        tiles(_figures(audit)),
        card("What is wrong", _findings(audit.findings, set(audit.new))) if audit.findings else "",
        card("Over since the last audit", _causes(audit.ended)) if audit.ended else "",
        card("The ledger beside its anchors", _ledger(audit), note=_beyond(audit)),
        card("Champions", _models(audit)) if audit.models else "",
    ]
    return document(title, parts, wide=True)


def _lead(audit: Audit) -> str:
    if audit.outcome is Outcome.PASSED:
        return "Everything that was looked at is as it was recorded."
    if audit.outcome is Outcome.INCONCLUSIVE:
        return "Nothing was found, but not everything could be looked at: this is no pass."
    failed = sum(finding.severity is Severity.FAIL for finding in audit.findings)
    return f"{failed} {'thing is' if failed == 1 else 'things are'} not as recorded."


def _figures(audit: Audit) -> list[tuple[str, object] | tuple[str, object, str]]:
    return [
        ("ledger entries", audit.ledger.entries, "" if audit.ledger.holds else "bad"),
        ("anchors", audit.ledger.anchors),
        ("beyond the last anchor", audit.ledger.beyond),
        ("report files", audit.reports.files, "bad" if audit.reports.findings else ""),
        ("models", len(audit.models)),
        ("findings", len(audit.findings), "bad" if audit.outcome is Outcome.FAILED else ""),
    ]


def _findings(findings: Iterable[Finding], new: set[str]) -> str:
    ordered = sorted(findings, key=lambda finding: (_ORDER[finding.severity], finding.cause))
    rows = [
        (
            chip("put right" if one.put_right else one.severity.value, _TONES[one.severity]),
            f"<code>{escape(one.kind.value)}</code>{' (new)' if one.cause in new else ''}",
            escape(one.model + (f" v{one.version}" if one.version else "")),
            escape(one.what),
            escape(one.remedy),
        )
        for one in ordered
    ]
    return table(("", "Kind", "Model", "What was seen", "What to do"), rows)


def _causes(causes: Iterable[str]) -> str:
    return table((), [(f"<code>{escape(cause)}</code>",) for cause in causes])


def _ledger(audit: Audit) -> str:
    head = audit.ledger.head
    rows = [
        ("Chain", "holds" if audit.ledger.holds else "does not hold"),
        ("First bad entry", "-" if audit.ledger.first_bad is None else str(audit.ledger.first_bad)),
        ("Head", "-" if head is None else f"{head.seq} <code>{escape(head.hash)}</code>"),
        ("Newest anchored entry", str(audit.ledger.last_anchor)),
    ]
    return table((), rows)


def _beyond(audit: Audit) -> str:
    if not audit.ledger.anchors:
        return "No anchor was known when this audit began: it made the first one, if the chain held."
    return (
        f"{audit.ledger.beyond} entries lay beyond the last anchor when this audit began; they are vouched for by the "
        "chain alone until it anchored them."
    )


def _models(audit: Audit) -> str:
    champions = [f for f in audit.findings if f not in audit.reports.findings]
    wrong = {finding.model for finding in champions if finding.severity is Severity.FAIL}
    unknown = {finding.model for finding in champions if finding.severity is Severity.UNKNOWN}
    rows = []
    for model in audit.models:
        outcome = Outcome.FAILED if model in wrong else Outcome.INCONCLUSIVE if model in unknown else Outcome.PASSED
        rows.append((escape(model), outcome_chip(outcome)))
    return table(("Model", "Alias, files, image, route"), rows)


def _forget_old(folder: Path, *, before: date) -> None:
    for day in folder.iterdir():
        try:
            old = date.fromisoformat(day.name) < before
        except ValueError:
            continue
        if old:
            shutil.rmtree(day, ignore_errors=True)
