"""A case: one version with exactly one fault, or a good one that looks odd, and what must come of its release."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.gates.context import Context

GOOD = "good"
STEPS = (
    "validate_data",
    "evaluate",
    "build_image",
    "start_candidate",
    "run_scenarios",
    "profile_serving",
    "tune_serving",
    "load_test",
    "approve",
    "promote",
    "deploy",
)
"""The steps that can stop a release, in their order; one that a checkout does not have is passed over."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{2,60}")


class Moment(StrEnum):
    """When a case that tampers does so."""

    AFTER_BUILD = "after_build"
    AT_APPROVAL = "at_approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of the catalogue.

    Attributes
    ----------
    name : str
        Lower case, digits and underscores; unique within its group.
    group : str
        Where the fault lives: ``data``, ``preprocessing``, ...; ``good`` exactly if the version must be released.
    model : str
        The model folder that it is made from.
    why : str
        What is wrong with the version and which measurable thing shows it; of a good one, what looks odd about it.
    make : callable
        Takes a :class:`bench.gates.context.Context`, registers a version and returns its number.
    stopped_by : str or None
        The last step that could know of the fault: the release must end there or before. None: it must be released.
    tamper : callable or None
        Takes the context and the version, and does what happens behind the release's back, at ``moment``. Until then
        the version is a good one.
    moment : Moment or None
    """

    name: str
    group: str
    model: str
    why: str
    make: Callable[[Context], int]
    stopped_by: str | None = None
    tamper: Callable[[Context, int], None] | None = None
    moment: Moment | None = None

    def __post_init__(self) -> None:
        """Refuse a case that says too little, or contradicts itself."""
        problems = list(self._problems())
        if problems:
            raise ValueError(f"case {self.group}/{self.name}: {'; '.join(problems)}")

    def _problems(self) -> list[str]:
        rules = {
            "name and group are 3 or more lower-case letters, digits and underscores": all(
                _NAME.fullmatch(text) for text in (self.name, self.group)
            ),
            "why says what is wrong, or odd, in a sentence": len(self.why.split()) >= 5,
            f"stopped_by is one of {', '.join(STEPS)}": self.stopped_by in (None, *STEPS),
            f"the group {GOOD!r} has no stopped_by, and every other group has one": (self.group == GOOD)
            == (self.stopped_by is None),
            "tamper and moment go together": (self.tamper is None) == (self.moment is None),
        }
        return [rule for rule, held in rules.items() if not held]

    @property
    def id(self) -> str:
        """Its group and name."""
        return f"{self.group}/{self.name}"

    @property
    def faulty(self) -> bool:
        """Whether its release must be stopped."""
        return self.stopped_by is not None

    @property
    def cost(self) -> tuple[int, bool]:
        """What cases are ordered by, the cheapest first: how far the release goes, and whether somebody is asked."""
        last = STEPS.index(self.stopped_by) if self.stopped_by else len(STEPS)
        return (last, self.moment is not None)
