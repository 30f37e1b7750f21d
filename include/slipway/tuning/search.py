"""The search: which configurations are measured, in which order, within a time budget.

Rules
-----
1. The default is measured first and last, so that a host that changes meanwhile shows in its spread.
2. Screening: every other configuration, in a seeded order, is started and measured once, shortly, until half of the
   budget is spent. Of them stay running: the fastest, the simplest of those that are nearly as fast (one short
   measurement cannot tell them apart), then the next fastest. What was not reached is named.
3. Final: those and the default are measured again in rounds, each round in another seeded order, so that a disturbance
   meets them all alike. What was seen while screening does not count: it is what they were picked by.
4. A default that stands unclear to the objectives is measured some more.
5. A configuration that does not start is not chosen; the default that does not start ends the search.
6. Whatever was started is stopped, however the search ends.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from slipway.core.serving_options import ServingOptions
from slipway.core.spec import Objectives
from slipway.errors import ServiceError, shorten
from slipway.tuning.candidates import DEFAULT, name, simplicity
from slipway.tuning.choose import Standing, standing
from slipway.tuning.points import Point, Repeat

SCREENING_SHARE = 0.5
NEARLY = 0.85
MORE_OF_THE_DEFAULT = 2

Launch = Callable[[ServingOptions], AbstractContextManager[str]]


class Measures(Protocol):
    """What measures a running service."""

    def measure(self, url: str, *, saturate_s: float, paced_s: float, seed: int) -> Repeat:
        """Return one repeat; see :class:`slipway.tuning.points.Repeat`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured; seconds.

    >>> Effort.within(25).repeats, Effort.within(75).repeats
    (3, 5)
    """

    budget_s: float
    screen_s: float
    saturate_s: float
    paced_s: float
    repeats: int
    finalists: int = 2

    @classmethod
    def within(cls, budget_s: float) -> Effort:
        """Return what fits into a budget: half for screening, half for the final."""
        repeats = 5 if budget_s >= 60 else 3
        stretch = (1 - SCREENING_SHARE) * budget_s / (3 * repeats + 1)
        return cls(
            budget_s=budget_s,
            screen_s=min(1.0, budget_s / 50),
            saturate_s=0.4 * stretch,
            paced_s=0.6 * stretch,
            repeats=repeats,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search found: the final's points, those that were only screened, and why others were not measured."""

    points: tuple[Point, ...]
    screened: tuple[Point, ...]
    unmeasured: dict[ServingOptions, str]


def finalists(screened: Sequence[Point], count: int) -> list[Point]:
    """Return up to ``count`` of the screened points that are worth measuring again; see rule 2."""
    ranked = sorted(screened, key=lambda point: (-point.throughput, simplicity(point.options)))
    if not ranked:
        return []
    near = [point for point in ranked if point.throughput >= NEARLY * ranked[0].throughput]
    simplest = min(near, key=lambda point: simplicity(point.options))
    first = [ranked[0]] if simplest is ranked[0] else [ranked[0], simplest]
    return [*first, *(point for point in ranked if point not in first)][:count]


@dataclass(slots=True, kw_only=True)
class Search:
    """One search; ``launch`` starts a configuration for the length of a block and gives its address."""

    launch: Launch
    generator: Measures
    objectives: Objectives
    effort: Effort
    seed: int = 0
    say: Callable[[str], None] = lambda _text: None
    clock: Callable[[], float] = time.monotonic
    _running: dict[ServingOptions, tuple[str, ExitStack]] = field(default_factory=dict)
    _final: dict[ServingOptions, list[Repeat]] = field(default_factory=dict)
    _unmeasured: dict[ServingOptions, str] = field(default_factory=dict)

    def run(self, candidates: Sequence[ServingOptions]) -> Searched:
        """Screen, then measure the best again.

        Raises
        ------
        ServiceError
            If the default does not start.
        CommandError
            If the generator failed.
        """
        rng = random.Random(self.seed)
        try:
            screened = self._screen(candidates, rng)
            for number, order in enumerate(self._rounds(rng)):
                for options in order:
                    self._measure(options, number)
            self._more_of_the_default()
        finally:
            with ExitStack() as ending:  # goes on with the others when one of them will not stop
                for _, stack in self._running.values():
                    ending.callback(stack.close)
        return Searched(
            points=tuple(Point(options=o, repeats=tuple(r)) for o, r in self._final.items()),
            screened=tuple(point for point in screened if point.options not in self._final),
            unmeasured=self._unmeasured,
        )

    def _screen(self, candidates: Sequence[ServingOptions], rng: random.Random) -> list[Point]:
        began = self.clock()
        others = [options for options in candidates if options != DEFAULT]
        found, longest = [], 0.0
        for options in (DEFAULT, *rng.sample(others, len(others))):
            at = self.clock()
            if options != DEFAULT and at - began + longest > SCREENING_SHARE * self.effort.budget_s:
                self._unmeasured[options] = "the time for it was up"
                continue
            if self._start(options):
                found.append(self._screened(options))
                self._keep_best(found)
            longest = max(longest, self.clock() - at)
        return found

    def _start(self, options: ServingOptions) -> bool:
        stack = ExitStack()
        try:
            self._running[options] = (stack.enter_context(self.launch(options)), stack)
        except ServiceError as error:
            if options == DEFAULT:
                raise
            self._unmeasured[options] = f"it does not start: {shorten(error.reason, 300)}"
            return False
        return True

    def _screened(self, options: ServingOptions) -> Point:
        seconds = self.effort.screen_s
        url, _ = self._running[options]
        repeat = self.generator.measure(url, saturate_s=seconds, paced_s=seconds, seed=self.seed)
        self.say(f"screened {name(options)}: {repeat.throughput:.0f} requests/s")
        return Point(options=options, repeats=(repeat,))

    def _keep_best(self, found: Sequence[Point]) -> None:
        """Stop what has no more chance; a wrong answer has none."""
        alive = [p for p in found if p.options in self._running and p.options != DEFAULT and not p.wrong]
        kept = {DEFAULT, *(point.options for point in finalists(alive, self.effort.finalists))}
        for options in [o for o in self._running if o not in kept]:
            self._stop(options)

    def _rounds(self, rng: random.Random) -> list[list[ServingOptions]]:
        others = [options for options in self._running if options != DEFAULT]
        rounds = []
        for number in range(self.effort.repeats):
            order = rng.sample(others, len(others))
            at = {0: 0, self.effort.repeats - 1: len(order)}.get(number, rng.randint(0, len(order)))
            rounds.append([*order[:at], DEFAULT, *order[at:]])
        return rounds

    def _measure(self, options: ServingOptions, number: int) -> None:
        url, _ = self._running[options]
        repeat = self.generator.measure(
            url, saturate_s=self.effort.saturate_s, paced_s=self.effort.paced_s, seed=self.seed + 1 + number
        )
        self._final.setdefault(options, []).append(repeat)
        p99 = "no p99" if repeat.p99_ms is None else f"p99 {repeat.p99_ms:.3g} ms"
        self.say(f"round {number + 1}, {name(options)}: {repeat.throughput:.0f} requests/s, {p99}")

    def _more_of_the_default(self) -> None:
        point = Point(options=DEFAULT, repeats=tuple(self._final[DEFAULT]))
        if standing(point, self.objectives) is Standing.UNCLEAR:
            for extra in range(MORE_OF_THE_DEFAULT):
                self._measure(DEFAULT, self.effort.repeats + extra)

    def _stop(self, options: ServingOptions) -> None:
        _, stack = self._running.pop(options)
        stack.close()
