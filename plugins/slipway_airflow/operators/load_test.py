"""Hold the container's latency and answers under load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class LoadTestOperator(ReleaseOperator):
    """Hold the container's latency and answers under load."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.load_test import load_test

        return load_test(bench, release).to_json()
