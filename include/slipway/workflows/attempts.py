"""What somebody tried and was refused, where nothing else tells of it: written down, with who and why."""

from __future__ import annotations

from typing import Any

from slipway.core.approval import UNKNOWN
from slipway.ledger.entries import EntryKind
from slipway.workflows.workbench import Workbench


def record_attempt(
    bench: Workbench, model: str, *, version: int | None, actor: str, release: str, what: str, reason: str, **more: Any
) -> None:
    """Append an attempt that changed nothing.

    Parameters
    ----------
    actor : str
        Airflow's authenticated user, or the login on this machine; ``unknown`` when empty.
    release : str
        The release's or the run's id; empty where there is none.
    what : str
        What was tried: approve, reject, deployment, rollback.
    """
    bench.ledger.append(
        EntryKind.ATTEMPT,
        model=model,
        version=version,
        actor=actor.strip() or UNKNOWN,
        payload={"release": release, "what": what, "reason": reason, **more},
    )
