"""Report files behind Airflow's login.

A report holds values that came from data and models, so it is served in a sandbox of its own: scripts in it run
without an origin and cannot use the reader's session. The tab of a DAG run shows its release's page in a frame; the
page has no session to open its links with, so it asks the tab around it, which opens reports and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from slipway.settings import Settings
from slipway.workflows.release import folder_name
from slipway_airflow.ui.links import URL_PREFIX

HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts allow-popups allow-downloads",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
RELEASE = ".release"
PAGE = "release.html"
SCRIPT = f"""
const frame = document.getElementById("page"), back = document.getElementById("back");
back.addEventListener("click", () => {{ frame.src = frame.dataset.first; back.hidden = true; }});
addEventListener("message", event => {{
  if (event.source !== frame.contentWindow) return;
  const asked = new URL(String(event.data && event.data.slipwayReport), location.href);
  if (asked.origin !== location.origin || !asked.pathname.startsWith("{URL_PREFIX}/reports/")) return;
  frame.src = asked.href;
  back.hidden = false;
}});
"""
STYLE = (
    "html,body{margin:0;height:100%}body{display:flex;flex-direction:column;font:14px system-ui,sans-serif}"
    "iframe{border:0;width:100%;flex:1}button{align-self:start;margin:6px 12px;padding:3px 12px}p{margin:24px}"
)


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


FRAME_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; frame-src 'self'; script-src {_allowed(SCRIPT)}; style-src {_allowed(STYLE)}"
    ),
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter()


@router.get("/reports/{path:path}")
def report(path: str) -> FileResponse:
    """Send one report file; 404 for anything outside the reports folder."""
    return FileResponse(resolve(Settings.load().reports, path), headers=HEADERS)


@router.get("/runs/{dag_id}/{run_id}")
def run_page(dag_id: str, run_id: str) -> HTMLResponse:
    """Send the frame around a release's page; what to expect, with status 404, while there is none."""
    found = release_page(Settings.load().reports, dag_id, run_id)
    if found is None:
        said = (
            "A release's page is written after its first gate." if dag_id.endswith(RELEASE) else "This is no release."
        )
        return HTMLResponse(_html(f"<p>{said}</p>"), status_code=404, headers=FRAME_HEADERS)
    address = escape(f"{URL_PREFIX}/reports/{quote(found)}")
    button = '<button id="back" hidden>back to the release</button>'
    frame = f'<iframe id="page" title="Release" src="{address}" data-first="{address}"></iframe>'
    return HTMLResponse(_html(f"{button}{frame}<script>{SCRIPT}</script>"), headers=FRAME_HEADERS)


def release_page(root: Path, dag_id: str, run_id: str) -> str | None:
    """Return the path, below the reports folder, of the page of a DAG run's release; None if there is none."""
    model, run = folder_name(dag_id.removesuffix(RELEASE)), folder_name(run_id)
    if not dag_id.endswith(RELEASE) or {model, run} & {".", "..", ""}:
        return None
    pages = sorted(root.glob(f"{model}/*/{run}/{PAGE}"), key=lambda page: page.stat().st_mtime)
    return pages[-1].relative_to(root).as_posix() if pages else None


def resolve(root: Path, path: str) -> Path:
    """Return the file that ``path`` names below ``root``; HTTPException 404 if there is none there."""
    root = root.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root) or not found.is_file():
        raise HTTPException(404, "there is no such report")
    return found


def _html(body: str) -> str:
    return f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Release</title><style>{STYLE}</style>{body}'
