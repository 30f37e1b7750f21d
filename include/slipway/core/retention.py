"""Which versions of a model are kept, and which are archived and removed. Pure: the caller gathers and stores.

Rules
-----
1. What stands somewhere stays: champion, previous, challenger, whatever has an alias, serves, shadows or waits for an
   approval, and what a release that has not ended is about.
2. What is held stays, whoever holds it: the declaration or a command.
3. What is not known stays: a version without a time or a run, one whose files or state cannot be read, a number that
   is listed twice.
4. The newest ``keep_versions`` stay, and so does what is younger than ``keep_days``; a version that was restored is as
   young as its restoration.
5. A version that shares its run, hence its files, with another one stays.
6. Everything else is archived and removed. A removal that was begun is finished, unless rules 1 to 3 forbid it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from slipway.core.governance_spec import RetentionSpec


class Stage(StrEnum):
    """How far a version's removal has come, as the ledger tells it."""

    PRESENT = "present"
    ARCHIVED = "archived"
    REMOVED = "removed"


class Action(StrEnum):
    """What becomes of a version; ``GONE``: it is in the archive already, and nowhere else."""

    KEEP = "keep"
    REMOVE = "remove"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionState:
    """What is known of one version.

    Attributes
    ----------
    version : int
    created_at : datetime or None
        Aware of its zone; None where it is not known.
    run_id : str
        The run that holds its files; empty where it is not known.
    stands : tuple of str
        Every reason to let it be, as the rest of a sentence: ``is champion``, ``serves as shadow``.
    unknown : str
        Why its state cannot be told; empty if it can.
    stage : Stage
    restored_at : datetime or None
        When it last came back from the archive.
    """

    version: int
    created_at: datetime | None
    run_id: str
    stands: tuple[str, ...] = ()
    unknown: str = ""
    stage: Stage = Stage.PRESENT
    restored_at: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """Since when it has been here; None where that is not known, or known without a zone."""
        known = [self.created_at, *([self.restored_at] if self.restored_at else [])]
        certain = [moment for moment in known if moment is not None and moment.tzinfo is not None]
        return max(certain) if len(certain) == len(known) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one version, and why: the reason is the rest of a sentence."""

    version: int
    action: Action
    reason: str


def decide(
    states: Sequence[VersionState], spec: RetentionSpec, *, held: Mapping[int, str], at: datetime
) -> tuple[Decision, ...]:
    """Decide for each version of a model, in the order given.

    Parameters
    ----------
    states : sequence of VersionState
        All registered versions of one model.
    spec : RetentionSpec
        What its model.yaml declares.
    held : mapping of int to str
        The versions that a command holds, each with the reason.
    at : datetime
        The time for which ages count, aware of its zone.
    """
    times = Counter(state.version for state in states)
    first = {
        number: _untouchable(state, spec, held) or ("is listed twice" if times[number] > 1 else "")
        for number, state in ((state.version, state) for state in states)
    }
    newest = set(_newest(states, spec.keep_versions))
    decisions = [_one(state, spec, first[state.version], at=at, newest=state.version in newest) for state in states]
    return _with_shared_runs(states, decisions)


def next_removal(
    states: Sequence[VersionState], spec: RetentionSpec, *, held: Mapping[int, str]
) -> tuple[datetime, int] | None:
    """Return when the next version is past its time, and which; None while all that there are stay.

    It goes by what stands and is held now; a version whose removal was begun is due since it came. Rule 5 is left
    to :func:`decide`: a version that shares its files is told too.
    """
    newest = set(_newest(states, spec.keep_versions))
    keep = timedelta(days=spec.keep_days)
    due = [
        (state.since + (keep if state.stage is Stage.PRESENT else timedelta(0)), state.version)
        for state in states
        if state.stage is not Stage.REMOVED and state.since is not None
        if state.version not in newest and not _untouchable(state, spec, held)
    ]
    return min(due, default=None)


def _untouchable(state: VersionState, spec: RetentionSpec, held: Mapping[int, str]) -> str:
    """Return why rules 1 to 3 let a version be; empty if they do not."""
    if state.stands:
        return ", ".join(state.stands)
    if state.version in spec.legal_hold:
        return "is on legal hold, declared in model.yaml"
    if state.version in held:
        return f"is on legal hold: {held[state.version]}"
    if state.unknown:
        return f"cannot be judged: {state.unknown}"
    if not state.run_id:
        return "cannot be judged: it belongs to no run"
    if state.since is None:
        return "cannot be judged: nobody knows how old it is"
    return ""


def _newest(states: Iterable[VersionState], count: int) -> list[int]:
    present = {state.version for state in states if state.stage is Stage.PRESENT}
    return sorted(present, reverse=True)[:count]


def _one(state: VersionState, spec: RetentionSpec, untouchable: str, *, at: datetime, newest: bool) -> Decision:
    def decision(action: Action, reason: str) -> Decision:
        return Decision(version=state.version, action=action, reason=reason)

    if state.stage is Stage.REMOVED:
        return decision(Action.GONE, "is in the archive")
    if untouchable:
        return decision(Action.KEEP, untouchable)
    if state.stage is Stage.ARCHIVED:
        return decision(Action.REMOVE, "is archived, and its removal was not finished")
    if newest:
        return decision(Action.KEEP, f"is among the newest {spec.keep_versions}")
    since = state.since
    if since is None or at - since < timedelta(days=spec.keep_days):
        return decision(Action.KEEP, f"is younger than {spec.keep_days} days")
    return decision(Action.REMOVE, f"is older than {spec.keep_days} days and not among the newest {spec.keep_versions}")


def _with_shared_runs(states: Sequence[VersionState], decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    times = Counter(state.run_id for state in states)
    return tuple(
        Decision(version=decision.version, action=Action.KEEP, reason="shares its run, and its files, with another one")
        if decision.action is Action.REMOVE and times[state.run_id] > 1
        else decision
        for state, decision in zip(states, decisions, strict=True)
    )
