"""The fleet's pages, and the same as JSON: read-only, thin over :mod:`slipway.workflows.fleet_view`.

Nothing here changes anything, so there is no form to forge; what was typed by people is escaped by the pages, whose
policy lets only their own script and style sheet in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from slipway.errors import LedgerError
from slipway.fleet.frame import Page
from slipway.fleet.inventory_page import inventory_page
from slipway.fleet.model_page import model_page
from slipway.fleet.query import Query as Asked
from slipway.fleet.rows import Row, rows_of
from slipway.settings import Settings
from slipway.workflows.fleet_model import MAX_TIMELINE, TIMELINE, Shown, live_at, model_facts, parse_moment, timeline
from slipway.workflows.fleet_view import Fleet, FleetView
from slipway_airflow.ui.access import readable

router = APIRouter()
_NOT_MODELS = frozenset({"fleet"})  # the ledger's name for entries that are about no single model
_Seq = Annotated[int, Query(ge=0, le=2**62)]


@lru_cache(maxsize=2)
def view_of(settings: Settings) -> FleetView:
    """Return the view of a project, kept between requests."""
    return FleetView(settings)


@router.get("/fleet")
def fleet_page(request: Request, user: GetUserDep) -> HTMLResponse:
    """Send the inventory."""
    _, fleet, rows = _rows(user)
    return _send(inventory_page(rows, Asked.parse(request.query_params), fleet.notices, seq=fleet.seq))


@router.get("/fleet/{model}")
def fleet_model(
    model: str, user: GetUserDep, at: str = "", before: _Seq | None = None, versions: str = "", show: str = ""
) -> HTMLResponse:
    """Send a model's page; with ``at``, what served then; with ``before``, the timeline before an entry.

    ``versions=all`` shows all of them, ``show=decisions`` leaves evidence and scored days out of the timeline.
    """
    view, fleet, row = _row(model, user)
    shown = Shown(every_version=versions == "all", decisions=show == "decisions")
    facts = model_facts(view, row, fleet.notices, at=at, before=before, show=shown)
    return _send(model_page(facts))


@router.get("/api/models")
def api_models(request: Request, user: GetUserDep) -> dict[str, Any]:
    """Return the inventory; the page's filters and sort work here too."""
    _, fleet, rows = _rows(user)
    found = Asked.parse(request.query_params).choose(rows)
    return {"models": [row.to_json() for row in found], "ledger_entry": fleet.seq, "notices": list(fleet.notices)}


@router.get("/api/models/{model}")
def api_model(model: str, user: GetUserDep) -> dict[str, Any]:
    """Return a model's line, its versions and the newest evidence of each gate on each of them."""
    view, fleet, row = _row(model, user)
    return {
        **row.to_json(),
        "versions": {version: known.model_dump(mode="json") for version, known in row.summary.versions.items()},
        "gates": [cell.model_dump(mode="json") for cell in view.cells(model)],
        "load_tests": [load.model_dump(mode="json") for load in row.summary.loads],
        "ledger_entry": fleet.seq,
        "notices": list(fleet.notices),
    }


@router.get("/api/models/{model}/timeline")
def api_timeline(
    model: str, user: GetUserDep, after: _Seq = 0, limit: Annotated[int, Query(ge=1, le=MAX_TIMELINE)] = TIMELINE
) -> dict[str, Any]:
    """Return a model's ledger entries after one, oldest first; ``next`` is the ``after`` of the next page."""
    view, _, _ = _row(model, user)
    try:
        return timeline(view, model, after=after, limit=limit)
    except LedgerError as error:
        raise HTTPException(503, str(error)) from error


@router.get("/api/models/{model}/live")
def api_live(model: str, user: GetUserDep, at: str) -> dict[str, Any]:
    """Return which version served at a moment (ISO 8601, UTC if it names no zone), and its digests."""
    view, _, _ = _row(model, user)
    try:
        moment = parse_moment(at)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"{at[:40]!r} is not a moment; write it as 2026-03-01T10:00:00+00:00") from error
    try:
        live = live_at(view, model, moment)
    except LedgerError as error:
        raise HTTPException(503, str(error)) from error
    return {"model": model, "at": moment.isoformat(), "live": live.model_dump(mode="json") if live else None}


def _rows(user: Any) -> tuple[FleetView, Fleet, list[Row]]:
    view = view_of(Settings.load())
    fleet = view.fleet()
    models = readable({*fleet.declared, *fleet.summaries} - _NOT_MODELS, user)
    rows = rows_of(fleet.declared, fleet.summaries, fleet.watched, at=fleet.at, models=sorted(models))
    return view, fleet, rows


def _row(model: str, user: Any) -> tuple[FleetView, Fleet, Row]:
    view = view_of(Settings.load())
    fleet = view.fleet()
    known = (model in fleet.declared or model in fleet.summaries) and model not in _NOT_MODELS
    if not known or not readable({model}, user):
        raise HTTPException(404, "there is no such model")
    (row,) = rows_of(fleet.declared, fleet.summaries, fleet.watched, at=fleet.at, models=[model])
    return view, fleet, row


def _send(page: Page) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": page.policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(page.html, headers=headers)
