"""Stop what a release started for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class StopCandidateOperator(ReleaseOperator):
    """Stop what a release started for its tests."""

    def run(self, bench: Workbench, release: Release) -> list[str]:
        """Return the names of the services that were stopped."""
        from slipway.workflows.stop_candidate import stop_candidate

        return stop_candidate(bench, release)
