"""One model of the fleet in full: its page's facts, its timeline in pages, and what served at a moment.

Rules
-----
1. What was live at a moment is the ledger's newest deployment or rollback up to it, unless a retirement came between.
2. The ledger, the watch's numbers and the report files each may be away: the page says which, and shows the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from slipway.errors import SlipwayError
from slipway.fleet.model_page import LiveAt, ModelFacts, Moment
from slipway.fleet.rows import Row
from slipway.fleet.values import Live
from slipway.fleet.wording import sentence
from slipway.ledger.entries import Entry, EntryKind
from slipway.monitoring import trend_page
from slipway.monitoring.sparks import strip
from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.trend import arrange
from slipway.reporting.page import own_file
from slipway.workflows.fleet_fold import ends_service, live_after
from slipway.workflows.fleet_view import FleetView
from slipway.workflows.watch_trend import trend_path

TIMELINE = 30
MAX_TIMELINE = 200
DRIFT_DAYS = 30
_DECISIONS = tuple(kind for kind in EntryKind if kind not in (EntryKind.EVIDENCE, EntryKind.SCORING))
_TONES = {
    EntryKind.PROMOTION: "PASSED",
    EntryKind.DEPLOYMENT: "PASSED",
    EntryKind.APPROVAL: "PASSED",
    EntryKind.ROLLBACK: "INCONCLUSIVE",
    EntryKind.REACTION: "INCONCLUSIVE",
    EntryKind.REJECTION: "FAILED",
    EntryKind.REFUSAL: "FAILED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How much of a model: all its versions, and only what was decided about it."""

    every_version: bool = False
    decisions: bool = False


def model_facts(
    view: FleetView, row: Row, said: Sequence[str], *, at: str = "", before: int | None = None, show: Shown
) -> ModelFacts:
    """Return all that a model's page shows.

    Parameters
    ----------
    view : FleetView
    row : Row
    said : sequence of str
        What is missing already.
    at : str
        The moment that was asked about, as typed; empty if none was.
    before : int or None
        The timeline is shown from the entry before this one; None: from the newest.
    show : Shown
    """
    told = list(said)
    entries = _newest(view, row.model, before, show, told)
    drift = _drift(view, row, told)
    versions = sorted(row.summary.versions, reverse=True)
    return ModelFacts(
        row=row,
        cells=view.cells(row.model),
        cards=_cards(view, row.model, versions),
        drift=drift,
        drift_css=own_file(trend_page.__file__, "trend.css") if drift else "",
        trend=_existing(view, trend_path(row.model).as_posix()),
        timeline=[_moment(entry) for entry in entries[:TIMELINE]],
        older=entries[TIMELINE - 1].seq if len(entries) > TIMELINE else None,
        newer=before is not None,
        live=_asked(view, row.model, at) if at else None,
        every_version=show.every_version,
        decisions=show.decisions,
        said=tuple(told),
    )


def timeline(view: FleetView, model: str, *, after: int = 0, limit: int = TIMELINE) -> dict[str, Any]:
    """Return a model's entries after one, oldest first, as JSON values; ``next`` is what to ask for next, or None.

    Raises
    ------
    LedgerError
        If the ledger cannot be read.
    """
    limit = min(max(limit, 1), MAX_TIMELINE)
    found = view.bench.ledger.entries(model=model, since_seq=after, limit=limit + 1)
    entries = [
        {**entry.to_json(), "said": sentence(entry.kind, entry.version, entry.payload)} for entry in found[:limit]
    ]
    return {"entries": entries, "next": found[limit - 1].seq if len(found) > limit else None}


def live_at(view: FleetView, model: str, moment: datetime) -> Live | None:
    """Return what served at a moment; None if nothing did (rule 1).

    Raises
    ------
    LedgerError
        If the ledger cannot be read, or ``moment`` has no time zone.
    """
    entry = view.bench.ledger.live_at(model, moment)
    if entry is None:
        return None
    ended = view.bench.ledger.entries(model=model, kinds=[EntryKind.RETIREMENT], since_seq=entry.seq)
    gone = any(ends_service(later, entry.version) and later.at <= moment for later in ended)
    return None if gone else live_after(entry)


def parse_moment(text: str) -> datetime:
    """Return a typed moment; UTC where it names no zone. ValueError if it is none.

    >>> parse_moment("2026-03-01T10:00").isoformat()
    '2026-03-01T10:00:00+00:00'
    """
    # A "+" that a client forgot to quote in an address arrives as a blank.
    found = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _asked(view: FleetView, model: str, at: str) -> LiveAt:
    try:
        moment = parse_moment(at)
        return LiveAt(asked=f"{moment:%Y-%m-%dT%H:%M:%S}", at=moment, live=live_at(view, model, moment))
    except (ValueError, OverflowError):
        return LiveAt(asked="", problem=f"{at[:40]!r} is not a moment; write it as 2026-03-01T10:00.")
    except SlipwayError as error:
        return LiveAt(asked=at, problem=f"It cannot be told: {error.reason}. What to do: {error.remedy}.")


def _newest(view: FleetView, model: str, before: int | None, show: Shown, told: list[str]) -> list[Entry]:
    kinds = _DECISIONS if show.decisions else None
    try:
        return view.bench.ledger.newest(model, limit=TIMELINE + 1, before_seq=before, kinds=kinds)
    except SlipwayError as error:
        said = f"The timeline cannot be shown: {error.reason}. What to do: {error.remedy}."
        told.append(said)
        return []


def _drift(view: FleetView, row: Row, told: list[str]) -> str:
    """Return the watch's verdicts of its last days, day by day; empty where it has none."""
    watched = row.watched
    if watched is None or watched.day is None:
        return ""
    until = date.fromisoformat(watched.day)
    since = until - timedelta(days=DRIFT_DAYS - 1)
    store = MonitoringStore(view.settings.monitoring_url, clock=view.bench.now)
    try:
        runs, alerts = store.runs(row.model, since=since, until=until), store.alerts(row.model)
    except SlipwayError as error:
        told.append(f"The watch's days cannot be shown: {error.reason}. What to do: {error.remedy}.")
        return ""
    found = arrange(row.model, (), runs, alerts, until=until, days=DRIFT_DAYS)
    return strip(found.runs, since, until, found.changes) if found.runs else ""


def _cards(view: FleetView, model: str, versions: Sequence[int]) -> Mapping[int, str]:
    """Return each version's newest model card, below the reports folder."""
    found = {}
    for version in versions:
        folder = view.settings.reports / model / f"v{version}"
        cards = sorted((*folder.glob("card.html"), *folder.glob("*/card.html")), key=lambda path: path.stat().st_mtime)
        if cards:
            found[version] = cards[-1].relative_to(view.settings.reports).as_posix()
    return found


def _existing(view: FleetView, path: str) -> str:
    return path if (view.settings.reports / path).is_file() else ""


def _moment(entry: Entry) -> Moment:
    outcome = entry.payload.get("outcome")
    return Moment(
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind.value,
        tone=str(outcome) if isinstance(outcome, str) else _TONES.get(entry.kind, "recorded"),
        version=entry.version,
        actor=entry.actor,
        said=sentence(entry.kind, entry.version, entry.payload),
        hash=entry.hash,
        release=str(entry.payload.get("release") or ""),
    )
