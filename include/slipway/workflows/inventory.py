"""The inventory: every onboarded model, who owns it, what serves."""

from __future__ import annotations

from typing import Any

from slipway.errors import VersionNotFound
from slipway.ledger.entries import EntryKind
from slipway.specs import model_names
from slipway.workflows.standing import CHAMPION
from slipway.workflows.workbench import Workbench


def inventory(bench: Workbench) -> list[dict[str, Any]]:
    """Return one JSON object a model: name, owner, risk_tier, champion, newest, last_release, last_outcome."""
    return [_line(bench, name) for name in model_names(bench.settings)]


def _line(bench: Workbench, name: str) -> dict[str, Any]:
    spec = bench.spec(name)
    versions = _versions(bench, spec.registered_model)
    ended = bench.ledger.entries(model=name, kinds=[EntryKind.RELEASE_ENDED])
    return {
        "name": name,
        "purpose": spec.purpose,
        "owner": spec.owner.team,
        "risk_tier": spec.risk_tier.value,
        "champion": bench.registry.alias(spec.registered_model, CHAMPION) if versions else None,
        "newest": max(versions, default=None),
        "last_release": ended[-1].at.isoformat() if ended else None,
        "last_outcome": ended[-1].payload["outcome"] if ended else None,
    }


def _versions(bench: Workbench, registered_model: str) -> list[int]:
    try:
        return [found.version for found in bench.registry.versions(registered_model)]
    except VersionNotFound:  # onboarded, and not trained yet
        return []
