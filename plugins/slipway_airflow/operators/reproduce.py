"""Build a sample of old versions again, and prove that they still answer the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTerminated

from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.ui.links import ReportLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReproduceOperator(BaseOperator):
    """Build a sample of old versions again, and prove that they still answer the same.

    The sample is drawn by a seed: the form's, else one that follows from the run's id, so that a cleared task draws the
    same versions.
    """

    ui_color = "#e8f1fb"
    operator_extra_links = (ReportLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report_path = ""

    def on_kill(self) -> None:
        """Unwind the stack, so that every ``finally`` below removes what was made."""
        raise AirflowTaskTerminated(f"{self.task_id} was told to stop")

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the seed and each version's result; a version that is not the same fails the task."""
        from slipway.core.verdict import Outcome
        from slipway.settings import Settings
        from slipway.workflows.release import folder_name
        from slipway.workflows.reproduce import report_path, reproduce, sample, seed_of, sentence
        from slipway.workflows.workbench import Workbench

        params, run = context["params"], context["dag_run"]
        seed = seed_of(run.run_id) if params.get("seed") is None else int(params["seed"])
        actor = getattr(run, "triggering_user_name", None) or str(run.run_type)
        drill = folder_name(run.run_id)
        with airflow_errors():
            bench = Workbench(Settings.load(), say=self.log.info)
            versions = sample(bench, count=int(params["versions"]), seed=seed)
            found = reproduce(bench, versions, actor=actor, drill=drill, seed=seed, base=params.get("base") or None)
        bad = [one for one in found if one.verdict.outcome is not Outcome.PASSED]
        if found:
            self.report_path = report_path((bad or found)[0], drill)
        if bad:
            raise AirflowFailException("; ".join(f"{one.subject}: {sentence(one)}" for one in bad))
        return {"seed": seed, "versions": [one.to_json() for one in found]}
