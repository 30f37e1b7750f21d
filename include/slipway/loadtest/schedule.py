"""When each request is meant to start: Poisson arrivals, planned before the first one is sent.

Rules
-----
1. The plan does not look at the service: a slow answer delays no later request (open loop).
2. A stage of ``seconds`` at ``rate`` holds exactly ``round(seconds * rate)`` arrivals at uniform random times, which is
   a Poisson process given its count: the gaps are a Poisson process's, the sample size does not depend on luck.
3. The same seed gives the same plan.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from slipway.core.loadprofile import LoadProfile
from slipway.errors import SpecError

WARMUP = -1


class Arrival(NamedTuple):
    """A planned request: seconds after the start, its stage (``WARMUP`` or an index), which golden row it sends."""

    at: float
    stage: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """A stretch of constant mean arrival rate, placed on the clock.

    Attributes
    ----------
    index : int
        ``WARMUP``, or the position in the profile.
    start, seconds : float
        Seconds after the start of the test, and how long it lasts.
    rate_per_s : float
    judged : bool
        Whether its requests count for the verdict on latency and errors.
    """

    index: int
    start: float
    seconds: float
    rate_per_s: float
    judged: bool

    @property
    def planned(self) -> int:
        """How many requests it holds."""
        return round(self.seconds * self.rate_per_s)

    @property
    def end(self) -> float:
        """Seconds after the start of the test."""
        return self.start + self.seconds

    @property
    def label(self) -> str:
        """Its name in reports."""
        return "warm-up" if self.index == WARMUP else f"stage {self.index + 1}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PlannedStage:
        """Read what :meth:`to_json` wrote."""
        return cls(**data)


def plan_stages(profile: LoadProfile, arrival_rate_per_s: float) -> tuple[PlannedStage, ...]:
    """Return the warm-up and the stages of ``profile`` on one clock.

    Parameters
    ----------
    profile : LoadProfile
    arrival_rate_per_s : float
        The model's own objective: the rate of stages that do not name one. The warm-up runs at the first stage's rate.

    Raises
    ------
    SpecError
        If no stage is judged: such a profile decides nothing.

    >>> from slipway.core.loadprofile import load_profile
    >>> [(s.label, s.planned) for s in plan_stages(load_profile("smoke"), 20)]
    [('warm-up', 60), ('stage 1', 340)]
    """
    if not any(stage.judged for stage in profile.stages):
        raise SpecError(f"load profile {profile.name!r} judges no stage", remedy="mark at least one stage as judged")
    rates = [arrival_rate_per_s * stage.factor if stage.rate_per_s is None else stage.rate_per_s
             for stage in profile.stages]  # fmt: skip
    planned = [PlannedStage(index=WARMUP, start=0.0, seconds=profile.warmup_seconds, rate_per_s=rates[0], judged=False)]
    for index, (stage, rate) in enumerate(zip(profile.stages, rates, strict=True)):
        planned.append(
            PlannedStage(
                index=index, start=planned[-1].end, seconds=stage.seconds, rate_per_s=rate, judged=stage.judged
            )
        )
    return tuple(planned)


def plan_arrivals(stages: tuple[PlannedStage, ...], *, rows: int, seed: int) -> list[Arrival]:
    """Return every request of the test in the order of its intended start; ``rows`` golden rows are drawn evenly.

    >>> from slipway.core.loadprofile import load_profile
    >>> arrivals = plan_arrivals(plan_stages(load_profile("smoke"), 20), rows=5, seed=0)
    >>> len(arrivals), arrivals == sorted(arrivals)
    (400, True)
    """
    rng = random.Random(seed)
    arrivals = []
    for stage in stages:
        times = sorted(rng.uniform(stage.start, stage.end) for _ in range(stage.planned))
        arrivals += [Arrival(at, stage.index, rng.randrange(rows)) for at in times]
    return arrivals
