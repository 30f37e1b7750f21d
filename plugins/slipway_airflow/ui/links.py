"""The links from a task: to the gate's own report, and to the page of the whole release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

URL_PREFIX = "/slipway"
RUN_PAGE: dict[str, Any] = {
    "name": "Release",
    "href": f"{URL_PREFIX}/runs/{{DAG_ID}}/{{RUN_ID}}",
    "destination": "dag_run",
    "url_route": "slipway-release",
}
"""The tab of a DAG run that shows its release's page."""


class ReportLink(BaseOperatorLink):
    """A button on the task's page that opens what the gate wrote, also when it stopped the release."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the report's address; empty for a step without one."""
        return _address(getattr(operator, "report_path", ""))


class ReleaseLink(BaseOperatorLink):
    """A button on the task's page that opens the page of the whole release: why it ended as it did."""

    name = "Release"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the page's address; empty where nobody could tell which version the release is about."""
        return _address(getattr(operator, "release_path", ""))


def _address(path: str) -> str:
    return f"{URL_PREFIX}/reports/{path}" if path else ""
