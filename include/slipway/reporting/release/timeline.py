"""The steps of a release on a line: what became of each, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from slipway.core.evidence import Check, Evidence
from slipway.core.verdict import Outcome
from slipway.reporting.release.facts import Facts, Recorded
from slipway.reporting.release.headline import TITLES, Ending

AFTER_GATES = {"approve": ("approval", "rejection"), "promote": ("promotion", "refusal"), "deploy": ("deployment",)}
SHOWN = (*(check.value for check in Check), *AFTER_GATES)


class State(StrEnum):
    """What became of a step."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStory:
    """One step; ``seconds`` is None where the ledger does not say how long it took."""

    step: str
    state: State
    seconds: float | None = None

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES.get(self.step, self.step)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"step": self.step, "state": self.state.value, "seconds": self.seconds}


def timeline(facts: Facts, latest: Mapping[Check, Evidence], ending: Ending) -> tuple[StepStory, ...]:
    """Return every step, in order; one that left no evidence is there when the release ended in it."""
    steps = [_gate(check, latest.get(check), ending) for check in Check]
    moment = max((item.ended_at for item in latest.values()), default=None)
    for step, kinds in AFTER_GATES.items():
        found = facts.of_kind(*kinds)
        entry = found[-1] if found else None
        steps.append(_later(step, entry, moment, ending))
        moment = entry.at if entry else moment
    if ending.step not in SHOWN and ending.step and ending.outcome is not None:
        steps.insert(_place(ending.step), StepStory(step=ending.step, state=State(ending.outcome.value)))
    return tuple(steps)


def _gate(check: Check, item: Evidence | None, ending: Ending) -> StepStory:
    if item is not None:
        return StepStory(step=check.value, state=State(item.outcome.value), seconds=item.seconds)
    if ending.step == check.value and ending.outcome is not None:
        return StepStory(step=check.value, state=State(ending.outcome.value))
    return StepStory(step=check.value, state=State.NOT_REACHED)


def _later(step: str, entry: Recorded | None, since: datetime | None, ending: Ending) -> StepStory:
    if ending.step == step and ending.outcome is not None and ending.outcome is not Outcome.PASSED:
        state = State(ending.outcome.value)
    elif entry is None or entry.kind in ("rejection", "refusal"):
        state = State.FAILED if entry is not None else State.NOT_REACHED
    else:
        state = State.PASSED
    seconds = None if entry is None or since is None else max(0.0, (entry.at - since).total_seconds())
    return StepStory(step=step, state=state, seconds=seconds)


def _place(step: str) -> int:
    after = {"start_candidate": Check.BUILD_IMAGE, "stop_candidate": Check.LOAD_TEST}
    checks = list(Check)
    return checks.index(after[step]) + 1 if step in after else len(checks)
