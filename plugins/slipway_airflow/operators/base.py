"""What all operators share: the release they belong to, how errors end a task, how a killed task cleans up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTerminated
from slipway.errors import EvidenceError, GateConfigurationError, GateStopped, SlipwayError, SpecError

if TYPE_CHECKING:
    from airflow.sdk import Context
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench

# A verdict or a declaration does not change by trying again; a registry or an engine may come back.
FINAL = (GateStopped, SpecError, EvidenceError, GateConfigurationError)


class ReleaseOperator(BaseOperator):
    """A step of one model's release.

    Parameters
    ----------
    model : str
        The model's folder.
    """

    ui_color = "#e8f1fb"

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def execute(self, context: Context) -> Any:
        """Run the step; what it returns is shown as the task's result."""
        with airflow_errors():
            return self.run(self.workbench(), self.release(context))

    def run(self, bench: Workbench, release: Release) -> Any:
        """Call the workflow."""
        raise NotImplementedError

    def on_kill(self) -> None:
        """Unwind the stack, so that every ``finally`` below stops what the step started."""
        raise AirflowTaskTerminated(f"{self.task_id} was told to stop")

    def workbench(self) -> Workbench:
        """Return the tools, writing their progress to the task's log."""
        from slipway.settings import Settings
        from slipway.workflows.workbench import Workbench

        return Workbench(Settings.load(), say=self.log.info)

    def release(self, context: Context) -> Release:
        """Return the release that this run is about."""
        from slipway.workflows.release import Release

        run = context["dag_run"]
        requester = getattr(run, "triggering_user_name", None) or str(run.run_type)
        return Release.from_params(self.model, run.run_id, dict(context["params"]), requester=requester)


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turn Slipway's errors into Airflow's: final ones fail the task at once, others may be tried again."""
    try:
        yield
    except FINAL as error:
        raise AirflowFailException(str(error)) from error
    except SlipwayError as error:
        raise AirflowException(str(error)) from error
