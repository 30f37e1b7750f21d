"""Registers with Airflow what Slipway adds to its pages; no logic here."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from slipway_airflow import ended
from slipway_airflow.ui.answers import AnswerGuard
from slipway_airflow.ui.links import FLEET_PAGE, RUN_PAGE, URL_PREFIX, ModelLink, ReleaseLink, ReportLink


async def pages(scope: Any, receive: Any, send: Any) -> None:
    """Pass a request on to Slipway's app, imported at the first one: every task loads this file."""
    from slipway_airflow.ui.app import app

    await app(scope, receive, send)


class SlipwayPlugin(AirflowPlugin):
    """What Slipway adds to Airflow.

    The fleet in its navigation, links from a task to its report, its release and its model, a run's release in a tab,
    all of it behind Airflow's login and roles; who looks at answers before Airflow takes them, and who hears of a
    release that failed.
    """

    name = "slipway"
    fastapi_apps: ClassVar[list[Any]] = [{"app": pages, "url_prefix": URL_PREFIX, "name": "slipway"}]
    fastapi_root_middlewares: ClassVar[list[Any]] = [{"middleware": AnswerGuard, "name": "slipway answers"}]
    operator_extra_links: ClassVar[list[Any]] = [ReportLink(), ReleaseLink(), ModelLink()]
    external_views: ClassVar[list[Any]] = [FLEET_PAGE, RUN_PAGE]
    listeners: ClassVar[list[Any]] = [ended]
