"""Start the built image beside whatever serves now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class StartCandidateOperator(ReleaseOperator):
    """Start the built image beside whatever serves now."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the service's handle."""
        from slipway.workflows.start_candidate import start_candidate

        return start_candidate(bench, release).to_json()
