"""The highest rate that keeps the objectives: a short search, bounded in time.

Rules
-----
1. The rate doubles from the declared one until a step breaks an objective; then the bracket is halved geometrically
   until its ends are within a quarter of each other, or the time is over.
2. A step holds if its p99 and p95 hold their limits, nearly everything was sent in time, no request failed, and no
   queue builds up from its first quarter to its last. It lasts until there are enough requests for a p99, or for eight
   seconds.
3. Where the generator itself is late, the search ends: the service can do more than can be asked here.
4. The result is recorded, with its bracket; it decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

STEP_SECONDS = 2.0
MAX_RATE = 1500.0
CLOSE = 1.25
FACTOR = 2.0
QUEUE_FACTOR, QUEUE_MS = 2.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rate that was tried; ``limited`` where the generator could not send that fast."""

    rate_per_s: float
    n: int
    p95_ms: float | None
    p99_ms: float | None
    held: bool
    limited: bool = False
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The highest rate that held, the lowest above it that did not (None: the search ended before), and the steps."""

    rate_per_s: float | None
    broke_at: float | None
    limited: bool
    steps: tuple[Step, ...]

    @property
    def n(self) -> int:
        """Requests behind the rate that held."""
        return sum(step.n for step in self.steps if step.rate_per_s == self.rate_per_s)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "n": self.n}


def next_rate(declared: float, steps: Sequence[Step]) -> float | None:
    """Return the rate to try next; None when the search is over.

    >>> held = [Step(rate_per_s=r, n=40, p95_ms=1, p99_ms=1, held=True) for r in (40.0, 80.0)]
    >>> next_rate(20, []), next_rate(20, held)
    (40.0, 160.0)
    >>> broke = Step(rate_per_s=160.0, n=40, p95_ms=1, p99_ms=900, held=False)
    >>> round(next_rate(20, [*held, broke]))
    113
    """
    if any(step.limited for step in steps):
        return None
    low = max((step.rate_per_s for step in steps if step.held), default=declared)
    above = [step.rate_per_s for step in steps if not step.held and step.rate_per_s > low]
    if not above:
        following = low * FACTOR
        return following if following <= MAX_RATE else None
    high = min(above)
    return None if high / low <= CLOSE else math.sqrt(low * high)


def queue_grows(latencies: Sequence[float]) -> bool:
    """Tell whether latencies, in ms and in the order of time, show a queue that builds up: too fast for much longer.

    >>> queue_grows([5.0, 6.0] * 50), queue_grows([5.0 + i for i in range(100)])
    (False, True)
    """
    quarter = len(latencies) // 4
    if not quarter:
        return False
    first, last = median(latencies[:quarter]), median(latencies[-quarter:])
    return last > QUEUE_FACTOR * first and last > first + QUEUE_MS


def capacity_of(declared: float, steps: Sequence[Step], *, declared_held: bool) -> Capacity:
    """Return what the steps say; the declared rate itself was measured before."""
    held = [step.rate_per_s for step in steps if step.held] + ([declared] if declared_held else [])
    best = max(held, default=None)
    above = [s.rate_per_s for s in steps if not s.held and not s.limited and (best is None or s.rate_per_s > best)]
    return Capacity(
        rate_per_s=best,
        broke_at=min(above, default=None),
        limited=any(step.limited for step in steps),
        steps=tuple(steps),
    )
