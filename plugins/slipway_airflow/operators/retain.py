"""Archive and remove the versions that nobody keeps, or only say which those are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from slipway_airflow.operators.base import FleetOperator, airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context

MANUAL = "manual"


class RetainOperator(FleetOperator):
    """Archive and remove the versions that nobody keeps, or only say which those are.

    A run by hand is a dry run unless its form says ``apply``; a scheduled one is a dry run unless
    ``SLIPWAY_RETENTION_APPLY`` is set. Either way a plan is made and recorded first, and what is carried out is exactly
    that plan, or the earlier one that the form names.
    """

    ui_color = "#eef2e6"

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the plan's digest, what was removed and how many bytes that freed."""
        from slipway.workflows.retain import apply_retention, plan_retention
        from slipway.workflows.retention_page import page_path

        params, run = context["params"], context["dag_run"]
        actor = self.asked_by(context)
        with airflow_errors():
            bench, digest = self.workbench(), str(params.get("plan") or "")
            by_hand = str(getattr(run.run_type, "value", run.run_type)) == MANUAL
            apply = bool(params.get("apply")) if by_hand else bench.settings.retention_apply
            if not digest or not apply:
                only = params.get("model")
                done = plan_retention(bench, [str(only)] if only else None, actor=actor)
                digest = done.digest
                self.report_path = page_path(digest)
            if apply:
                self.report_path = page_path(digest)
                done = apply_retention(bench, digest, actor=actor)
        if done.problems:
            raise AirflowException(f"{len(done.problems)} problems: {'; '.join(done.problems[:5])}")
        return {key: value for key, value in done.to_json().items() if key not in ("rows", "models")}
