"""Profile a container of the same image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class ProfileServingOperator(ReleaseOperator):
    """Profile a container of the same image."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.profile_serving import profile_serving

        return profile_serving(bench, release).to_json()
