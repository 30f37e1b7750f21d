"""Build a sample of old versions again, and prove that they still answer the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from slipway_airflow.operators.base import FleetOperator, airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReproduceOperator(FleetOperator):
    """Build a sample of old versions again, and prove that they still answer the same.

    The sample is drawn by a seed: the form's, else one that follows from the run's id, so that a cleared task draws the
    same versions.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the seed and each version's result; a version that is not the same fails the task."""
        from slipway.core.verdict import Outcome
        from slipway.workflows.release import folder_name
        from slipway.workflows.reproduce import report_path, reproduce, sample, seed_of, sentence

        params, run = context["params"], context["dag_run"]
        seed = seed_of(run.run_id) if params.get("seed") is None else int(params["seed"])
        actor = self.asked_by(context)
        drill = folder_name(run.run_id)
        with airflow_errors():
            bench = self.workbench()
            versions = sample(bench, count=int(params["versions"]), seed=seed)
            found = reproduce(bench, versions, actor=actor, drill=drill, seed=seed, base=params.get("base") or None)
        bad = [one for one in found if one.verdict.outcome is not Outcome.PASSED]
        if found:
            self.report_path = report_path((bad or found)[0], drill)
        if bad:
            raise AirflowFailException("; ".join(f"{one.subject}: {sentence(one)}" for one in bad))
        return {"seed": seed, "versions": [one.to_json() for one in found]}
