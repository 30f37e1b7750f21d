"""Retention: plan, archive, verify, remove; in this order, and whatever kills it, nothing is lost.

Rules
-----
1. Without ``apply`` only the plan is made. With it exactly one plan is carried out, and none that no longer holds
   (:mod:`slipway.workflows.retention_plan`).
2. A version's archive is written and read back from the disk before the ledger names it; it is read back again right
   before anything is deleted.
3. Then the version is marked in the registry, which refuses its files to everybody from then on, and only then it is
   asked once more whether it may go: what had begun with it before the mark is seen, what begins after it is refused.
4. Nothing is deleted that the archive does not hold, byte for byte: not in the registry, not among the reports.
5. Every step can be done again: the next run finishes what a killed one left, from the archive that the ledger names.
6. What stands in one version's way stops that version, and no other; the run then ends with its problems.
7. Bytes are measured before anything is deleted and after everything is; the ledger has the difference, item by item.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from slipway.core.identity import Subject
from slipway.core.retention import Action, Stage
from slipway.errors import EvidenceError, SlipwayError
from slipway.ledger.entries import FLEET, EntryKind, format_time
from slipway.registry.artifacts import digest_files
from slipway.registry.copies import ARCHIVED, RUN, VERSION
from slipway.retention.archive import Manifest, digest_file, verify_archive, write_archive
from slipway.runtime.files import locked
from slipway.specs import model_names
from slipway.workflows.archives import KINDS, Archived, passages
from slipway.workflows.retention_plan import (
    Plan,
    Row,
    load_plan,
    make_plan,
    measure,
    report_files,
    require_unchanged,
    still_removable,
    store_plan,
)
from slipway.workflows.retention_state import observe
from slipway.workflows.workbench import Workbench

REPORTS = "reports"
_LOCK_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What became of one version of a plan.

    Attributes
    ----------
    row : Row
    reclaimed : mapping of str to int
        Bytes, by where they were; empty if it was not removed.
    archive : str
        Its archive, below the archive folder.
    problem : str
        What stood in its way; empty if nothing did.
    """

    row: Row
    reclaimed: Mapping[str, int]
    archive: str = ""
    problem: str = ""

    @property
    def bytes(self) -> int:
        """All that was reclaimed."""
        return sum(self.reclaimed.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What a run came to: the plan, and if it was carried out what became of each removal."""

    plan: Plan
    digest: str
    applied: bool
    removals: tuple[Removal, ...] = ()

    @property
    def bytes(self) -> int:
        """What was reclaimed in total."""
        return sum(removal.bytes for removal in self.removals)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that needs somebody's eye."""
        of_models = [f"{model}: {problem}" for model, problem in self.plan.problems.items()]
        of_rows = [f"{r.row.model} version {r.row.version}: {r.problem}" for r in self.removals if r.problem]
        return (*of_models, *of_rows)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "plan": self.digest,
            "applied": self.applied,
            **self.plan.to_json(),
            "would_reclaim": self.plan.bytes,
            "reclaimed": self.bytes,
            "problems": list(self.problems),
            "removals": [
                {
                    "model": r.row.model,
                    "version": r.row.version,
                    "archive": r.archive,
                    "reclaimed": dict(r.reclaimed),
                    "problem": r.problem,
                }
                for r in self.removals
            ],
        }


def plan_retention(bench: Workbench, models: Sequence[str] | None, *, actor: str) -> Retained:
    """Make the plan for these models, all if None; write it down, say it, change nothing."""
    plan = make_plan(bench, model_names(bench.settings) if models is None else models, at=bench.now())
    digest = store_plan(bench, plan, actor=actor)
    for row in plan.removals:
        bench.say(f"to remove: {row.model} version {row.version}, {row.bytes:,} bytes: it {row.reason}")
    for model, problem in plan.problems.items():
        bench.say(f"nothing of {model} is removed: {problem}")
    bench.say(f"plan {digest}: {len(plan.removals)} of {len(plan.rows)} versions, {plan.bytes:,} bytes")
    return _told(bench, Retained(plan=plan, digest=digest, applied=False))


def apply_retention(bench: Workbench, digest: str, *, actor: str) -> Retained:
    """Carry out exactly the plan with this digest.

    Raises
    ------
    EvidenceError
        If there is no such plan, or anything has changed since it was made; nothing was done then.
    ServiceError
        If another run is at it.
    """
    plan = load_plan(bench, digest)
    with locked(bench.settings.archive_dir / ".lock", timeout_s=_LOCK_SECONDS):
        clear_leftovers(bench)
        require_unchanged(bench, plan)
        removals = tuple(_removed(bench, plan, row, actor=actor) for row in plan.removals)
    done = Retained(plan=plan, digest=digest, applied=True, removals=removals)
    bench.ledger.append(
        EntryKind.ARCHIVE,
        model=FLEET,
        version=None,
        actor=actor,
        payload={
            "stage": "applied",
            "plan": digest,
            "removed": [f"{r.row.model} version {r.row.version}" for r in removals if not r.problem],
            "reclaimed": done.bytes,
            "problems": list(done.problems),
        },
    )
    bench.say(f"plan {digest[7:19]}: {done.bytes:,} bytes reclaimed, {len(done.problems)} problems")
    return _told(bench, done)


def _removed(bench: Workbench, plan: Plan, row: Row, *, actor: str) -> Removal:
    try:
        return _Passage(bench, plan, row, actor).run()
    except SlipwayError as error:
        bench.say(f"{row.model} version {row.version} stays for now: {error}")
        return Removal(row=row, reclaimed={}, problem=error.reason)


@dataclass(frozen=True, slots=True)
class _Passage:
    """One version's way into the archive."""

    bench: Workbench
    plan: Plan
    row: Row
    actor: str

    def run(self) -> Removal:
        """Archive, mark, ask again, delete, and write each step down."""
        row, seen = self.row, observe(self.bench, self.row.model)
        way = passages(self.bench.ledger.entries(model=row.model, kinds=KINDS)).get(row.version)
        if way is not None and way.archived is not None and way.stage is Stage.REMOVED:
            return Removal(row=row, reclaimed={}, archive=way.archived.path)  # an earlier run of this plan did it
        resumed = way is not None and way.archived is not None and way.stage is Stage.ARCHIVED
        archived = way.archived if resumed and way is not None and way.archived is not None else self._archive()
        manifest = verify_archive(archived.file(self.bench), sha256=archived.sha256)
        self.bench.registry.set_tags(row.model, row.version, {ARCHIVED: archived.sha256})
        try:
            self._require_removable(manifest)
        except SlipwayError as error:
            self._keep(archived, manifest, error)
            raise
        before: Mapping[str, int] = archived.entry.payload["measured"]
        self._delete(archived, manifest)
        after = measure(self.bench, row.model, row.version, archived.subject.artifact_sha256, seen)
        reclaimed = {what: size - after[what] for what, size in before.items()}
        self._append("removed", {"sha256": archived.sha256, "reclaimed": reclaimed, "bytes": sum(reclaimed.values())})
        items = ", ".join(f"{what} {size:,}" for what, size in reclaimed.items())
        self.bench.say(f"removed {row.model} version {row.version}: {sum(reclaimed.values()):,} bytes ({items})")
        return Removal(row=row, reclaimed=reclaimed, archive=archived.path)

    def _archive(self) -> Archived:
        """Write the archive, read it back, and only then let the ledger name it."""
        bench, row = self.bench, self.row
        subject = Subject(model=row.model, version=row.version, artifact_sha256=row.artifact_sha256)
        with tempfile.TemporaryDirectory(prefix=".retention-", dir=_work(bench)) as folder:
            copy = Path(folder) / "copy"
            copy.mkdir()
            said = bench.registry.copy_out(row.model, row.version, copy)
            sources = {path.relative_to(copy).as_posix(): path for path in copy.rglob("*") if path.is_file()}
            for path in report_files(bench, row.model, row.version):
                sources[f"{REPORTS}/{path.relative_to(bench.settings.reports).as_posix()}"] = path
            facts = {"subject": subject.to_json(), "registry": said}
            path = write_archive(bench.settings.archive_dir / row.model, f"v{row.version}", sources, facts)
        sha256 = digest_file(path)
        manifest = verify_archive(path, sha256=sha256)
        found = digest_files(manifest.below(VERSION))
        if found != row.artifact_sha256:
            raise EvidenceError(
                f"the archive holds {found[7:19]}, the plan says {row.artifact_sha256[7:19]}", remedy="plan again"
            )
        measured = measure(bench, row.model, row.version, found, observe(bench, row.model))
        until = bench.now() + timedelta(days=bench.spec(row.model).retention.evidence_days)
        entry = self._append(
            "archived",
            {
                "subject": subject.to_json(),
                "path": path.relative_to(bench.settings.archive_dir).as_posix(),
                "sha256": sha256,
                "bytes": path.stat().st_size,
                "files": len(manifest.files),
                "run_id": said["run_id"],
                "reason": row.reason,
                "evidence_until": format_time(until),
                "measured": measured,
            },
        )
        bench.say(f"archived {subject}: {len(manifest.files)} files in {path.name}, read back")
        return Archived.of(entry)

    def _require_removable(self, manifest: Manifest) -> None:
        """Raise EvidenceError if the version is needed again, or has bytes that the archive lacks."""
        decision = still_removable(self.bench, self.row, at=self.plan.at)
        if decision.action is not Action.REMOVE:
            raise EvidenceError(f"it {decision.reason}", remedy="nothing is to be done: it stays")
        stored = self.bench.registry.stored_files(self.row.model, self.row.version)
        more = [name for name, size in stored.items() if _sizes(manifest).get(name) != size]
        known = manifest.below(REPORTS)
        for path in report_files(self.bench, self.row.model, self.row.version):
            name = path.relative_to(self.bench.settings.reports).as_posix()
            more += [name] if known.get(name) != digest_file(path) else []
        if more:
            raise EvidenceError(
                f"it has files that the archive lacks: {', '.join(sorted(more)[:5])}", remedy="plan again"
            )

    def _keep(self, archived: Archived, manifest: Manifest, error: SlipwayError) -> None:
        """Undo the mark, and say so: the next plan judges the version anew, and archives it as it is then.

        One of which an earlier run has deleted something stays marked: it is whole in the archive only.
        """
        stored = self.bench.registry.stored_files(self.row.model, self.row.version)
        if all(stored.get(name) == size for name, size in _sizes(manifest).items()):
            self.bench.registry.delete_tag(self.row.model, self.row.version, ARCHIVED)
            self._append("kept", {"sha256": archived.sha256, "reason": error.reason})

    def _delete(self, archived: Archived, manifest: Manifest) -> None:
        from slipway.images.remove import remove_image

        bench, row = self.bench, self.row
        bench.registry.take_away(row.model, row.version, _sizes(manifest))
        for image in observe(bench, row.model).images.get(row.version, ()):
            remove_image(image, archived.subject, bench.settings)
        bench.registry.forget(archived.subject.artifact_sha256)
        for name in manifest.below(REPORTS):
            (bench.settings.reports / name).unlink(missing_ok=True)
        _remove_empty(bench.settings.reports / row.model / f"v{row.version}")

    def _append(self, stage: str, more: Mapping[str, Any]) -> Any:
        payload = {"stage": stage, "plan": self.plan.digest, **more}
        return self.bench.ledger.append(
            EntryKind.ARCHIVE, model=self.row.model, version=self.row.version, actor=self.actor, payload=payload
        )


def clear_leftovers(bench: Workbench) -> None:
    """Remove the work folders of a killed run; the caller holds the archive's lock, so nobody works in them."""
    for folder in bench.settings.archive_dir.glob(".re*-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _told(bench: Workbench, done: Retained) -> Retained:
    from slipway.workflows.retention_page import write_page

    write_page(bench, done)
    return done


def _sizes(manifest: Manifest) -> dict[str, int]:
    """Return the size of each file that came from the registry."""
    return {name: size for name, (_, size) in manifest.files.items() if name.split("/")[0] in (VERSION, RUN)}


def _work(bench: Workbench) -> Path:
    bench.settings.archive_dir.mkdir(parents=True, exist_ok=True)
    return bench.settings.archive_dir


def _remove_empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
