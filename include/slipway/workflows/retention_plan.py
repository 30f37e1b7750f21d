"""The plan of a retention: for every version what becomes of it, written down before anything is done.

Rules
-----
1. A plan is a file with a digest, and the ledger has that digest. What is not that file is not that plan.
2. It says for which moment it was made; ages count for that moment whenever it is carried out.
3. It binds bytes: a version to remove is named with the digest that the registry's files have, read anew. Files that
   cannot be read, that the ledger knows otherwise, or that other versions share are not removed.
4. It holds as long as nothing has changed: it is made again before it is carried out, and every difference in a model
   of which it removes something refuses it. What it has itself done already is no difference.
5. A model whose declaration, registry or ledger cannot be read has its problem, and loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.core.identity import digest_bytes, parse_digest
from slipway.core.retention import Action, Decision, Stage, decide
from slipway.errors import EvidenceError, SlipwayError
from slipway.ledger.entries import FLEET, EntryKind, format_time
from slipway.runtime.files import write_text
from slipway.workflows.archives import KINDS
from slipway.workflows.retention_state import Observed, observe, with_problems
from slipway.workflows.workbench import Workbench

PLAN_FILE = "plan.json"
PAGE_FILE = "retention.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One version in a plan.

    Attributes
    ----------
    model : str
    version : int
    action : Action
    reason : str
    created_at : str
    artifact_sha256 : str
        Of a version to remove: the digest of its files; else empty.
    sizes : mapping of str to int
        Of a version to remove: bytes in ``registry``, ``images``, ``cache`` and ``reports``.
    """

    model: str
    version: int
    action: Action
    reason: str
    created_at: str = ""
    artifact_sha256: str = ""
    sizes: Mapping[str, int] | None = None

    @property
    def bytes(self) -> int:
        """What its removal frees."""
        return sum((self.sizes or {}).values())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "model": self.model,
            "version": self.version,
            "action": self.action.value,
            "reason": self.reason,
            "created_at": self.created_at,
            "artifact_sha256": self.artifact_sha256,
            "sizes": dict(self.sizes or {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "action": Action(data["action"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of every version, and for which moment that holds; ``problems`` are by model."""

    at: datetime
    models: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: Mapping[str, str]

    @property
    def removals(self) -> tuple[Row, ...]:
        """The versions to archive and remove."""
        return tuple(row for row in self.rows if row.action is Action.REMOVE)

    @property
    def bytes(self) -> int:
        """What carrying it out frees."""
        return sum(row.bytes for row in self.removals)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "at": format_time(self.at),
            "models": list(self.models),
            "rows": [row.to_json() for row in self.rows],
            "problems": dict(self.problems),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Read what :meth:`to_json` wrote."""
        return cls(
            at=datetime.fromisoformat(data["at"]),
            models=tuple(data["models"]),
            rows=tuple(map(Row.from_json, data["rows"])),
            problems=dict(data["problems"]),
        )

    def text(self) -> str:
        """Return the file's text; its digest is the plan's."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True) + "\n"

    @property
    def digest(self) -> str:
        """The digest by which the plan is carried out."""
        return digest_bytes(self.text().encode())


def make_plan(bench: Workbench, models: Sequence[str], *, at: datetime) -> Plan:
    """Decide for every version of these models; nothing is changed."""
    rows: list[Row] = []
    problems: dict[str, str] = {}
    for model in models:
        try:
            rows += plan_model(bench, model, at=at)
        except SlipwayError as error:
            problems[model] = error.reason
    return Plan(at=at, models=tuple(models), rows=tuple(rows), problems=problems)


def plan_model(bench: Workbench, model: str, *, at: datetime) -> list[Row]:
    """Return one model's rows: decided on what stands where, then once more on what can be read."""
    spec, seen = bench.spec(model).retention, observe(bench, model)
    first = decide(seen.states, spec, held=seen.held, at=at)
    bound: dict[int, Row] = {}
    problems: dict[int, str] = {}
    for decision in first:
        if decision.action is Action.REMOVE:
            try:
                bound[decision.version] = _bind(bench, model, decision, seen)
            except SlipwayError as error:
                problems[decision.version] = error.reason
    created = {state.version: state.created_at for state in seen.states}
    rows = []
    for decision in decide(with_problems(seen.states, problems), spec, held=seen.held, at=at):
        row = bound.get(decision.version) if decision.action is Action.REMOVE else None
        moment = created[decision.version]
        plain = Row(model=model, version=decision.version, action=decision.action, reason=decision.reason)
        rows.append(replace(row or plain, created_at="" if moment is None else format_time(moment)))
    return rows


def still_removable(bench: Workbench, row: Row, *, at: datetime) -> Decision:
    """Return what becomes of a version now, on what stands where at this moment; bytes are not looked at."""
    seen = observe(bench, row.model)
    decisions = decide(seen.states, bench.spec(row.model).retention, held=seen.held, at=at)
    found = [decision for decision in decisions if decision.version == row.version]
    return found[0] if found else Decision(version=row.version, action=Action.KEEP, reason="is no longer registered")


def store_plan(bench: Workbench, plan: Plan, *, actor: str) -> str:
    """Write a plan below the reports folder and its digest into the ledger; return the digest."""
    path = plan_folder(bench, plan.digest) / PLAN_FILE
    write_text(path, plan.text(), synced=True)
    bench.ledger.append(
        EntryKind.ARCHIVE,
        model=FLEET,
        version=None,
        actor=actor,
        payload={
            "stage": "planned",
            "plan": plan.digest,
            "path": path.relative_to(bench.settings.reports).as_posix(),
            "models": list(plan.models),
            "remove": [f"{row.model} version {row.version}" for row in plan.removals],
            "bytes": plan.bytes,
        },
    )
    return plan.digest


def load_plan(bench: Workbench, digest: str) -> Plan:
    """Return a stored plan.

    Raises
    ------
    EvidenceError
        If there is none, it was altered, or the ledger does not know it.
    """
    path = plan_folder(bench, parse_digest(digest)) / PLAN_FILE
    remedy = "make a new plan with `slipway retention`, and apply that one"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise EvidenceError(f"there is no retention plan {digest[7:19]}: {error}", remedy=remedy) from error
    if digest_bytes(text.encode()) != digest:
        raise EvidenceError(f"the retention plan {digest[7:19]} was altered after it was made", remedy=remedy)
    made = bench.ledger.entries(model=FLEET, kinds=[EntryKind.ARCHIVE])
    if not any(entry.payload["stage"] == "planned" and entry.payload["plan"] == digest for entry in made):
        raise EvidenceError(f"the ledger knows no retention plan {digest[7:19]}", remedy=remedy)
    return Plan.from_json(json.loads(text))


def require_unchanged(bench: Workbench, plan: Plan) -> None:
    """Raise EvidenceError, naming what, if anything has changed since the plan was made (rule 4)."""
    models = sorted({row.model for row in plan.removals})
    now = make_plan(bench, models, at=plan.at)
    done = {(model, version) for model in models for version in _begun(bench, model, plan.digest)}
    then = {k: v for k, v in _compared(row for row in plan.rows if row.model in models).items() if k not in done}
    seen = {k: v for k, v in _compared(now.rows).items() if k not in done}
    changed = [f"{model}: {problem}" for model, problem in now.problems.items()]
    changed += [
        f"{model} version {version} {_was(then.get((model, version)))}, now it {_was(seen.get((model, version)))}"
        for model, version in sorted(then.keys() | seen.keys())
        if then.get((model, version)) != seen.get((model, version)) and model not in now.problems
    ]
    if changed:
        raise EvidenceError(
            f"the retention plan {plan.digest[7:19]} no longer holds: {'; '.join(changed[:5])}",
            remedy="make a new plan with `slipway retention`, look at it, and apply that one",
        )


def plan_folder(bench: Workbench, digest: str) -> Path:
    """Return where a plan and its page are."""
    return bench.settings.reports / FLEET / "retention" / digest[7:19]


def measure(bench: Workbench, model: str, version: int, artifact_sha256: str, seen: Observed) -> dict[str, int]:
    """Return how many bytes a version takes, by where they are."""
    from slipway.images.remove import image_bytes

    return {
        "registry": sum(bench.registry.stored_files(model, version).values()),
        "images": sum(image_bytes(image, bench.settings) for image in seen.images.get(version, ())),
        "cache": bench.registry.cached_bytes(artifact_sha256),
        "reports": sum(path.lstat().st_size for path in report_files(bench, model, version)),
    }


def report_files(bench: Workbench, model: str, version: int) -> list[Path]:
    """Return the files of every release's reports on a version, on this host."""
    return sorted(path for path in (bench.settings.reports / model / f"v{version}").rglob("*") if path.is_file())


def _bind(bench: Workbench, model: str, decision: Decision, seen: Observed) -> Row:
    version, passage = decision.version, seen.passages.get(decision.version)
    if passage is not None and passage.stage is Stage.ARCHIVED and passage.archived is not None:
        digest = passage.archived.subject.artifact_sha256  # part of the files may be gone already
    else:
        digest = bench.registry.artifact_digest(model, version)
        known = seen.artifacts.get(version, frozenset()) - {digest}
        if known:
            raise EvidenceError(
                f"its files are {digest[7:19]}, the ledger knows them as {', '.join(d[7:19] for d in sorted(known))}",
                remedy="find out who changed them",
            )
    return Row(
        model=model,
        version=version,
        action=decision.action,
        reason=decision.reason,
        artifact_sha256=digest,
        sizes=measure(bench, model, version, digest, seen),
    )


def _begun(bench: Workbench, model: str, digest: str) -> set[int]:
    entries = bench.ledger.entries(model=model, kinds=KINDS)
    return {e.version for e in entries if e.version is not None and e.payload.get("plan") == digest}


def _compared(rows: Iterable[Row]) -> dict[tuple[str, int], tuple[str, str, str]]:
    return {(row.model, row.version): (row.action.value, row.reason, row.artifact_sha256) for row in rows}


def _was(row: tuple[str, str, str] | None) -> str:
    if row is None:
        return "was not there"
    action, reason, artifact = row
    return f"{reason} ({action}{', files ' + artifact[7:19] if artifact else ''})"
