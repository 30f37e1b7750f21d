"""Report files behind Airflow's login.

A report holds values that came from data and models, so it is served in a sandbox of its own: scripts in it run
without an origin and cannot use the reader's session.
"""

from __future__ import annotations

from pathlib import Path

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse

from slipway.settings import Settings

HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts allow-popups allow-downloads",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

app = FastAPI(dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/reports/{path:path}")
def report(path: str) -> FileResponse:
    """Send one report file; 404 for anything outside the reports folder."""
    return FileResponse(resolve(Settings.load().reports, path), headers=HEADERS)


def resolve(root: Path, path: str) -> Path:
    """Return the file that ``path`` names below ``root``; HTTPException 404 if there is none there."""
    root = root.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root) or not found.is_file():
        raise HTTPException(404, "there is no such report")
    return found
