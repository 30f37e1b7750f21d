"""What the models' declarations say, read again only when a file has changed.

A declaration takes milliseconds to read, and a fleet has a thousand: what was read is kept with the time and size of
its file, also over a restart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.fleet.store import FleetStore
from slipway.fleet.values import Declared
from slipway.settings import Settings
from slipway.specs import load_model
from slipway.workflows.fleet_later import Later

BATCH = 50


class Declarations:
    """The declarations of a project's models.

    Parameters
    ----------
    settings : Settings
    store : FleetStore
        Keeps what was read.
    """

    def __init__(self, settings: Settings, store: FleetStore) -> None:
        self._settings = settings
        self._store = store
        self._known: dict[str, tuple[str, Declared]] | None = None
        self._reading = Later(self._read)

    def get(self, wait_seconds: float, notices: list[str]) -> Mapping[str, Declared]:
        """Return each model's declaration; one that was not read in time comes empty, and a notice says how many."""
        if self._known is None:
            self._known = self._store.declarations()
        stamps = _stamps(self._settings.models)
        if self._missing(stamps):
            self._reading.refresh(wait_seconds, notices, what="the declarations")
        missing = set(self._missing(stamps)) if self._reading.running else set()
        if missing:
            notices.append(f"{len(missing):,} of {len(stamps):,} declarations are still being read.")
        known = self._known
        return {model: known[model][1] if model in known else Declared(model=model) for model in stamps}

    def _missing(self, stamps: Mapping[str, str]) -> list[str]:
        known = self._known or {}
        return [model for model, stamp in stamps.items() if model not in known or known[model][0] != stamp]

    def _read(self) -> None:
        stamps = _stamps(self._settings.models)
        missing = self._missing(stamps)
        for start in range(0, len(missing), BATCH):
            found = [(stamps[model], declared(self._settings, model)) for model in missing[start : start + BATCH]]
            self._known = {**(self._known or {}), **{one.model: (stamp, one) for stamp, one in found}}
            self._store.keep_declarations(found)


def declared(settings: Settings, model: str) -> Declared:
    """Return what a model's folder declares, or the problem that it has."""
    try:
        spec = load_model(settings, model)
    except SlipwayError as error:
        return Declared(model=model, problem=error.reason)
    return Declared(
        model=model,
        purpose=spec.purpose,
        team=spec.owner.team,
        contact=spec.owner.contact,
        tier=spec.risk_tier.value,
        stakeholders=spec.stakeholders,
        p95_ms=spec.objectives.p95_ms,
        p99_ms=spec.objectives.p99_ms,
        keep_versions=spec.retention.keep_versions,
        keep_days=spec.retention.keep_days,
        legal_hold=spec.retention.legal_hold,
        scores=spec.scoring is not None,
        monitored=spec.monitoring is not None,
    )


def _stamps(models: Path) -> dict[str, str]:
    """Return the time and size of each model's declaration."""
    found = {}
    try:
        with os.scandir(models) as folders:
            names = sorted(folder.name for folder in folders)
    except OSError:
        return {}
    for name in names:
        try:
            stat = os.stat(f"{models}/{name}/model.yaml")  # noqa: PTH116  a thousand at each request
        except OSError:
            continue
        found[name] = f"{stat.st_mtime_ns}:{stat.st_size}"
    return found
