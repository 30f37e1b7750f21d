"""Every report file that evidence names, held against its digest.

Rules
-----
1. A gate that is run again in a release writes its reports anew: the newest evidence of a check in a release counts.
2. A file is missing or altered; which of the two is said, with its path.
3. Files of a version that was archived may be gone, since the archive has them; those that are there must be whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.core.finding import Finding, Kind, Severity
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.workbench import Workbench

_AGAIN = "put the copy that MLflow keeps with the version, or a backup, in its place, and find out who wrote to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsSeen:
    """How many files were compared, how large they are together, and what is wrong with them."""

    files: int
    bytes: int
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, without the findings."""
        return {"files": self.files, "bytes": self.bytes, "wrong": len(self.findings)}


def compare_reports(bench: Workbench, entries: Sequence[Entry]) -> ReportsSeen:
    """Read every file that the evidence among these entries names, and compare it."""
    files = size = 0
    findings = []
    archived = {(e.model, e.version): e.seq for e in entries if e.kind is EntryKind.ARCHIVE}
    for entry in newest_evidence(entries):
        gone_is_fine = archived.get((entry.model, entry.version), 0) > entry.seq
        for report in entry.payload["reports"]:
            files += 1
            count, finding = _compare(bench.settings.reports, entry, report)
            size += count
            if finding and not (finding.kind is Kind.REPORT_MISSING and gone_is_fine):
                findings.append(finding)
    return ReportsSeen(files=files, bytes=size, findings=tuple(findings))


def newest_evidence(entries: Iterable[Entry]) -> list[Entry]:
    """Return the evidence that counts (rule 1), oldest first."""
    newest: dict[tuple[str, int | None, str, str], Entry] = {}
    for entry in entries:
        if entry.kind is EntryKind.EVIDENCE:
            key = (entry.model, entry.version, entry.payload["release"], entry.payload["check"])
            newest.pop(key, None)
            newest[key] = entry
    return list(newest.values())


def _compare(root: Path, entry: Entry, report: dict[str, Any]) -> tuple[int, Finding | None]:
    path = root / report["path"]

    def finding(kind: Kind, what: str, **more: Any) -> Finding:
        said = f"report {report['path']} of {entry.payload['check']} (ledger entry {entry.seq}) {what}"
        named = {"model": entry.model, "version": entry.version, "place": report["path"]}
        return Finding(kind=kind, what=said, remedy=_AGAIN, **named, **more)

    try:
        size, digest = _digest(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return 0, finding(Kind.REPORT_MISSING, "is missing")
    except OSError as error:
        return 0, finding(Kind.NOT_LOOKED_AT, f"cannot be read: {error.strerror}", severity=Severity.UNKNOWN)
    if digest != report["sha256"]:
        said = f"was altered: it is {digest[7:19]}, {report['sha256'][7:19]} was recorded"
        return size, finding(Kind.REPORT_ALTERED, said)
    return size, None


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), f"sha256:{digest.hexdigest()}"
