"""Legal hold by command: who holds which version, and why; effective beside what model.yaml declares.

A hold names one version. It is in force until somebody lifts it, with a reason; a hold that model.yaml declares is
lifted there, where it was declared.
"""

from __future__ import annotations

from collections.abc import Iterable

from slipway.errors import EvidenceError, SpecError, VersionNotFound
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.archives import KINDS, passages
from slipway.workflows.workbench import Workbench


def held_versions(entries: Iterable[Entry]) -> dict[int, str]:
    """Return the versions of one model that a command holds, each with who and why."""
    held: dict[int, str] = {}
    for entry in entries:
        if entry.kind is not EntryKind.HOLD or entry.version is None:
            continue
        if entry.payload["held"]:
            held[entry.version] = f"{entry.payload['reason']} ({entry.actor})"
        else:
            held.pop(entry.version, None)
    return held


def hold(bench: Workbench, model: str, version: int, *, actor: str, reason: str) -> None:
    """Hold a version: retention neither archives nor removes it.

    Raises
    ------
    VersionNotFound
        If there is no such version, in the registry or in the archive.
    SpecError
        If no reason is given.
    """
    spec, said = bench.spec(model), _said(reason)
    known = {info.version for info in bench.registry.versions(model)}
    known |= set(passages(bench.ledger.entries(model=model, kinds=KINDS)))
    if version not in known:
        raise VersionNotFound(f"{model} has no version {version}", remedy=f"look at `slipway retention {model}`")
    if version in spec.retention.legal_hold:
        bench.say(f"{model} version {version} is on hold by its model.yaml too")
    _record(bench, model, version, actor=actor, reason=said, held=True)


def lift_hold(bench: Workbench, model: str, version: int, *, actor: str, reason: str) -> None:
    """Lift what :func:`hold` put on a version.

    Raises
    ------
    EvidenceError
        If no command holds it; a hold of model.yaml is lifted there.
    """
    spec, said = bench.spec(model), _said(reason)
    if version not in held_versions(bench.ledger.entries(model=model, kinds=[EntryKind.HOLD])):
        declared = version in spec.retention.legal_hold
        raise EvidenceError(
            f"{model} version {version} is on hold by its model.yaml" if declared else "no command holds it",
            remedy="take it out of retention.legal_hold there" if declared else f"look at `slipway retention {model}`",
        )
    _record(bench, model, version, actor=actor, reason=said, held=False)


def _said(reason: str) -> str:
    if not reason.strip():
        raise SpecError("a legal hold is put on and lifted for a reason", remedy="give one with --reason")
    return reason.strip()


def _record(bench: Workbench, model: str, version: int, *, actor: str, reason: str, held: bool) -> None:
    payload = {"held": held, "reason": reason}
    bench.ledger.append(EntryKind.HOLD, model=model, version=version, actor=actor, payload=payload)
    bench.say(f"{model} version {version} is {'held' if held else 'no longer held'}: {reason}")
