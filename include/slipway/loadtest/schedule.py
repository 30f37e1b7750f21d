"""When each request is meant to start: Poisson arrivals, planned before the first one of a stretch is sent.

Rules
-----
1. The plan does not look at the service: a slow answer delays no later request (open loop).
2. A stretch of ``seconds`` at ``rate`` holds exactly ``round(seconds * rate)`` arrivals at uniform random times, which
   is a Poisson process given its count: the gaps are a Poisson process's, the sample size does not depend on luck.
3. The same seed gives the same plan.
4. A burst is the one exception to rule 1: a few callers that ask again once they were answered. Nothing is said about
   latency from it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from slipway.core.loadprofile import LoadProfile
from slipway.errors import SpecError
from slipway.loadtest.limits import rates

WARMUP = -1
CHAMPION_WARMUP = -2


class Part(StrEnum):
    """What a stretch is for."""

    WARMUP = "warm-up"
    STAGE = "stage"
    BURST = "burst"
    RECOVERY = "recovery"
    CAPACITY = "capacity"


class Target(StrEnum):
    """Who is asked."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"


class Arrival(NamedTuple):
    """A planned request: seconds after the start, its stretch's index, which golden row it sends."""

    at: float
    stage: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """A stretch of constant mean arrival rate, placed on the clock: a stage of the profile, or one window of it.

    Attributes
    ----------
    index : int
        Names it: ``WARMUP``, or a number that no other stretch of the test has.
    start, seconds : float
        Seconds after the start of the test, and how long it lasts.
    rate_per_s : float
        0 for a burst.
    judged : bool
        Whether its requests count for the verdict on latency and errors.
    part, target : Part, Target
    stage : int or None
        The stage of the profile that it is a window of; None: ``index`` says it.
    connections : int
        Of a burst: how many callers.
    """

    index: int
    start: float
    seconds: float
    rate_per_s: float
    judged: bool
    part: Part = Part.STAGE
    target: Target = Target.CANDIDATE
    stage: int | None = None
    connections: int = 0

    @property
    def planned(self) -> int:
        """How many requests it holds; of a burst nobody knows."""
        return round(self.seconds * self.rate_per_s)

    @property
    def end(self) -> float:
        """Seconds after the start of the test."""
        return self.start + self.seconds

    @property
    def label(self) -> str:
        """Its name in reports."""
        if self.target is Target.CHAMPION:
            return "champion"
        if self.index == WARMUP:
            return "warm-up"
        if self.part is not Part.STAGE:
            return self.part.value
        return f"stage {(self.index if self.stage is None else self.stage) + 1}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "part": self.part.value, "target": self.target.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PlannedStage:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "part": Part(data["part"]), "target": Target(data["target"])})


def plan_stages(profile: LoadProfile, arrival_rate_per_s: float) -> tuple[PlannedStage, ...]:
    """Return the warm-up and the stages of ``profile`` on one clock.

    Parameters
    ----------
    profile : LoadProfile
    arrival_rate_per_s : float
        The model's own objective; :func:`slipway.loadtest.limits.rates` says what it means for each stage. The warm-up
        runs at the first stage's rate.

    Raises
    ------
    SpecError
        If no stage is judged: such a profile decides nothing.

    >>> from slipway.core.loadprofile import load_profile
    >>> [(s.label, s.planned) for s in plan_stages(load_profile("smoke"), 20)]
    [('warm-up', 40), ('stage 1', 312)]
    """
    if not any(stage.judged for stage in profile.stages):
        raise SpecError(f"load profile {profile.name!r} judges no stage", remedy="mark at least one stage as judged")
    each = rates(profile, arrival_rate_per_s)
    warm = PlannedStage(
        index=WARMUP, start=0.0, seconds=profile.warmup_seconds, rate_per_s=each[0], judged=False, part=Part.WARMUP
    )
    planned = [warm]
    for index, (stage, rate) in enumerate(zip(profile.stages, each, strict=True)):
        planned.append(
            PlannedStage(
                index=index, start=planned[-1].end, seconds=stage.seconds, rate_per_s=rate, judged=stage.judged
            )
        )
    return tuple(planned)


def plan_windows(profile: LoadProfile, arrival_rate_per_s: float) -> tuple[PlannedStage, tuple[PlannedStage, ...]]:
    """Return the warm-up, and the stages cut into windows of about ``profile.window_seconds``, numbered in turn.

    >>> from slipway.core.loadprofile import load_profile
    >>> [w.planned for w in plan_windows(load_profile("smoke"), 20)[1]]
    [52, 52, 52, 52, 52, 52]
    """
    warm, *stages = plan_stages(profile, arrival_rate_per_s)
    windows: list[PlannedStage] = []
    for stage in stages:
        windows += cut(stage, profile.window_seconds, first=len(windows))
    return warm, tuple(windows)


def cut(stage: PlannedStage, window_seconds: float, *, first: int) -> list[PlannedStage]:
    """Return a stage as windows of equal length, the nearest to ``window_seconds``, numbered from ``first``."""
    count = max(1, math.floor(stage.seconds / window_seconds + 0.5))
    each = stage.seconds / count
    return [
        replace(stage, index=first + i, start=stage.start + i * each, seconds=each, stage=stage.index)
        for i in range(count)
    ]


def plan_arrivals(stages: tuple[PlannedStage, ...], *, rows: int, seed: int) -> list[Arrival]:
    """Return every request in the order of its intended start; ``rows`` golden rows are drawn evenly.

    >>> from slipway.core.loadprofile import load_profile
    >>> arrivals = plan_arrivals(plan_stages(load_profile("smoke"), 20), rows=5, seed=0)
    >>> len(arrivals), arrivals == sorted(arrivals)
    (352, True)
    """
    rng = random.Random(seed)
    arrivals = []
    for stage in stages:
        times = sorted(rng.uniform(stage.start, stage.end) for _ in range(stage.planned))
        arrivals += [Arrival(at, stage.index, rng.randrange(rows)) for at in times]
    return arrivals
