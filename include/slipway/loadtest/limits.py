"""What a load test holds a service against, at which rate, and what its numbers need to be worth something.

Rules
-----
1. A profile may ask for more than the model declares, never for less: of two latency limits the lower one holds, and
   what is judged is sent at the declared arrival rate or faster.
2. Where that gives too few requests for a p99 in the profile's time, the test runs as if enough of them were declared.
   A version that holds its limits at that raised rate is taken to hold them at the declared one. One that does not was
   not tried at the declared one: its latencies, and what it refused or did not answer in time, are INCONCLUSIVE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.core.loadprofile import LoadProfile

if TYPE_CHECKING:
    from slipway.core.spec import Objectives  # pydantic is no business of the generator's process

P95_REQUIRES = 100
P99_REQUIRES = 300
# Two of ten windows may be set aside as warm-up.
RESERVE = 1.25
P95_ALLOWS, P99_ALLOWS = 0.05, 0.01
MAX_LAG_SHARE = 0.20
# Below this a coarse timer already shows; no generator keeps time better.
MIN_LAG_LIMIT_MS = 2.0
CLEAR_EXCESS = 1.5
RECOVERY_FACTOR = 1.5
RECOVERY_REQUIRES = 20
MAX_WAIT_SECONDS = 20.0
RECOVERY_PER_S = RECOVERY_REQUIRES / MAX_WAIT_SECONDS
# As many requests of a burst must not be refused: who refuses nobody gets there however slow it is.
BURST_CALLERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the service must hold: ms, a share, MiB, and whether the last stage must have recovered.

    ``raised_from`` is the declared arrival rate, where what is judged is sent faster to have enough requests.
    """

    p95_ms: float
    p99_ms: float
    error_rate: float
    recovery: bool = False
    memory_mb: float = float("inf")
    raised_from: float | None = None

    @classmethod
    def of(cls, objectives: Objectives, profile: LoadProfile) -> Limits:
        """Return the stricter of the model's objectives and the profile's limits."""
        declared = objectives.arrival_rate_per_s
        p95_ms, p99_ms = profile.stricter(objectives.p95_ms, objectives.p99_ms)
        return cls(
            p95_ms=p95_ms,
            p99_ms=p99_ms,
            error_rate=objectives.error_rate,
            recovery=profile.recovery,
            memory_mb=objectives.memory_mb,
            raised_from=None if rates(profile, declared) == _asked(profile, declared) else declared,
        )

    def allows(self, errors: int, *, of: int) -> bool:
        """Tell whether so many errors are within the objective."""
        return errors <= self.error_rate * of

    @property
    def lag_ms(self) -> float:
        """How late, at p99, the generator may be."""
        return max(MIN_LAG_LIMIT_MS, MAX_LAG_SHARE * self.p95_ms)


def rates(profile: LoadProfile, declared_per_s: float) -> list[float]:
    """Return the rate of each stage for a model that declares so many requests a second.

    >>> from slipway.core.loadprofile import load_profile
    >>> article, surge = load_profile("article"), load_profile("surge")
    >>> rates(article, 5), rates(article, 200), rates(surge, 20), rates(surge, 1)
    ([10], [200], [20.0, 60.0, 20.0], [3.75, 11.25, 3.75])
    """
    return _asked(profile, max(declared_per_s, RESERVE * P99_REQUIRES / profile.judged_seconds))


def _asked(profile: LoadProfile, declared_per_s: float) -> list[float]:
    named = [declared_per_s * stage.factor if stage.rate_per_s is None else stage.rate_per_s
             for stage in profile.stages]  # fmt: skip
    return [max(rate, declared_per_s) if stage.judged else rate
            for rate, stage in zip(named, profile.stages, strict=True)]  # fmt: skip
