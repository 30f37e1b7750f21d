"""What all operators share: the release they belong to, how errors end a task, how a killed task cleans up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTerminated

from slipway.errors import (
    EvidenceError,
    GateConfigurationError,
    GateStopped,
    ReferenceFailed,
    SlipwayError,
    SpecError,
)
from slipway.workflows.disk import disk_explained
from slipway_airflow.asked import events_of, requester_of, version_offered
from slipway_airflow.ui.links import ModelLink, ReleaseLink, ReportLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench

# A verdict or a declaration does not change by trying again; a registry or an engine may come back.
FINAL = (GateStopped, SpecError, EvidenceError, GateConfigurationError, ReferenceFailed)


class SlipwayOperator(BaseOperator):
    """A step of ours: its tools, and how it ends when it is told to."""

    ui_color = "#e8f1fb"

    def on_kill(self) -> None:
        """Unwind the stack, so that every ``finally`` below stops what the step started."""
        raise AirflowTaskTerminated(f"{self.task_id} was told to stop")

    def workbench(self) -> Workbench:
        """Return the tools, writing their progress to the task's log."""
        from slipway.settings import Settings
        from slipway.workflows.workbench import Workbench

        return Workbench(Settings.load(), say=self.log.info)


class FleetOperator(SlipwayOperator):
    """A step for all models at once; it leaves a report."""

    operator_extra_links = (ReportLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report_path = ""

    def asked_by(self, context: Context) -> str:
        """Return who asked for the run: a person's login, else the DAG, which runs by its schedule."""
        return str(getattr(context["dag_run"], "triggering_user_name", None) or self.dag_id)


class ModelOperator(SlipwayOperator):
    """A step for one model.

    Parameters
    ----------
    model : str
        The model's folder.
    """

    operator_extra_links = (ModelLink(),)

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model


class ReleaseOperator(ModelOperator):
    """A step of one model's release.

    Parameters
    ----------
    model : str
        The model's folder.
    """

    operator_extra_links = (ReportLink(), ReleaseLink(), ModelLink())
    form_fields: frozenset[str] = frozenset()  # a task's own form is no part of the release's

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report_path = ""
        self.release_path = ""

    def execute(self, context: Context) -> Any:
        """Run the step; what it returns is shown as the task's result."""
        with airflow_errors():
            bench, release = self.workbench(), self.release(context)
            try:
                return self.run(bench, release)
            finally:
                self.report_path = bench.main_report(release, self.task_id)
                self.release_path = release_page(bench, release)

    def run(self, bench: Workbench, release: Release) -> Any:
        """Call the workflow."""
        raise NotImplementedError

    def release(self, context: Context) -> Release:
        """Return the release that this run is about."""
        from slipway.workflows.release import Release

        run = context["dag_run"]
        offered = version_offered(events_of(context))
        params = {key: value for key, value in context["params"].items() if key not in self.form_fields}
        if offered is not None:
            params["version"] = offered
        return Release.from_params(self.model, run.run_id, params, requester=requester_of(run, offered))


def release_page(bench: Workbench, release: Release) -> str:
    """Return where the page of a release is or will be, below the reports folder; empty if its version is unknown."""
    from slipway.workflows.release_report import report_path

    try:
        return report_path(release.model, bench.version(release), release.id)
    except SlipwayError:
        return ""


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turn Slipway's errors into Airflow's: final ones fail the task at once, others may be tried again."""
    try:
        with disk_explained():
            yield
    except FINAL as error:
        raise AirflowFailException(str(error)) from error
    except SlipwayError as error:
        raise AirflowException(str(error)) from error
