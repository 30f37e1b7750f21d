"""Compare everything with what was recorded, and anchor the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.ui.links import ReportLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class AuditOperator(BaseOperator):
    """Compare everything with what was recorded, and anchor the ledger; red unless all of it is as it was."""

    ui_color = "#e8f1fb"
    operator_extra_links = (ReportLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report_path = ""

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return what was found."""
        from slipway.settings import Settings
        from slipway.workflows.audit import audit
        from slipway.workflows.workbench import Workbench

        with airflow_errors():
            found = audit(Workbench(Settings.load(), say=self.log.info))
            self.report_path = found.report
            found.require_passed()
        return found.to_json()
