"""Load profiles: how many requests a second, for how long."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.errors import SpecError


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of constant mean arrival rate; without ``rate_per_s`` the model's own objective times ``factor``."""

    seconds: float
    rate_per_s: float | None = None
    factor: float = 1.0
    judged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProfile:
    """Stages after a warm-up that is not counted.

    ``p95_ms`` and ``p99_ms`` override the model's objectives where the profile has limits of its own.
    ``recovery`` is True when the last stage must be as good as the first. ``tuning_seconds`` is about how long the
    serving options are tuned before.
    """

    name: str
    description: str
    stages: tuple[Stage, ...]
    warmup_seconds: float = 3.0
    p95_ms: float | None = None
    p99_ms: float | None = None
    recovery: bool = False
    tuning_seconds: float = 60.0

    @property
    def seconds(self) -> float:
        """Whole duration with the warm-up."""
        return self.warmup_seconds + sum(stage.seconds for stage in self.stages)


LOAD_PROFILES: dict[str, LoadProfile] = {
    p.name: p
    for p in (
        LoadProfile(
            name="smoke", description="20 s at the model's arrival rate", stages=(Stage(17),), tuning_seconds=25
        ),
        LoadProfile(
            name="standard", description="2 min at the model's arrival rate", stages=(Stage(115),), warmup_seconds=5
        ),
        LoadProfile(
            name="article",
            description="10 requests/s for 10 min, p95 at most 170 ms and p99 at most 270 ms",
            stages=(Stage(600, rate_per_s=10),),
            warmup_seconds=5,
            p95_ms=170,
            p99_ms=270,
        ),
        LoadProfile(
            name="surge",
            description="quiet, three times the arrival rate, quiet; must recover",
            stages=(Stage(20, factor=0.5), Stage(20, factor=3.0, judged=False), Stage(20, factor=0.5)),
            recovery=True,
        ),
    )
}


def load_profile(name: str) -> LoadProfile:
    """Return a load profile by name, else raise SpecError naming those there are."""
    if name not in LOAD_PROFILES:
        raise SpecError(f"there is no load profile {name!r}", remedy=f"use one of {', '.join(LOAD_PROFILES)}")
    return LOAD_PROFILES[name]
