"""When retention has something to do next, by retention's own rules and what the ledger tells of a model.

The page asks neither registry, gateway nor runtime: a version that only they keep is named here, and stays.
"""

from __future__ import annotations

from datetime import datetime

from slipway.core.governance_spec import RetentionSpec
from slipway.core.retention import VersionState, next_removal
from slipway.fleet.values import Declared, Known, Summary


def next_retention(declared: Declared, summary: Summary) -> tuple[datetime, int] | None:
    """Return when the next version is past its time, and which one; None while all that there are stay."""
    if declared.keep_versions is None or declared.keep_days is None:
        return None
    spec = RetentionSpec(
        keep_versions=declared.keep_versions, keep_days=declared.keep_days, legal_hold=declared.legal_hold
    )
    states = [_state(version, known, summary) for version, known in summary.versions.items()]
    held = {version: "by a command" for version, known in summary.versions.items() if known.held}
    return next_removal(states, spec, held=held)


def _state(version: int, known: Known, summary: Summary) -> VersionState:
    standing = (("is champion", summary.champion), ("serves", summary.live))
    return VersionState(
        version=version,
        created_at=known.since,
        run_id=str(version),  # the ledger does not tell it, and no two versions are taken to share one
        stands=tuple(what for what, one in standing if one is not None and one.version == version),
        stage=known.stage,
        restored_at=known.restored,
    )
