"""Score one partition in the container of the version that the run was planned with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipway_airflow.connections import database_url
from slipway_airflow.operators.base import ModelOperator, airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class ScorePartitionOperator(ModelOperator):
    """Score one partition in the container of the version that the run was planned with.

    Parameters
    ----------
    item : mapping
        The assignment; one of what `plan_partitions` returned.
    """

    template_fields = ("item",)

    def __init__(self, *, item: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return what was read, written and set aside."""
        from slipway.workflows.score_partition import score_partition
        from slipway.workflows.scoring_run import Assignment

        with airflow_errors():
            return score_partition(self.workbench(), Assignment.from_json(self.item), connect=database_url).to_json()
