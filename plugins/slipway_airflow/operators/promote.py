"""Move the champion's alias, only on complete evidence about exactly these bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench


class PromoteOperator(ReleaseOperator):
    """Move the champion's alias, only on complete evidence about exactly these bytes."""

    def run(self, bench: Workbench, release: Release) -> dict[str, Any]:
        """Return the subject that was promoted."""
        from slipway.workflows.promote import promote

        return promote(bench, release).to_json()
