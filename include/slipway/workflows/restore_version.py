"""An archived version comes back: the same files under the same digest, or nothing.

Rules
-----
1. The archive must be the one that the ledger names, and whole: every byte is compared before the registry is touched.
2. The version gets its own number back where the registry still has its line. Where somebody deleted that line, it is
   registered again under a new number; the ledger has both.
3. It counts as restored once the registry's files, downloaded afresh, have the digest that was archived. Until then it
   stays marked as archived.
4. Its reports come back with it. Its image does not: a release builds one and judges it, and then the version can be
   champion, and be rolled back to, as any other.
5. Done again it changes nothing; killed, it is done again.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.core.retention import Stage
from slipway.errors import EvidenceError
from slipway.ledger.entries import EntryKind
from slipway.registry.artifacts import digest_files
from slipway.registry.copies import ARCHIVED, VERSION
from slipway.retention.archive import Manifest, unpack, verify_archive
from slipway.runtime.files import locked
from slipway.workflows.archives import KINDS, Archived, archived_version, passages
from slipway.workflows.retain import REPORTS, clear_leftovers
from slipway.workflows.workbench import Workbench

_LOCK_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredVersion:
    """What came back.

    Attributes
    ----------
    model : str
    version, restored_as : int
        The number that it had, and the one that it has.
    artifact_sha256 : str
        Of the files that the registry has now, downloaded afresh.
    reports : int
        Report files that were put back.
    """

    model: str
    version: int
    restored_as: int
    artifact_sha256: str
    reports: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "model": self.model,
            "version": self.version,
            "restored_as": self.restored_as,
            "artifact_sha256": self.artifact_sha256,
            "reports": self.reports,
        }


def restore_version(bench: Workbench, model: str, version: int, *, actor: str, reason: str = "") -> RestoredVersion:
    """Bring a version back from its archive.

    Raises
    ------
    EvidenceError
        If it has no archive, the archive is damaged or another file, or the registry's files do not have the
        archived digest afterwards.
    """
    archived = archived_version(bench, model, version)
    with locked(bench.settings.archive_dir / ".lock", timeout_s=_LOCK_SECONDS):
        clear_leftovers(bench)
        manifest = _verified(bench, archived)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=bench.settings.archive_dir) as folder:
            root = Path(folder) / "copy"
            unpack(archived.file(bench), root, below="", sha256=archived.sha256)
            number = bench.registry.put_back(
                model, version, root, said=manifest.facts["registry"], mark=f"{version} {archived.sha256}"
            )
        found = bench.registry.artifact_digest(model, number)
        if found != archived.subject.artifact_sha256:
            raise EvidenceError(
                f"{model} version {number} has files {found[7:19]} in the registry, "
                f"{archived.subject.artifact_sha256[7:19]} was archived",
                remedy="look at the registry's artifact store, then restore it again; it stays marked as archived",
            )
        bench.registry.delete_tag(model, number, ARCHIVED)
        reports = restore_reports(bench, model, version)
        if _away(bench, model, version):
            _record(bench, archived, number, actor=actor, reason=reason)
    bench.say(f"{model} version {version} is back as version {number}, files {found}; release it to build its image")
    return RestoredVersion(model=model, version=version, restored_as=number, artifact_sha256=found, reports=reports)


def restore_reports(bench: Workbench, model: str, version: int) -> int:
    """Put the report files of an archived version back, and nothing else; return how many.

    Raises
    ------
    EvidenceError
        As :func:`restore_version`.
    """
    archived = archived_version(bench, model, version)
    _verified(bench, archived)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=bench.settings.archive_dir) as folder:
        manifest = unpack(archived.file(bench), Path(folder), below=REPORTS, sha256=archived.sha256)
        names = manifest.below(REPORTS)
        for name in names:
            place = bench.settings.reports / name
            place.parent.mkdir(parents=True, exist_ok=True)
            # A page written since is newer than the archive's.
            if not place.exists():
                place.write_bytes((Path(folder) / name).read_bytes())
    return len(names)


def _verified(bench: Workbench, archived: Archived) -> Manifest:
    manifest = verify_archive(archived.file(bench), sha256=archived.sha256)
    found = digest_files(manifest.below(VERSION))
    if found != archived.subject.artifact_sha256:
        raise EvidenceError(
            f"the archive {archived.path} holds files {found[7:19]}, the ledger says {archived.subject}",
            remedy="put the right archive in its place",
        )
    return manifest


def _away(bench: Workbench, model: str, version: int) -> bool:
    """Tell whether the ledger still has the version in the archive."""
    way = passages(bench.ledger.entries(model=model, kinds=KINDS))[version]
    return way.stage is not Stage.PRESENT


def _record(bench: Workbench, archived: Archived, number: int, *, actor: str, reason: str) -> None:
    subject = archived.subject
    bench.ledger.append(
        EntryKind.RESTORATION,
        model=subject.model,
        version=subject.version,
        actor=actor,
        payload={
            "version": subject.version,
            "restored_as": number,
            "artifact_sha256": subject.artifact_sha256,
            "archive": archived.path,
            "sha256": archived.sha256,
            "reason": reason,
        },
    )
