"""Who the program talks to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.orchestrator.client import AirflowClient


def airflow(settings: Settings, user: str | None = None) -> AirflowClient:
    """Return a client of Airflow's API, as the settings' user or as another of the embedded logins."""
    from slipway.orchestrator.client import AirflowClient
    from slipway.workflows.embedded import password_of

    name = user or settings.airflow_user
    return AirflowClient(settings.airflow_url, name, password_of(settings, name))
