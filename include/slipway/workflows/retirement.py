"""Whether a model is in service at all: the newest RETIREMENT of the whole model says no, until it is lifted."""

from __future__ import annotations

from slipway.errors import EvidenceError
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.workbench import Workbench


def retirement(bench: Workbench, model: str) -> Entry | None:
    """Return the entry by which a model was decommissioned; None if it was not, or is commissioned again."""
    entries = bench.ledger.entries(model=model, kinds=[EntryKind.RETIREMENT])
    whole = [entry for entry in entries if entry.version is None]
    return whole[-1] if whole and not whole[-1].payload.get("lifted") else None


def require_in_service(bench: Workbench, model: str) -> None:
    """Raise EvidenceError if a model was decommissioned: nothing of it is released, put back or started then."""
    entry = retirement(bench, model)
    if entry is not None:
        raise EvidenceError(
            f"{model} was decommissioned on {entry.at:%Y-%m-%d} by {entry.actor}: {entry.payload.get('reason', '')}",
            remedy=f"if it is to serve again, `slipway decommission {model} --lift --reason …`, then release a version",
        )
