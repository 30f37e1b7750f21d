"""The links from Airflow: a task's to its report, its release and its model; a run's tab; the fleet in the menu."""

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

FLEET_PAGE: dict[str, Any] = {
    "name": "Slipway",
    "href": f"{URL_PREFIX}/fleet",
    "destination": "nav",
    "url_route": "slipway-fleet",
}
"""The entry in Airflow's navigation: the fleet, in a frame."""


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


class ModelLink(BaseOperatorLink):
    """A button on the task's page that opens the model's page: its versions, trends and timeline."""

    name = "Model"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the page's address; empty for a task that is about no single model."""
        model = getattr(operator, "model", "")
        return f"{URL_PREFIX}/fleet/{model}" if model else ""


def _address(path: str) -> str:
    return f"{URL_PREFIX}/reports/{path}" if path else ""
