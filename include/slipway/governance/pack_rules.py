"""What has to hold of a pack's entries; :mod:`slipway.governance.verify` runs it, and it goes into that program.

Pure, and of the standard library alone: it is read where there is no Slipway.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Entry = dict[str, Any]
REQUIRED = (
    "validate_data", "evaluate", "build_image", "run_scenarios", "profile_serving", "tune_serving", "load_test",
)  # fmt: skip
BEFORE_IMAGE = ("validate_data", "evaluate")
DECISIONS = (
    "approval", "rejection", "attempt", "promotion", "refusal", "deployment", "rollback", "retirement",
)  # fmt: skip


class Wrong(Exception):
    """The first thing that is wrong, by name."""


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest(data: bytes) -> str:
    """Return the digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def in_scope(entries: Iterable[Entry], scope: Mapping[str, Any]) -> list[Entry]:
    """Return the entries that a pack is about: of its models and its period, and with each the whole of its release."""
    models, start, end = scope["models"], scope["from"] or "", scope["to"] or "~"
    mine = [entry for entry in entries if entry["model"] in models]
    inside = {entry["seq"] for entry in mine if start <= entry["at"] < end}
    touched = {_release(entry) for entry in mine if entry["seq"] in inside and _release(entry)[1]}
    return [entry for entry in mine if entry["seq"] in inside or _release(entry) in touched]


def _release(entry: Entry) -> tuple[str, str]:
    return entry["model"], str(entry["payload"].get("release") or "")


def extracts(entries: Iterable[Entry]) -> dict[str, bytes]:
    """Return the single files of evidence and decisions, by path: the same entries, one by one, for people."""
    found = {}
    for entry in entries:
        version = f"v{entry['version']}" if entry["version"] else "model"
        where = f"{entry['model']}/{version}/{entry['seq']:06d}"
        text = (json.dumps(entry, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
        if entry["kind"] == "evidence":
            found[f"evidence/{where}-{entry['payload']['check']}.json"] = text
        elif entry["kind"] in DECISIONS:
            found[f"decisions/{where}-{entry['kind']}.json"] = text
    return found


def report_files(entries: Iterable[Entry]) -> dict[str, tuple[int, str]]:
    """Return the reports that entries name, by path in the pack: the last entry that names each, and its digest."""
    found = {}
    for entry in entries:
        for report in entry["payload"].get("reports") or ():
            if isinstance(report, dict) and {"path", "sha256"} <= set(report):
                found[f"reports/{report['path']}"] = (entry["seq"], report["sha256"])
    return found


def check_evidence(entry: Entry) -> None:
    """Raise unless an entry's evidence is about its own version, and PASSED only as its measurements say."""
    payload, where = entry["payload"], f"ledger entry {entry['seq']} ({entry['payload'].get('check')})"
    subject = payload["subject"]
    if (subject["model"], subject["version"]) != (entry["model"], entry["version"]):
        raise Wrong(f"{where}: evidence on {subject['model']} version {subject['version']} under another name")
    if payload["outcome"] != "PASSED":
        return
    judged = [m for m in payload["measurements"] if m["threshold"] is not None]
    bad = [m["name"] for m in judged if not _held(m)]
    if bad or not judged:
        raise Wrong(f"{where}: it says PASSED, and {bad[0] if bad else 'nothing'} does not say so")
    if not payload["reports"]:
        raise Wrong(f"{where}: it PASSED without a report")
    if payload["check"] not in BEFORE_IMAGE and not subject.get("image_digest"):
        raise Wrong(f"{where}: it PASSED without an image")


def _held(m: Mapping[str, Any]) -> bool:
    if m["value"] is None or m["n"] < m["n_required"]:
        return False
    return bool(m["value"] <= m["threshold"] if m["bound"] == "max" else m["value"] >= m["threshold"])


def check_promotion(entry: Entry, before: Sequence[Entry]) -> None:
    """Raise unless a promotion had complete PASSED evidence on its bytes, and approvals of them in its release."""
    where, subject = f"ledger entry {entry['seq']} (promotion)", entry["payload"]["subject"]
    found = [e["payload"] for e in before if e["kind"] == "evidence" and _covers(e["payload"]["subject"], subject)]
    latest = {item["check"]: item for item in sorted(found, key=lambda item: str(item["ended_at"]))}
    for check in REQUIRED:
        if check not in latest:
            raise Wrong(f"{where}: no {check} evidence on these bytes")
        if latest[check]["outcome"] != "PASSED":
            raise Wrong(f"{where}: the newest {check} evidence on these bytes is {latest[check]['outcome']}")
    tuned, tested = (latest[check]["details"].get("options") for check in ("tune_serving", "load_test"))
    if tuned is None or tuned != tested:
        raise Wrong(f"{where}: the load test drove other serving options than tuning chose")
    _check_approvals(entry, before, where)


def _check_approvals(entry: Entry, before: Sequence[Entry], where: str) -> None:
    payload = entry["payload"]
    named = payload.get("approvals") or [payload.get("approval")]
    if not all(isinstance(one, dict) and type(one.get("seq")) is int for one in named):
        raise Wrong(f"{where}: it names no approval")
    decided = [e for e in before if e["kind"] in ("approval", "rejection") and _release(e) == _release(entry)]
    approved = [e for e in decided if e["kind"] == "approval" and e["payload"].get("subject") == payload["subject"]]
    good = {e["seq"]: e for e in approved}
    for one in named:
        if one["seq"] not in good or good[one["seq"]]["actor"] != one.get("by"):
            raise Wrong(f"{where}: entry {one['seq']} is no approval of these bytes in this release by {one.get('by')}")
    first = min(one["seq"] for one in named)
    rejected = [e["seq"] for e in decided if e["kind"] == "rejection" and e["seq"] > first]
    if rejected:
        raise Wrong(f"{where}: entry {rejected[0]} rejected it after its approval")
    if len({one["by"] for one in named}) < len(named):
        raise Wrong(f"{where}: one person approved it twice")


def _covers(judged: Mapping[str, Any], subject: Mapping[str, Any]) -> bool:
    same = all(judged[key] == subject[key] for key in ("model", "version", "artifact_sha256"))
    return same and judged.get("image_digest") in (None, subject["image_digest"])


def check_served(entry: Entry, before: Sequence[Entry]) -> None:
    """Raise unless what was put into service had been promoted."""
    subject = entry["payload"]["subject"]
    if not any(e["kind"] == "promotion" and e["payload"]["subject"] == subject for e in before):
        raise Wrong(f"ledger entry {entry['seq']} ({entry['kind']}): these bytes were never promoted")


def check_decisions(entries: Sequence[Entry], about: Iterable[Entry]) -> dict[str, int]:
    """Return how many entries of each kind hold."""
    checks = {"promotion": check_promotion, "deployment": check_served, "rollback": check_served}
    count: dict[str, int] = {}
    of_model: dict[str, list[Entry]] = {}
    for entry in entries:
        of_model.setdefault(entry["model"], []).append(entry)
    for entry in about:
        own = of_model[entry["model"]] if entry["kind"] in checks else ()
        before = [e for e in own if e["seq"] < entry["seq"]]
        try:
            if entry["kind"] == "evidence":
                check_evidence(entry)
            elif entry["kind"] in checks:
                checks[entry["kind"]](entry, before)
        except (LookupError, TypeError, AttributeError) as error:
            raise Wrong(f"ledger entry {entry['seq']} ({entry['kind']}): it is malformed: {error!r}") from error
        count[entry["kind"]] = count.get(entry["kind"], 0) + 1
    return count
