"""Samples of the rounds, and what they come to: medians, ranges, quantiles, ratios round by round. Pure."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str]
"""A model, a system, a measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One figure of one round.

    Attributes
    ----------
    model, system, measure, unit : str
    round : int
    value : float
    n : int
        Requests that it stands on.
    errors : int
        Requests that were refused, lost or answered with anything but a 200.
    """

    model: str
    system: str
    measure: str
    unit: str
    round: int
    value: float
    n: int
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure over the rounds."""

    unit: str
    by_round: Mapping[int, float]
    n: int
    errors: int = 0

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.by_round.values())

    @property
    def low(self) -> float:
        """The smallest of the rounds."""
        return min(self.by_round.values())

    @property
    def high(self) -> float:
        """The largest of the rounds."""
        return max(self.by_round.values())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; without a finite number, null."""
        shown = {"median": self.median, "low": self.low, "high": self.high}
        return {
            "unit": self.unit,
            **{name: value if math.isfinite(value) else None for name, value in shown.items()},
            "rounds": len(self.by_round),
            "n": self.n,
            "errors": self.errors,
        }


@dataclass(slots=True)
class Cells:
    """Every figure of a run."""

    known: dict[Key, Cell] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Cells:
        """Gather the rounds' samples; two of one round and one key: the last."""
        grouped: defaultdict[Key, list[Sample]] = defaultdict(list)
        for sample in samples:
            grouped[sample.model, sample.system, sample.measure].append(sample)
        return cls(
            {
                key: Cell(
                    found[0].unit,
                    {sample.round: sample.value for sample in found},
                    sum(sample.n for sample in found),
                    sum(sample.errors for sample in found),
                )
                for key, found in grouped.items()
            }
        )

    def get(self, model: str, system: str, measure: str) -> Cell | None:
        """Return one figure, None if it was not measured."""
        return self.known.get((model, system, measure))

    def systems(self, model: str) -> list[str]:
        """Return the systems that have figures for a model, in the order in which they came."""
        return list(dict.fromkeys(system for known, system, _ in self.known if known == model))

    def to_json(self) -> list[dict[str, Any]]:
        """Return all of them as JSON values."""
        return [
            {"model": model, "system": system, "measure": measure, **cell.to_json()}
            for (model, system, measure), cell in self.known.items()
        ]


def quantile(values: Sequence[float], share: float, *, lost: int = 0) -> float:
    """Return the value that a share of all requests stayed at or below; a lost one counts as infinitely late.

    >>> quantile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    >>> quantile([1.0] * 99, 0.99, lost=1)
    1.0
    >>> quantile([1.0] * 90, 0.99, lost=10)
    inf
    """
    count = len(values) + lost
    if not count:
        return math.nan
    place = max(0, math.ceil(share * count) - 1)
    return sorted(values)[place] if place < len(values) else math.inf


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours divided by theirs: the median over the rounds in which both were measured, and the range."""

    median: float
    low: float
    high: float
    rounds: int


def ratio(ours: Cell, theirs: Cell) -> Ratio | None:
    """Return the ratio, round by round; None if no round has both as numbers above 0."""
    common = [number for number in ours.by_round if number in theirs.by_round]
    pairs = [(ours.by_round[number], theirs.by_round[number]) for number in common]
    found = [a / b for a, b in pairs if math.isfinite(a) and b > 0 and not math.isnan(b)]
    return Ratio(statistics.median(found), min(found), max(found), len(found)) if found else None
