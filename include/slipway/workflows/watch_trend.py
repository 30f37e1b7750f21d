"""The page of a model's weeks: every nightly number over time, the alerts, the versions."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.trend import arrange
from slipway.monitoring.trend_page import write_trend as write_page
from slipway.workflows.workbench import Workbench

DAYS = 90


def write_trend(bench: Workbench, store: MonitoringStore, model: str, *, until: date) -> str:
    """Write the page; return its path below the reports folder."""
    since = until - timedelta(days=DAYS - 1)
    trend = arrange(
        model,
        store.points(model, since=since, until=until),
        store.runs(model, since=since, until=until),
        store.alerts(model),
        until=until,
        days=DAYS,
    )
    path = trend_path(model)
    write_page(trend, bench.settings.reports / path, link=lambda report: os.path.relpath(report, path.parent))
    return path.as_posix()


def trend_path(model: str) -> Path:
    """Return where a model's page is, below the reports folder."""
    return Path(model) / "monitoring" / "trend.html"
