"""Put the previous champion back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator, airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class RollbackOperator(ReleaseOperator):
    """Put the previous champion back: the contingency, so no gate stands in its way."""

    ui_color = "#fdeaea"

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the service that serves now."""
        from slipway.workflows.rollback import rollback

        run = context["dag_run"]
        actor = getattr(run, "triggering_user_name", None) or str(run.run_type)
        reason = str(context["params"].get("reason") or "")
        with airflow_errors():
            deployment = rollback(self.workbench(), self.model, actor=actor, reason=reason, run_id=run.run_id)
        return deployment.handle.to_json()
