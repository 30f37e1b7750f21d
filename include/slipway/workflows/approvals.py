"""What the ledger says about a release's approvals; whoever acts on one asks here, and trusts nobody who asked before.

Rules
-----
1. An approval counts in its own release, on exactly its digests, until a rejection in that release.
2. Who asked for a release is whoever its run, its start or any of its evidence names: all of them.
3. Whether they are enough is decided by :mod:`slipway.core.approval`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slipway.core.approval import Given, problems
from slipway.core.identity import Subject
from slipway.errors import PromotionRefused
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

_DECISIONS = (EntryKind.APPROVAL, EntryKind.REJECTION)
_REQUESTED = (EntryKind.RELEASE_STARTED, EntryKind.EVIDENCE)


def approvals(bench: Workbench, subject: Subject, release: Release) -> tuple[Given, ...]:
    """Return the approvals of exactly these digests in this release since its last rejection, oldest first."""
    found: list[Given] = []
    for entry in bench.ledger.entries(model=subject.model, version=subject.version, kinds=_DECISIONS):
        if entry.payload.get("release") != release.id:
            continue
        if entry.kind is EntryKind.REJECTION:
            found.clear()
        elif entry.payload.get("subject") == subject.to_json():
            found.append(_given(entry))
    return tuple(found)


def requesters(bench: Workbench, release: Release) -> tuple[str, ...]:
    """Return who asked for a release, by its run, its start and its evidence; one name unless something is wrong."""
    entries = bench.ledger.entries(model=release.model, kinds=_REQUESTED)
    recorded = [entry.actor for entry in entries if entry.payload.get("release") == release.id]
    return tuple(dict.fromkeys([release.requester, *recorded]))


def require_approved(
    bench: Workbench, subject: Subject, release: Release, *, at: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the approvals that allow the promotion, as JSON values.

    Parameters
    ----------
    at : datetime, optional
        When they have to hold; now if left out.

    Raises
    ------
    PromotionRefused
        If they are too few, of the wrong persons, too old or of other bytes; names each problem.
    """
    given = [one for one in approvals(bench, subject, release) if at is None or one.at <= at]
    found = problems(
        given, spec=bench.spec(release.model), requesters=requesters(bench, release), now=at or bench.now()
    )
    if found:
        raise PromotionRefused(
            f"{subject} has no approval that holds in this release: {'; '.join(found)}", remedy="have it approved first"
        )
    return [{"seq": one.seq, "by": one.by, "number": one.number, "comment": one.comment} for one in given]


def _given(entry: Entry) -> Given:
    number = entry.payload.get("number", 1)
    return Given(
        seq=entry.seq,
        at=entry.at,
        by=entry.actor,
        number=number if type(number) is int else 0,
        comment=str(entry.payload.get("comment") or ""),
    )
