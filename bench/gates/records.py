"""What came of one run of a case: which step said what, where the release ended, and whether that was right. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bench.gates.case import STEPS

if TYPE_CHECKING:
    from slipway.core.evidence import Evidence
    from slipway.orchestrator.records import TaskState


class Cell(StrEnum):
    """What one step said of a version."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_REACHED = "not_reached"

    @property
    def stops(self) -> bool:
        """Whether a release ends at it."""
        return self in (Cell.FAILED, Cell.INCONCLUSIVE)


class Verdict(StrEnum):
    """What a run says about the gates."""

    CAUGHT = "caught"
    LATE = "caught_too_late"
    MISSED = "missed"
    RELEASED = "released"
    FALSE_BLOCK = "false_block"
    BROKEN = "broken"

    @property
    def right(self) -> bool:
        """Whether the gates did what they should."""
        return self in (Verdict.CAUGHT, Verdict.RELEASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of one case.

    Attributes
    ----------
    case, group, model, why, expected : str
        From the case; ``expected`` is the last step that could know of the fault, empty for a good version.
    repeat : int
        From 1.
    runtime : str
    version : int or None
    cells : mapping of str to Cell
        What each step said, in the steps' order.
    reason : str
        What the step said that ended the release, or why the run could not be judged.
    seconds : float or None
        From the trigger to the verdict that ended the release, or to its deployment.
    tampered : bool or None
        Whether the case's tampering happened; None where a case does not tamper.
    image_seconds : float or None
        What building the image took, before the trigger; None where the release built it.
    broken : bool
        The run says nothing about the gates: the case could not be made, or the stack failed.
    started_at : str
        UTC.
    """

    case: str
    group: str
    model: str
    why: str
    expected: str
    repeat: int
    runtime: str
    started_at: str
    version: int | None = None
    cells: Mapping[str, Cell]
    reason: str = ""
    seconds: float | None = None
    tampered: bool | None = None
    image_seconds: float | None = None
    broken: bool = False

    @property
    def stopped_at(self) -> str:
        """The step at which the release ended; empty if it went through."""
        return next((step for step, cell in self.cells.items() if cell.stops), "")

    @property
    def faulty(self) -> bool:
        """Whether there was a fault to find: a version is good until somebody has tampered with it."""
        return bool(self.expected) and self.tampered is not False

    @property
    def verdict(self) -> Verdict:
        """What the run says about the gates."""
        if self.broken or (self.tampered is False and not self.stopped_at):
            return Verdict.BROKEN
        if not self.faulty:
            return Verdict.FALSE_BLOCK if self.stopped_at else Verdict.RELEASED
        if not self.stopped_at:
            return Verdict.MISSED
        return Verdict.CAUGHT if STEPS.index(self.stopped_at) <= STEPS.index(self.expected) else Verdict.LATE

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, with what follows from it."""
        return asdict(self) | {"stopped_at": self.stopped_at, "verdict": self.verdict.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """Read what :meth:`to_json` wrote."""
        known = {field.name for field in fields(cls)}
        kept = {name: value for name, value in data.items() if name in known}
        return cls(**{**kept, "cells": {step: Cell(cell) for step, cell in data["cells"].items()}})


def cells(tasks: Iterable[TaskState], evidence: Iterable[Evidence]) -> dict[str, Cell]:
    """Return what each step of a release said: its evidence if it left some, else how its task ended."""
    states = {task.task_id: task.state for task in tasks}
    said = {item.check.value: Cell(item.outcome.value.lower()) for item in evidence}
    return {step: _cell(states[step], said.get(step)) for step in STEPS if step in states}


def _cell(state: str, said: Cell | None) -> Cell:
    if said is not None and said.stops:
        return said
    if state == "success":
        return Cell.PASSED
    return Cell.FAILED if state == "failed" else Cell.NOT_REACHED


def verdict_at(step: str, tasks: Iterable[TaskState], evidence: Iterable[Evidence]) -> datetime | None:
    """Return when a step's verdict was known: when its evidence was made, or when its task ended."""
    made = [item.ended_at for item in evidence if item.check.value == step]
    return max(made) if made else next((task.ended for task in tasks if task.task_id == step), None)
