"""Slipway's app below ``/slipway``: every route is for who is logged in and may read, by the app itself."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from slipway_airflow.ui import fleet, reports
from slipway_airflow.ui.access import require_reader

app = FastAPI(dependencies=[Depends(require_reader)], docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(fleet.router)
app.include_router(reports.router)
