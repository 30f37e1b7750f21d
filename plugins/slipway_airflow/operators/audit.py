"""Compare everything with what was recorded, and anchor the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import FleetOperator, airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class AuditOperator(FleetOperator):
    """Compare everything with what was recorded, and anchor the ledger; red unless all of it is as it was."""

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return what was found."""
        from slipway.workflows.audit import audit

        with airflow_errors():
            found = audit(self.workbench())
            self.report_path = found.report
            found.require_passed()
        return found.to_json()
