"""What a load test holds a service against, and what its numbers need to be worth something."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.loadprofile import LoadProfile
from slipway.core.spec import Objectives

P95_REQUIRES = 100
P99_REQUIRES = 300
P95_ALLOWS, P99_ALLOWS = 0.05, 0.01
MAX_LAG_SHARE = 0.20
# Below this a coarse timer already shows; no generator keeps time better.
MIN_LAG_LIMIT_MS = 2.0
CLEAR_EXCESS = 1.5
RECOVERY_FACTOR = 1.5
RECOVERY_REQUIRES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the service must hold: ms, a share, MiB, and whether the last stage must be as good as the first."""

    p95_ms: float
    p99_ms: float
    error_rate: float
    recovery: bool = False
    memory_mb: float = float("inf")

    @classmethod
    def of(cls, objectives: Objectives, profile: LoadProfile) -> Limits:
        """Return the model's objectives, overridden where the profile has limits of its own."""
        return cls(
            p95_ms=objectives.p95_ms if profile.p95_ms is None else profile.p95_ms,
            p99_ms=objectives.p99_ms if profile.p99_ms is None else profile.p99_ms,
            error_rate=objectives.error_rate,
            recovery=profile.recovery,
            memory_mb=objectives.memory_mb,
        )

    @property
    def lag_ms(self) -> float:
        """How late, at p99, the generator may be."""
        return max(MIN_LAG_LIMIT_MS, MAX_LAG_SHARE * self.p95_ms)
