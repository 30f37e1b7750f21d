"""What the ledger says about archived versions: how far each has come, and where its archive is.

An ARCHIVE entry about a version has a ``stage``: ``archived`` (the archive is whole, and was read back), ``removed``
(everything else of it is gone) or ``kept`` (it was needed again before anything was removed). A RESTORATION brings a
version back, under its own number or, if the registry has lost that, under another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slipway.core.identity import Subject
from slipway.core.retention import Stage
from slipway.errors import EvidenceError
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.workbench import Workbench

KINDS = (EntryKind.ARCHIVE, EntryKind.RESTORATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """One version's archive.

    Attributes
    ----------
    subject : Subject
        The version's files, by their digest.
    path : str
        Below the archive folder.
    sha256 : str
        Of the archive file.
    run_id : str
    entry : Entry
        The ledger's entry of it.
    """

    subject: Subject
    path: str
    sha256: str
    run_id: str
    entry: Entry

    @classmethod
    def of(cls, entry: Entry) -> Archived:
        """Read an entry of stage ``archived``."""
        said = entry.payload
        return cls(
            subject=Subject.from_json(said["subject"]),
            path=said["path"],
            sha256=said["sha256"],
            run_id=said["run_id"],
            entry=entry,
        )

    def file(self, bench: Workbench) -> Path:
        """Return where the archive is on this host."""
        return bench.settings.archive_dir / self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How far one version has come on its way into the archive, or back."""

    stage: Stage = Stage.PRESENT
    archived: Archived | None = None
    restored_at: datetime | None = None


def passages(entries: Iterable[Entry]) -> dict[int, Passage]:
    """Return how far each version of one model has come, from its entries, oldest first."""
    found: dict[int, Passage] = {}
    for entry in entries:
        if entry.kind not in KINDS or entry.version is None:
            continue
        before = found.get(entry.version, Passage())
        if entry.kind is EntryKind.RESTORATION:
            now = entry.payload["restored_as"]
            # Under another number the old one stays in the archive: it names nothing in the registry any more.
            archived = before.archived if now == entry.version else None
            found[now] = Passage(stage=Stage.PRESENT, archived=archived, restored_at=entry.at)
            continue
        stage = stage_told(entry)
        archived = Archived.of(entry) if stage is Stage.ARCHIVED else before.archived
        found[entry.version] = Passage(stage=stage, archived=archived, restored_at=before.restored_at)
    return found


def stage_told(entry: Entry) -> Stage:
    """Return how far the removal of a version has come by an ARCHIVE entry about it."""
    return {"archived": Stage.ARCHIVED, "removed": Stage.REMOVED}.get(entry.payload["stage"], Stage.PRESENT)


def archived_version(bench: Workbench, model: str, version: int) -> Archived:
    """Return a version's newest archive; EvidenceError, naming those there are, if it has none."""
    found = passages(bench.ledger.entries(model=model, kinds=KINDS))
    archived = found.get(version, Passage()).archived
    if archived is None:
        known = ", ".join(str(number) for number, one in sorted(found.items()) if one.archived) or "none"
        raise EvidenceError(
            f"{model} version {version} has no archive (archived versions: {known})",
            remedy=f"look at `slipway retention {model}` for what is where",
        )
    return archived
