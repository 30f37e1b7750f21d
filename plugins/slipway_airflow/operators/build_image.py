"""Build the container without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class BuildImageOperator(ReleaseOperator):
    """Build the container without a network."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.build_image import build_image

        return build_image(bench, release).to_json()
