"""What is sent, in which order: what tells most soonest, and the flood of rows last."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from slipway.core.signature import Signature
from slipway.scenarios.adversarial import adversarial
from slipway.scenarios.derive import derive
from slipway.scenarios.draws import Draws
from slipway.scenarios.edges import edges
from slipway.scenarios.holdout import Holdout
from slipway.scenarios.invariance import at_once, one_by_one
from slipway.scenarios.measure import MIN_REQUESTS
from slipway.scenarios.named import named_cases
from slipway.scenarios.pools import ROWS
from slipway.scenarios.suite import Case, CaseClass
from slipway.scenarios.treat import expect

ALONE = 15
ALONE_OF_A_CLASS = 8
FIRST_IN_RANGE = 150
FLOOD_SECONDS = 30.0
TIMED = (CaseClass.MISSING, CaseClass.BOUNDARY, CaseClass.OUT_OF_RANGE, CaseClass.ADVERSARIAL, CaseClass.NAMED)


class Pace(StrEnum):
    """How the cases of a stage are sent."""

    ALONE = "one after another"
    FEW = "a few at a time"
    AT_ONCE = "all at once"


@dataclass(frozen=True, slots=True)
class Stage:
    """Cases that are sent together.

    Attributes
    ----------
    name, pace, cases : str, Pace, tuple of Case
    flood : bool
        Whether it brings only more of the same, so that it is left out once something has failed.
    """

    name: str
    pace: Pace
    cases: tuple[Case, ...]
    flood: bool = False


@dataclass(frozen=True, slots=True)
class Suite:
    """What is sent.

    Attributes
    ----------
    first : tuple of Case
        Plain rows, sent one after another before anything else.
    stages : tuple of Stage
        The rest, in order.
    exhausted : bool
        Whether the in-range rows are all that the signature lets through.
    """

    first: tuple[Case, ...]
    stages: tuple[Stage, ...]
    exhausted: bool = False

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every case, in the order in which it is sent."""
        return (*self.first, *(case for stage in self.stages for case in stage.cases))

    def thinned(self, alone_ms: float) -> Suite:
        """Leave single rows out of the flood if they would take too long; their batches, and so the rows, remain.

        Parameters
        ----------
        alone_ms : float
            How long one request takes.
        """
        afford = int(FLOOD_SECONDS * 1000 / max(alone_ms, 1e-3))
        needed = MIN_REQUESTS - len(self.first) - sum(len(stage.cases) for stage in self.stages if not stage.flood)
        keep = max(afford, needed)
        return replace(self, stages=tuple(_thin(stage, keep) if stage.flood else stage for stage in self.stages))


def _thin(stage: Stage, keep: int) -> Stage:
    singles = itertools.count()
    return replace(stage, cases=tuple(c for c in stage.cases if len(c.rows) != 1 or next(singles) < keep))


def plan(signature: Signature, holdout: Holdout, *, model_folder: Path, seed: int, in_range_rows: int = ROWS) -> Suite:
    """Return the suite for a model: derived, named, adversarial, edge and invariance cases.

    Raises
    ------
    SpecError
        If scenarios.yaml does not hold.
    """
    draws = Draws(signature, holdout, seed=seed + 1)
    derived = derive(signature, holdout, seed=seed, in_range_rows=in_range_rows)
    others = [*named_cases(model_folder, signature, holdout.base), *edges(draws), *adversarial(draws, seed=seed)]
    unchanging = one_by_one(draws)
    plain, flood, rest = _divided([*derived, *others])
    timed = _of_each_class(rest, signature)
    known = {case.name for case in timed}
    stages = (
        Stage("each class alone", Pace.ALONE, tuple(timed)),
        Stage("classes", Pace.FEW, (*plain[ALONE:], *(case for case in rest if case.name not in known))),
        Stage("invariances", Pace.ALONE, tuple(unchanging)),
        Stage("at once", Pace.AT_ONCE, tuple(at_once(unchanging))),
        Stage("flood", Pace.FEW, tuple(flood), flood=True),
    )
    return Suite(tuple(plain[:ALONE]), stages, exhausted=draws.domain_size() <= in_range_rows)


def _divided(cases: Sequence[Case]) -> tuple[list[Case], list[Case], list[Case]]:
    """Return the first rows in range, the flood (all other in-range rows, and every batch of a pool), and the rest."""
    in_range = [case for case in cases if case.kind is CaseClass.IN_RANGE]
    pooled = [case for case in cases if case.kind in TIMED and len(case.rows) > 3]
    apart = {id(case) for case in (*in_range, *pooled)}
    rest = [case for case in cases if id(case) not in apart]
    return in_range[:FIRST_IN_RANGE], [*_in_turn(in_range[FIRST_IN_RANGE:]), *pooled], rest


def _in_turn(cases: Sequence[Case]) -> list[Case]:
    """Return batches spread among the single rows, so that a fault which only one of the two shows comes up early."""
    batches = [case for case in cases if len(case.rows) > 1]
    singles = [case for case in cases if len(case.rows) == 1]
    every = max(1, len(singles) // max(1, len(batches)))
    parts = [singles[at : at + every] for at in range(0, len(singles), every)]
    turns = itertools.zip_longest(parts, batches)
    return [case for part, batch in turns for case in (*(part or ()), *((batch,) if batch else ()))]


def _of_each_class(cases: Sequence[Case], signature: Signature) -> list[Case]:
    """Return a few answered single-row cases of each class, about as many different columns as there are cases."""
    members: dict[CaseClass, list[Case]] = defaultdict(list)
    for case in cases:
        if case.kind in TIMED and len(case.rows) == 1 and expect(case, signature).answered:
            members[case.kind].append(case)
    return [case for kind in TIMED for case in _spread(members[kind])]


def _spread(cases: Sequence[Case]) -> list[Case]:
    """Return up to ``ALONE_OF_A_CLASS`` cases: one for each set of columns first, evenly over them."""
    one_each = list({case.columns: case for case in reversed(cases)}.values())[::-1]
    step = max(1, len(one_each) // ALONE_OF_A_CLASS)
    return one_each[::step][:ALONE_OF_A_CLASS]
