"""Start the promoted version beside the champion, switch, watch, roll back on a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class DeployOperator(ReleaseOperator):
    """Start the promoted version beside the champion, switch, watch, roll back on a failure."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the service that serves now."""
        from slipway.workflows.deploy import deploy

        return deploy(bench, release).handle.to_json()
