"""Reconcile what was written with what was read, and look at the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipway.plan.tasks import Step
from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.operators.interval import IntervalOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckScoresOperator(IntervalOperator):
    """Reconcile what was written with what was read, and look at the answers.

    Parameters
    ----------
    results : mapping of str to sequence
        What `plan_partitions` and each `score_partition` returned.
    """

    template_fields = ("results",)

    def __init__(self, *, results: Mapping[str, Sequence[Mapping[str, Any]]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.results = results

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the run's summary."""
        from slipway.scoring import Result
        from slipway.workflows.check_scores import check_scores
        from slipway.workflows.scoring_run import Assignment

        planned = [Assignment.from_json(one) for one in self.results[Step.PLAN_PARTITIONS.value] or ()]
        scored = [Result.from_json(one) for one in self.results[Step.SCORE_PARTITION.value] or ()]
        with airflow_errors():
            return check_scores(self.workbench(), self.run_of(context), planned, scored)
