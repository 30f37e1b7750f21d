"""Which configuration to serve with. Pure: takes what was measured, does no I/O.

Rules
-----
1. A configuration that gave one wrong answer, or failed more requests than the objective allows, is out.
2. A repeat keeps the objectives if its p95 and p99 at the arrival rate do, and its throughput reaches that rate. One
   that does not, while the generator itself was late, tells nothing. A configuration *holds* if two thirds of its
   repeats keep them, *breaks* if none does, and is *unclear* between.
3. Another configuration than the default must hold with a margin: p95 and p99 within 80 % of their limits. The default
   needs none; it is what would serve without tuning.
4. A is *faster* than B only if the slowest repeat of A is 5 % above the fastest repeat of B, and the generator did not
   set B's pace. So a choice that repeats would contradict is not made.
5. Among those that are as fast as the fastest, the simplest is chosen (:func:`slipway.tuning.candidates.simplicity`).
   The default is the simplest of all: another one takes its place only if it is faster, or if the default does not
   hold.
6. If the default is unclear and no other configuration holds, nothing can be told: the choice is inconclusive. If the
   default breaks and no other holds, the default is what fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slipway.core.spec import Objectives
from slipway.tuning.candidates import DEFAULT, name, simplicity
from slipway.tuning.points import Point, Repeat

MARGIN = 0.8
CLEAR_GAIN = 1.05
HOLDING_SHARE = 2 / 3
LATE_SHARE = 0.2
ALONE = "no other configuration could be measured in its time"


class Standing(StrEnum):
    """How a configuration stands to the objectives."""

    HOLDS = "holds"
    BREAKS = "breaks"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen point, how it stands to the objectives, and one sentence that says why."""

    point: Point
    standing: Standing
    reason: str


def choose(points: Sequence[Point], objectives: Objectives) -> Choice:
    """Return the configuration to serve with; ``points`` hold the default's.

    >>> steady = [Repeat(throughput=t, saturated=500, p95_ms=4, p99_ms=5, paced=20) for t in (990, 1000, 1010)]
    >>> choose([Point(options=DEFAULT, repeats=tuple(steady))], Objectives()).reason
    'no other configuration could be measured in its time'
    """
    default = next(point for point in points if point.options == DEFAULT)
    base = standing(default, objectives)
    ordered = sorted((p for p in points if p is not default), key=lambda p: simplicity(p.options))
    fit = [p for p in ordered if standing(p, objectives, margin=MARGIN) is Standing.HOLDS]
    if base is Standing.HOLDS:
        fit = [default, *(p for p in fit if faster(p, default))]
    if not fit:
        return Choice(default, base, f"the default {_how(default, base)}, and no other configuration holds them")
    top = max(fit, key=lambda p: p.throughput)
    chosen = next(p for p in fit if not faster(top, p))
    alone = len(points) == 1
    return Choice(chosen, Standing.HOLDS, ALONE if alone else _reason(chosen, default, base))


def standing(point: Point, objectives: Objectives, *, margin: float = 1.0) -> Standing:
    """Tell how a configuration stands to the objectives; ``margin`` scales the latency limits."""
    if point.wrong or point.error_rate > objectives.error_rate:
        return Standing.BREAKS
    kept = [keeps(repeat, objectives, margin=margin) for repeat in point.repeats]
    if kept.count(True) >= HOLDING_SHARE * len(kept):
        return Standing.HOLDS
    return Standing.BREAKS if kept.count(False) == len(kept) else Standing.UNCLEAR


def keeps(repeat: Repeat, objectives: Objectives, *, margin: float = 1.0) -> bool | None:
    """Tell whether one repeat keeps the latency limits and the arrival rate; None if that cannot be told."""
    if repeat.p95_ms is None or repeat.p99_ms is None:
        return None
    quick = repeat.p95_ms <= margin * objectives.p95_ms and repeat.p99_ms <= margin * objectives.p99_ms
    if quick and repeat.throughput >= objectives.arrival_rate_per_s:
        return True
    late = repeat.lag_p99_ms > LATE_SHARE * objectives.p95_ms
    return None if late or (quick and repeat.generator_limited) else False


def faster(one: Point, other: Point) -> bool:
    """Tell whether ``one`` is faster than ``other`` beyond what their repeats differ."""
    return not other.generator_limited and one.slowest > CLEAR_GAIN * other.fastest


def frontier(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points that none beats in both throughput and p99, by rising throughput; wrong answers are out.

    >>> def at(t, p99):
    ...     return Point(options=DEFAULT, repeats=(Repeat(throughput=t, saturated=1, p99_ms=p99),))
    >>> [p.throughput for p in frontier([at(100, 5), at(90, 9), at(50, 1)])]
    [50, 100]
    """
    found: list[Point] = []
    measured = [p for p in points if p.p99_ms is not None and not p.wrong]
    for point in sorted(measured, key=lambda p: (-p.throughput, p.p99_ms)):
        if not found or (point.p99_ms or 0.0) < (found[-1].p99_ms or 0.0):
            found.append(point)
    return tuple(reversed(found))


def _how(default: Point, base: Standing) -> str:
    if default.wrong:
        return "answers wrongly, which breaks any objectives"
    if base is Standing.UNCLEAR:
        return "keeps the objectives in some repeats and breaks them in others"
    return "breaks the objectives"


def _reason(chosen: Point, default: Point, base: Standing) -> str:
    if chosen is default:
        return "no configuration is distinguishable from the default"
    if base is not Standing.HOLDS:
        return f"the default {_how(default, base)}; {name(chosen.options)} holds them with a margin"
    gain = chosen.throughput / max(default.throughput, 1e-9)
    return (
        f"{name(chosen.options)} answers {gain:.2f} times as many requests a second as the default, beyond all spread"
    )
