"""The candidate against the champion, profiled in turns on one host: what costs more, by how much, and how surely.

Rules
-----
1. Only rounds of the same moment compare: each round of the candidate has its round of the champion beside it, so that
   what slows the host slows both. A time of another day decides nothing.
2. What is judged is the median over the rounds with its 95 % interval, never one round.
3. What a version takes is measured without the profiler, whose own cost grows with the number of calls: it would make
   a model in Python look several times slower than it is beside one in C. The profile only says where the time goes.
4. A version may be slower than its champion. It has regressed when, with confidence, a request takes more than 1.5
   times the champion's *and* what is added eats more than a fifth of the model's p95 objective.
5. A function is the same if module and name are; lines move. It is named when its own time a request grew, with
   confidence, by a fifth *and* by a hundredth of the champion's whole request.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from slipway.profiling.callgraph import CallGraph
from slipway.profiling.interval import Interval, median_interval

MAX_REGRESSION = 1.5
MAX_ADDED_SHARE = 0.2
GREW_BY = 1.2
WORTH_NAMING = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A function's own ms a request in the champion and in the candidate (medians), and the paired difference."""

    function: str
    before_ms: float
    now_ms: float
    more_ms: Interval

    @property
    def certain(self) -> bool:
        """Whether the two differ at all, with confidence."""
        return self.more_ms.low > 0 or self.more_ms.high < 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "function": self.function,
            "before_ms": self.before_ms,
            "now_ms": self.now_ms,
            "more_ms": self.more_ms.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What paired rounds say.

    Attributes
    ----------
    ratio : Interval
        Candidate over champion, ms a request.
    added_ms : Interval
        Candidate less champion, ms a request.
    champion_ms : float
        The champion's median ms a request.
    timed : bool
        Whether these three are without the profiler. An image of before it could be switched off is compared with it.
    profiled_ms : float
        The champion's median ms a request with the profiler, as the functions' times are.
    changes : tuple of Change
        Every function of either, the one that grew most first.
    """

    ratio: Interval
    added_ms: Interval
    champion_ms: float
    timed: bool
    profiled_ms: float
    changes: tuple[Change, ...]

    @property
    def regressed(self) -> tuple[Change, ...]:
        """The functions that cost more than they did, as rule 5 says."""
        floor = WORTH_NAMING * self.profiled_ms
        return tuple(c for c in self.changes if c.more_ms.low > max(floor, (GREW_BY - 1) * c.before_ms))

    def material(self, p95_ms: float) -> bool:
        """Tell whether what is added is large against the objective, with confidence."""
        return self.added_ms.low > MAX_ADDED_SHARE * p95_ms

    def sentence(self) -> str:
        """Return it in two sentences."""
        slower = len(self.regressed)
        how = "without the profiler" if self.timed else "with the profiler: one of the images knows no time without it"
        return (
            f"{self.ratio.text()} times the champion's {self.champion_ms:.3g} ms a request, measured in turns with it, "
            f"{how}. "
            f"{slower} function{' costs' if slower == 1 else 's cost'} more."
        )


def compare(pairs: Sequence[tuple[CallGraph, CallGraph]], timed: Sequence[tuple[float, float]] = ()) -> Comparison:
    """Compare rounds of the candidate with the champion's rounds beside them.

    Parameters
    ----------
    pairs : sequence of (CallGraph, CallGraph)
        At least one: the candidate's profile, and the champion's.
    timed : sequence of (float, float)
        The same as ms a request without the profiler; empty if one of the two cannot do without.
    """
    profiled = [(a.ms_per_request, b.ms_per_request) for a, b in pairs]
    took = timed or profiled
    now, before = [[own_ms(graph) for graph in side] for side in zip(*pairs, strict=True)]
    changes = [_change(key, now, before) for key in sorted({key for round_ in (*now, *before) for key in round_})]
    return Comparison(
        ratio=median_interval([a / b for a, b in took]),
        added_ms=median_interval([a - b for a, b in took]),
        champion_ms=median(b for _, b in took),
        timed=bool(timed),
        profiled_ms=median(b for _, b in profiled),
        changes=tuple(sorted(changes, key=lambda c: (-c.more_ms.median, c.function))),
    )


def own_ms(graph: CallGraph) -> dict[str, float]:
    """Return own ms a request by function key."""
    found: dict[str, float] = defaultdict(float)
    for node in graph.nodes:
        found[node.function.key] += node.own_ms
    return dict(found)


def _change(key: str, now: Sequence[dict[str, float]], before: Sequence[dict[str, float]]) -> Change:
    ours, theirs = ([round_.get(key, 0.0) for round_ in side] for side in (now, before))
    return Change(
        function=key,
        before_ms=median(theirs),
        now_ms=median(ours),
        more_ms=median_interval([a - b for a, b in zip(ours, theirs, strict=True)]),
    )
