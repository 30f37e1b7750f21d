"""Compare the container with the independent reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class RunScenariosOperator(ReleaseOperator):
    """Compare the container with the independent reference."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.run_scenarios import run_scenarios

        return run_scenarios(bench, release).to_json()
