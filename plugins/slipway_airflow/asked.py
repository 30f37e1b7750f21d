"""What a run was asked for: by its form, or by the watch over registered versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.core.new_version import ON_NEW_VERSION
from slipway.errors import SpecError

FORGED = "from_rest_api"


def version_offered(events: Iterable[Any]) -> int | None:
    """Return the version that the watch has offered to a run; None if the run was started otherwise.

    Parameters
    ----------
    events : iterable
        The asset events that started it.

    Raises
    ------
    SpecError
        If somebody else sent one of them: who asks for a release has to be known, and an event does not tell.
    """
    offered = [_version(event.extra or {}) for event in events]
    return min(offered, default=None)


def events_of(context: Mapping[str, Any]) -> list[Any]:
    """Return the asset events that started a task's run."""
    found = context.get("triggering_asset_events") or {}
    return [event for events in found.values() for event in events]


def requester_of(run: Any, offered: int | None) -> str:
    """Return who asked for a run: a person's login, else the program."""
    login = getattr(run, "triggering_user_name", None)
    return str(login or (ON_NEW_VERSION if offered is not None else run.run_type))


def _version(extra: Mapping[str, Any]) -> int:
    payload = extra.get("payload")
    version = payload.get("version") if isinstance(payload, Mapping) else None
    if extra.get(FORGED) or not extra.get("from_trigger") or type(version) is not int:
        raise SpecError(
            "this run was started by an asset event that no watch has sent",
            remedy="ask for the release itself: `slipway release`, or the DAG's form",
        )
    return version
