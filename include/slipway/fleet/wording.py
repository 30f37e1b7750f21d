"""One sentence for each entry of the ledger, as a person would tell it. Text in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_LONGEST = 400
_Payload = Mapping[str, Any]


def sentence(kind: str, version: int | None, payload: _Payload) -> str:
    """Return what an entry says; of a kind that is not known here, or of an odd payload, just that.

    >>> sentence("promotion", 3, {"before": 2})
    'version 3 is champion in place of version 2'
    """
    tell = _TOLD.get(kind)
    try:
        said = tell(_named(version), payload) if tell else _plain(_named(version), payload)
    except (LookupError, TypeError, ValueError, AttributeError):
        said = _named(version)
    said = " ".join(said.split())
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def _named(version: Any) -> str:
    return "the model" if version is None else f"version {version}"


def _with(text: str, more: Any) -> str:
    return f"{text}: {more}" if more else text


def _evidence(name: str, payload: _Payload) -> str:
    reasons = "; ".join(payload.get("reasons") or ())
    return _with(f"{payload['check']} {payload['outcome']} for {name}", reasons)


def _ended(name: str, payload: _Payload) -> str:
    passed = payload["outcome"] == "PASSED"
    return (
        f"release of {name} ended: in production"
        if passed
        else _with(f"release of {name} ended {payload['outcome']} at {payload['step']}", payload.get("reason"))
    )


def _started(name: str, payload: _Payload) -> str:
    return _with(f"release of {name} began, load profile {payload.get('load_profile', '?')}", payload.get("reason"))


def _promotion(name: str, payload: _Payload) -> str:
    before = payload.get("before")
    return f"{name} is champion" + (f" in place of {_named(before)}" if before is not None else "")


def _scoring(name: str, payload: _Payload) -> str:
    rows, interval = payload["rows"], payload["interval"]
    aside = f", {rows['set_aside']:,} set aside" if rows.get("set_aside") else ""
    return f"{name} scored {rows['written']:,} rows of {interval['start'][:16]} to {interval['end'][:16]}{aside}"


def _plain(name: str, payload: _Payload) -> str:
    told = next((str(payload[key]) for key in ("reason", "comment", "said", "outcome", "what") if payload.get(key)), "")
    return _with(name, told)


_TOLD: Mapping[str, Callable[[str, _Payload], str]] = {
    "release_started": _started,
    "release_ended": _ended,
    "evidence": _evidence,
    "approval": lambda name, payload: _with(f"{name} approved", payload.get("comment")),
    "rejection": lambda name, payload: _with(f"{name} rejected", payload.get("comment")),
    "promotion": _promotion,
    "deployment": lambda name, payload: _with(f"{name} serves", payload.get("reason")),
    "rollback": lambda name, payload: _with(f"{name} serves again", payload.get("reason")),
    "refusal": lambda name, payload: _with(f"{payload.get('what', 'a step')} of {name} refused", payload.get("reason")),
    "retirement": lambda name, payload: _with(f"{name} retired", payload.get("reason")),
    "scoring": _scoring,
    "archive": lambda name, payload: _with(f"{name} archived", payload.get("reason")),
    "restoration": lambda name, payload: _with(f"{name} restored", payload.get("reason")),
}
