"""Do what the model declares for a confirmed drift: nothing, a retraining, a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import OrchestratorError
from slipway_airflow.operators.base import ModelOperator, airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReactOperator(ModelOperator):
    """Do what the model declares for a confirmed drift: nothing, a retraining, a rollback."""

    ui_color = "#fdeaea"

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002
        """Return what was done, a line each."""
        from slipway.workflows.react import react

        with airflow_errors():
            return react(self.workbench(), self.model, trigger=trigger_run)


def trigger_run(dag_id: str, run_id: str, reason: str) -> None:
    """Start a run of a DAG through Airflow's API; one of this id that is there already is fine."""
    from slipway.orchestrator.client import AirflowClient
    from slipway.settings import Settings
    from slipway.workflows.embedded import password_of

    settings = Settings.load()
    user = settings.airflow_user
    with AirflowClient(settings.airflow_url, user, password_of(settings, user)) as client:
        try:
            client.trigger(dag_id, run_id=run_id, conf={"reason": reason})
        except OrchestratorError as error:
            try:
                client.run(dag_id, run_id)
            except OrchestratorError:
                raise error from None
