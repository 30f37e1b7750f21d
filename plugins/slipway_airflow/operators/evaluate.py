"""Evaluate the version on its holdout, beside the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class EvaluateOperator(ReleaseOperator):
    """Evaluate the version on its holdout, beside the champion."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.evaluate import evaluate

        return evaluate(bench, release).to_json()
