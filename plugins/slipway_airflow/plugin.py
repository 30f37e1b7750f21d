"""Registers with Airflow what Slipway adds to its pages; no logic here."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from slipway_airflow import ended
from slipway_airflow.ui.answers import AnswerGuard
from slipway_airflow.ui.links import RUN_PAGE, URL_PREFIX, ReleaseLink, ReportLink


async def reports(scope: Any, receive: Any, send: Any) -> None:
    """Pass a request on to the reports' app, imported at the first one: every task loads this file."""
    from slipway_airflow.ui.reports import app

    await app(scope, receive, send)


class SlipwayPlugin(AirflowPlugin):
    """What Slipway adds to Airflow.

    Links from a task to its report and to its release, a run's release in a tab, the reports behind Airflow's login,
    who looks at answers before Airflow takes them, and who hears of a release that failed.
    """

    name = "slipway"
    fastapi_apps: ClassVar[list[Any]] = [{"app": reports, "url_prefix": URL_PREFIX, "name": "slipway"}]
    fastapi_root_middlewares: ClassVar[list[Any]] = [{"middleware": AnswerGuard, "name": "slipway answers"}]
    operator_extra_links: ClassVar[list[Any]] = [ReportLink(), ReleaseLink()]
    external_views: ClassVar[list[Any]] = [RUN_PAGE]
    listeners: ClassVar[list[Any]] = [ended]
