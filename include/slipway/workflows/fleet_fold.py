"""How one more entry of the ledger changes what the fleet's page knows about its model. No I/O, no clock.

Rules
-----
1. Who is champion follows from :func:`slipway.workflows.standing.next_standing` alone.
2. What serves is what was deployed or put back last, until the model, or just that version, is retired.
3. A cell of the matrix is the newest evidence of its check on its version, whatever it says.
4. An entry whose payload is not as expected counts, and changes nothing else: the ledger outlives its writers, and one
   odd entry hides no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.core.evidence import Check, Evidence
from slipway.core.retention import Stage
from slipway.core.verdict import Measurement, Outcome
from slipway.fleet.values import LOADS_KEPT, Cell, Champion, Ended, Known, Live, Load, Number, Scored, Summary
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.workflows.archives import stage_told
from slipway.workflows.release_report import report_path
from slipway.workflows.standing import KINDS as STANDING_KINDS
from slipway.workflows.standing import RESTORER, Standing, next_standing

NUMBERS_KEPT = 12
_MAX_REASON = 300
_ORDER = {Outcome.FAILED: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASSED: 2}
_ODD = (LookupError, TypeError, ValueError, AttributeError)


def fold(summary: Summary, entry: Entry) -> tuple[Summary, Cell | None]:
    """Return what is known after ``entry``, which is later than all before, and the cell that it makes, if any."""
    counted = {"entries": summary.entries + 1, "last_seq": entry.seq, "last_at": entry.at}
    try:
        changed, cell = _changes(summary, entry)
    except _ODD:
        changed, cell = {}, None
    return summary.model_copy(update={**counted, **changed}), cell


def live_after(entry: Entry) -> Live:
    """Return what serves after a deployment or a rollback; ValueError or LookupError if it does not say."""
    subject = entry.payload["subject"]
    if entry.version is None:
        raise ValueError(f"entry {entry.seq} does not say which version serves")
    return Live(
        version=entry.version,
        artifact_sha256=subject.get("artifact_sha256"),
        image_digest=subject.get("image_digest"),
        since=entry.at,
        seq=entry.seq,
        kind=entry.kind.value,
        actor=entry.actor,
        release=str(entry.payload.get("release") or ""),
    )


def ends_service(entry: Entry, version: int | None) -> bool:
    """Tell whether an entry retires what serves: the model as a whole, or just this version."""
    return entry.kind is EntryKind.RETIREMENT and entry.version in (None, version)


def _changes(summary: Summary, entry: Entry) -> tuple[dict[str, Any], Cell | None]:
    changed: dict[str, Any] = {}
    cell = None
    version = entry.payload["restored_as"] if entry.kind is EntryKind.RESTORATION else entry.version
    if version is not None:
        changed["versions"] = {**summary.versions, version: _known(summary, entry, version)}
    if entry.kind in STANDING_KINDS:
        changed["champion"] = _champion(summary, entry, changed.get("versions", summary.versions))
    if entry.kind in SERVING_KINDS:
        changed["live"] = _live(summary, entry)
    elif summary.live is not None and ends_service(entry, summary.live.version):
        changed["live"] = None
    elif entry.kind is EntryKind.EVIDENCE:
        evidence = Evidence.from_json(entry.payload)
        cell = _cell(entry, evidence)
        if evidence.check is Check.LOAD_TEST:
            changed["loads"] = (*summary.loads, _load(entry, evidence))[-LOADS_KEPT:]
    elif entry.kind in (EntryKind.RELEASE_STARTED, EntryKind.RELEASE_ENDED):
        changed["release"] = _release(entry)
    elif entry.kind is EntryKind.SCORING:
        changed["scored"] = _scored(entry)
    return changed, cell


def _known(summary: Summary, entry: Entry, version: int) -> Known:
    known = summary.versions.get(version) or Known(since=entry.at)
    subject: Mapping[str, Any] = entry.payload.get("subject") or {}
    told = {name: subject[name] for name in ("artifact_sha256", "image_digest") if subject.get(name)}
    if entry.kind in STANDING_KINDS and entry.kind is not EntryKind.REFUSAL and "artifact_sha256" in told:
        told["standing_sha256"] = told["artifact_sha256"]
    if entry.kind is EntryKind.ARCHIVE:
        told["stage"] = stage_told(entry)
    elif entry.kind is EntryKind.RESTORATION:
        told |= {"stage": Stage.PRESENT, "restored": entry.at}
    elif entry.kind is EntryKind.HOLD:
        told["held"] = entry.payload["held"]
    elif entry.kind in (EntryKind.RELEASE_STARTED, EntryKind.EVIDENCE, EntryKind.RELEASE_ENDED):
        release = str(entry.payload["release"])
        told |= {"release": release, "page": report_path(entry.model, version, release)}
    return known.model_copy(update=told)


def _champion(summary: Summary, entry: Entry, versions: Mapping[int, Known]) -> Champion | None:
    before = summary.champion
    found = None
    if before is not None:
        found = Standing(version=before.version, artifact_sha256=before.artifact_sha256, recorded=True)
    digests = {version: known.standing_sha256 for version, known in versions.items() if known.standing_sha256}
    after = next_standing(found, entry, digests)
    if after is None or after is found:
        return before
    same = before is not None and (before.version, before.artifact_sha256) == (after.version, after.artifact_sha256)
    since = before.since if before is not None and same else entry.at
    return Champion(version=after.version, artifact_sha256=after.artifact_sha256, since=since)


def _live(summary: Summary, entry: Entry) -> Live:
    after, before = live_after(entry), summary.live
    restored = entry.actor == RESTORER and before is not None and before.image_digest == after.image_digest
    return before if restored and before is not None else after


def _cell(entry: Entry, evidence: Evidence) -> Cell:
    judged = [(m, m.outcome) for m in evidence.measurements if m.outcome is not None]
    judged.sort(key=lambda pair: _ORDER[pair[1]])
    return Cell(
        version=evidence.subject.version,
        check=evidence.check.value,
        outcome=evidence.outcome.value,
        seq=entry.seq,
        at=entry.at,
        release=evidence.release,
        report=_report(evidence),
        page=report_path(entry.model, evidence.subject.version, evidence.release),
        numbers=tuple(_number(m, outcome) for m, outcome in judged[:NUMBERS_KEPT]),
        more=max(0, len(judged) - NUMBERS_KEPT),
        reason="; ".join(evidence.reasons)[:_MAX_REASON],
    )


def _number(measurement: Measurement, outcome: Outcome) -> Number:
    assert measurement.threshold is not None
    assert measurement.bound is not None
    return Number(
        name=measurement.name,
        value=measurement.value,
        threshold=measurement.threshold,
        bound=measurement.bound.value,
        unit=measurement.unit,
        n=measurement.n,
        outcome=outcome.value,
    )


def _report(evidence: Evidence) -> str:
    pages = [report.path for report in evidence.reports if report.path.endswith(".html")]
    named = [path for path in pages if path.rsplit("/", 1)[-1] == f"{evidence.check.value}.html"]
    return (named or pages or [""])[0]


def _load(entry: Entry, evidence: Evidence) -> Load:
    found = {m.name: m for m in evidence.measurements}
    p95, p99 = found.get("latency.p95"), found.get("latency.p99")
    return Load(
        version=evidence.subject.version,
        at=entry.at,
        outcome=evidence.outcome.value,
        p95=p95.value if p95 else None,
        p99=p99.value if p99 else None,
        p95_limit=p95.threshold if p95 else None,
        p99_limit=p99.threshold if p99 else None,
        report=_report(evidence),
    )


def _release(entry: Entry) -> Ended:
    payload = entry.payload
    ended = entry.kind is EntryKind.RELEASE_ENDED
    release = str(payload.get("release") or "")
    return Ended(
        release=release,
        page=report_path(entry.model, entry.version, release) if release else "",
        version=entry.version,
        at=entry.at,
        outcome=str(payload["outcome"]) if ended else None,
        step=str(payload.get("step") or ""),
        reason=str(payload.get("reason") or "")[:_MAX_REASON] if ended else "",
    )


def _scored(entry: Entry) -> Scored:
    interval = entry.payload["interval"]
    return Scored(
        version=entry.version,
        at=entry.at,
        start=str(interval["start"]),
        end=str(interval["end"]),
        rows=int(entry.payload["rows"]["written"]),
    )
