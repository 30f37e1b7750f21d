"""Validate the version's data snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class ValidateDataOperator(ReleaseOperator):
    """Validate the version's data snapshot."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the evidence; skip a release that began by itself, of a version that had one."""
        from slipway.workflows.new_version import is_repeat
        from slipway.workflows.validate_data import validate_data

        if is_repeat(bench, release):
            raise AirflowSkipException(f"{release.model} version {release.version} had its release already")
        return validate_data(bench, release).to_json()
