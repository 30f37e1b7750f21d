"""The end of a release that no verdict ended: a step crashed, was killed or ran out of time.

Rules
-----
1. A release that has ended has ``release_ended`` as its last entry; one that went on after that, since a person
   cleared a task, has not ended any more.
2. A crash shows nothing, so its outcome is INCONCLUSIVE.
3. Only the ledger is needed: what crashed may have been the registry or the runtime. The release's page is written,
   and stored with the version if the registry answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.identity import Subject
from slipway.core.verdict import Outcome
from slipway.errors import shorten
from slipway.ledger.entries import EntryKind
from slipway.workflows.release_report import publish_release_report
from slipway.workflows.tell import tell_release
from slipway.workflows.workbench import Workbench

MAX_REASON = 500
ACTOR = "airflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What is known of a crash.

    Attributes
    ----------
    model, release : str
        The model's name and the release's id.
    version : int or None
        The version that was asked for; what the release began with counts more.
    step : str
        The task that failed; empty if none did.
    error : str
        What it said; its first line is kept.
    """

    model: str
    release: str
    version: int | None = None
    step: str
    error: str

    @property
    def reason(self) -> str:
        """The error's first line, bounded."""
        return shorten((self.error.strip().splitlines() or ["it left no error"])[0], MAX_REASON)


def end_crashed(bench: Workbench, crash: Crash) -> bool:
    """Append how a release ended unless the ledger knows already; tell whether it was appended."""
    entries = bench.ledger.entries(model=crash.model)
    mine = [entry for entry in entries if entry.payload.get("release") == crash.release]
    if mine and mine[-1].kind is EntryKind.RELEASE_ENDED:
        return False
    begun = next((entry for entry in mine if entry.kind is EntryKind.RELEASE_STARTED), None)
    bench.ledger.append(
        EntryKind.RELEASE_ENDED,
        model=crash.model,
        version=begun.version if begun else crash.version,
        actor=begun.actor if begun else ACTOR,
        payload={
            "release": crash.release,
            "subject": begun.payload["subject"] if begun else None,
            "outcome": Outcome.INCONCLUSIVE.value,
            "step": crash.step,
            "reason": crash.reason,
        },
    )
    if begun is not None:
        subject = Subject.from_json(begun.payload["subject"])
        tell_release(bench, subject, crash.release, Outcome.INCONCLUSIVE, crash.reason)
    publish_release_report(bench, crash.model, release=crash.release)
    return True
