"""Cut the data interval into partitions, and settle which version answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.operators.interval import IntervalOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PlanPartitionsOperator(IntervalOperator):
    """Cut the data interval into partitions, and settle which version answers."""

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Return one assignment for each partition; none for an interval without rows."""
        from slipway.workflows.plan_partitions import plan_partitions

        with airflow_errors():
            return [one.to_json() for one in plan_partitions(self.workbench(), self.run_of(context))]
