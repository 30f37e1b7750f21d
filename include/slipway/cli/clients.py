"""Who the program talks to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.orchestrator.client import AirflowClient


def airflow(settings: Settings, user: str | None = None) -> AirflowClient:
    """Return a client of Airflow's API, as the settings' user or as another of the embedded logins."""
    from slipway.orchestrator.client import AirflowClient
    from slipway.workflows.embedded import password_of

    name = user or settings.airflow_user
    return AirflowClient(settings.airflow_url, name, password_of(settings, name))


def start_run(settings: Settings, dag_id: str, *, run_id: str, conf: Mapping[str, Any]) -> None:
    """Start a run of a DAG; one that was paused goes on, as its runs would wait without a word."""
    client = airflow(settings)
    client.wait_for_dag(dag_id, timeout_s=60)
    client.unpause(dag_id)
    client.trigger(dag_id, run_id=run_id, conf=conf)
