"""Load profiles: how many requests a second, for how long, and what else is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.errors import SpecError


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of constant mean arrival rate; without ``rate_per_s`` the model's own objective times ``factor``.

    What is judged is never sent more slowly than the model declares.
    """

    seconds: float
    rate_per_s: float | None = None
    factor: float = 1.0
    judged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProfile:
    """Stages after a warm-up that is not counted; judged ones are cut into windows.

    Attributes
    ----------
    p95_ms, p99_ms : float or None
        Limits of its own; where the model's objectives are stricter they hold.
    recovery : bool
        Whether the p95 of the last stage must be within its limit, or at most 1.5 times that of the first.
    tuning_seconds : float
        About how long the serving options are tuned before.
    window_seconds : float
        About how long a window is.
    max_windows : int
        Further windows are added while the verdict on a latency is open, up to this many.
    champion_windows : int
        How many windows the champion gets in between, where there is one.
    burst_seconds : float
        How long a few callers then ask as fast as they are answered: many requests for what grows with them, and the
        surge that must be recovered from. 0: not at all.
    capacity_seconds : float
        How long the highest rate that keeps the objectives may be searched for. 0: not at all.
    """

    name: str
    description: str
    stages: tuple[Stage, ...]
    warmup_seconds: float = 3.0
    p95_ms: float | None = None
    p99_ms: float | None = None
    recovery: bool = False
    tuning_seconds: float = 60.0
    window_seconds: float = 10.0
    max_windows: int = 10
    champion_windows: int = 0
    burst_seconds: float = 0.0
    capacity_seconds: float = 0.0

    def stricter(self, p95_ms: float, p99_ms: float) -> tuple[float, float]:
        """Return these limits of a p95 and a p99, or the profile's own where they are lower.

        >>> load_profile("article").stricter(200, 200)
        (170, 200)
        """
        return min(p95_ms, self.p95_ms or p95_ms), min(p99_ms, self.p99_ms or p99_ms)

    @property
    def seconds(self) -> float:
        """Duration of the warm-up and the stages, without what is added or looked at after."""
        return self.warmup_seconds + sum(stage.seconds for stage in self.stages)

    @property
    def judged_seconds(self) -> float:
        """Duration of the judged windows, with all that may be added."""
        return max(self.max_windows * self.window_seconds, sum(stage.seconds for stage in self.stages if stage.judged))


LOAD_PROFILES: dict[str, LoadProfile] = {
    p.name: p
    for p in (
        LoadProfile(
            name="smoke",
            description="about 30 s at the model's arrival rate, the champion in between, and a burst",
            stages=(Stage(15.6),),
            warmup_seconds=2,
            tuning_seconds=25,
            window_seconds=2.6,
            champion_windows=3,
            burst_seconds=3,
        ),
        LoadProfile(
            name="standard",
            description="about 4 min at the model's arrival rate, the champion in between, a burst, the highest rate",
            stages=(Stage(120),),
            warmup_seconds=5,
            window_seconds=20,
            champion_windows=3,
            burst_seconds=10,
            capacity_seconds=30,
        ),
        LoadProfile(
            name="article",
            description="10 requests/s, or the model's rate if higher, for 10 min; p95 170 ms, p99 270 ms, or stricter",
            stages=(Stage(600, rate_per_s=10),),
            warmup_seconds=5,
            p95_ms=170,
            p99_ms=270,
            window_seconds=60,
            burst_seconds=10,
        ),
        LoadProfile(
            name="surge",
            description="the model's arrival rate, three times as much, the arrival rate again; must recover",
            stages=(Stage(20), Stage(20, factor=3.0, judged=False), Stage(20)),
            recovery=True,
            burst_seconds=3,
        ),
    )
}


def load_profile(name: str) -> LoadProfile:
    """Return a load profile by name, else raise SpecError naming those there are."""
    if name not in LOAD_PROFILES:
        raise SpecError(f"there is no load profile {name!r}", remedy=f"use one of {', '.join(LOAD_PROFILES)}")
    return LOAD_PROFILES[name]
