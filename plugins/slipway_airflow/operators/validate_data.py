"""Validate the version's data snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class ValidateDataOperator(ReleaseOperator):
    """Validate the version's data snapshot."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence."""
        from slipway.workflows.validate_data import validate_data

        return validate_data(bench, release).to_json()
