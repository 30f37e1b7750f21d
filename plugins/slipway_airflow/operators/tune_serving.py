"""Compare serving options in containers of the same image, and choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class TuneServingOperator(ReleaseOperator):
    """Compare serving options in containers of the same image, and choose."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.tune_serving import tune_serving

        return tune_serving(bench, release).to_json()
