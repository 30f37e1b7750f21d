"""The inventory: every onboarded model, who owns it, what serves."""

from __future__ import annotations

from typing import Any

from slipway.errors import IdentityError, SpecError, VersionNotFound
from slipway.ledger.entries import EntryKind
from slipway.specs import model_names
from slipway.workflows.standing import CHAMPION
from slipway.workflows.workbench import Workbench


def inventory(bench: Workbench) -> list[dict[str, Any]]:
    """Return one JSON object a model: name, owner, risk_tier, champion, newest, last_release, last_outcome, problem.

    A model whose declaration does not hold has its ``problem``, and None for what could not be read.
    """
    return [_line(bench, name) for name in model_names(bench.settings)]


def _line(bench: Workbench, name: str) -> dict[str, Any]:
    ended = bench.ledger.entries(model=name, kinds=[EntryKind.RELEASE_ENDED])
    return {
        "name": name,
        **_declared(bench, name),
        "last_release": ended[-1].at.isoformat() if ended else None,
        "last_outcome": ended[-1].payload["outcome"] if ended else None,
    }


def _declared(bench: Workbench, name: str) -> dict[str, Any]:
    try:
        spec = bench.spec(name)
    except (SpecError, IdentityError) as error:
        unknown = dict.fromkeys(("purpose", "owner", "risk_tier", "champion", "newest"))
        return {**unknown, "problem": error.reason}
    versions = _versions(bench, name)
    return {
        "purpose": spec.purpose,
        "owner": spec.owner.team,
        "risk_tier": spec.risk_tier.value,
        "champion": bench.registry.alias(name, CHAMPION) if versions else None,
        "newest": max(versions, default=None),
        "problem": None,
    }


def _versions(bench: Workbench, model: str) -> list[int]:
    try:
        return [found.version for found in bench.registry.versions(model)]
    except VersionNotFound:  # onboarded, and not trained yet
        return []
