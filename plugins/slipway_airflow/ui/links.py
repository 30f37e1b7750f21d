"""The link from a gate's task to its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

URL_PREFIX = "/slipway"


class ReportLink(BaseOperatorLink):
    """A button on the task's page that opens what the gate wrote, also when it stopped the release."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the report's address; empty for a step without one."""
        path = getattr(operator, "report_path", "")
        return f"{URL_PREFIX}/reports/{path}" if path else ""
