"""What was measured of a configuration: its repeats, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Any

from slipway.core.serving_options import ServingOptions

# The generator is one process on one processor: near this share of it, it and not the service set the pace.
GENERATOR_FULL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One measurement: a stretch at saturation (closed loop), then one at the arrival rate (open loop).

    Attributes
    ----------
    throughput : float
        Answers (200) a second with a few connections that never pause.
    saturated : int
        Requests behind it.
    p50_ms, p95_ms, p99_ms : float or None
        At the arrival rate, counted from the intended start; None if that was not measured. A failed request lasts
        as long as the timeout.
    paced : int
        Requests behind them.
    errors : int
        Requests without a 200, of both stretches, but for those refused.
    refused : int
        Requests at saturation that the service answered with 429 or 503: it was asked for more than it can do.
    wrong : int
        Answers that differ from the golden ones, of both stretches.
    generator_share : float
        How much of a processor the generator took at saturation, 0 to 1.
    lag_p99_ms : float
        How late the generator itself sent, at the arrival rate.
    note : str
        The first wrong answer, or the kinds of errors.
    """

    throughput: float
    saturated: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    paced: int = 0
    errors: int = 0
    refused: int = 0
    wrong: int = 0
    generator_share: float = 0.0
    lag_p99_ms: float = 0.0
    note: str = ""

    @property
    def requests(self) -> int:
        """All requests of it."""
        return self.saturated + self.paced

    @property
    def generator_limited(self) -> bool:
        """Whether the throughput is the generator's: the service could do more."""
        return self.generator_share >= GENERATOR_FULL

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Repeat:
        """Read what :meth:`to_json` wrote."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration and its repeats, of which there is at least one.

    The middle repeat stands for it (of an even number the lower one of the two), lowest and highest are its spread.
    """

    options: ServingOptions
    repeats: tuple[Repeat, ...]

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return median_low(r.throughput for r in self.repeats)

    @property
    def slowest(self) -> float:
        """The lowest throughput of a repeat."""
        return min(r.throughput for r in self.repeats)

    @property
    def fastest(self) -> float:
        """The highest throughput of a repeat."""
        return max(r.throughput for r in self.repeats)

    @property
    def p50_ms(self) -> float | None:
        """Median latency at the arrival rate."""
        return _middle(r.p50_ms for r in self.repeats)

    @property
    def p95_ms(self) -> float | None:
        """95th percentile of the latency at the arrival rate."""
        return _middle(r.p95_ms for r in self.repeats)

    @property
    def p99_ms(self) -> float | None:
        """99th percentile of the latency at the arrival rate."""
        return _middle(r.p99_ms for r in self.repeats)

    @property
    def paced(self) -> int:
        """Requests at the arrival rate."""
        return sum(r.paced for r in self.repeats)

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(r.requests for r in self.repeats)

    @property
    def error_rate(self) -> float:
        """Share of requests without a 200; those refused at saturation do not count."""
        return sum(r.errors for r in self.repeats) / max(1, self.requests)

    @property
    def refused(self) -> int:
        """Requests refused at saturation."""
        return sum(r.refused for r in self.repeats)

    @property
    def wrong(self) -> int:
        """Answers that differ from the golden ones."""
        return sum(r.wrong for r in self.repeats)

    @property
    def generator_limited(self) -> bool:
        """Whether the generator set the pace in any repeat: the throughput is then known from below only."""
        return any(r.generator_limited for r in self.repeats)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "options": self.options.to_json(),
            "throughput_per_s": self.throughput,
            "throughput_spread": [self.slowest, self.fastest],
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "p99_ms": self.p99_ms,
            "error_rate": self.error_rate,
            "refused": self.refused,
            "wrong": self.wrong,
            "n": self.requests,
            "generator_limited": self.generator_limited,
            "repeats": [r.to_json() for r in self.repeats],
        }


def _middle(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return median_low(known) if known else None
