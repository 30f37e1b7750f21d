"""A run's answers in a few numbers that can be added up: how many, how they are spread. Pure.

Numbers are counted in bins that do not depend on the data, so that partitions and runs can be put together: a hundred
equal ones where the output's range is declared, else bins of a twentieth of a value's own size, above and below zero.
Labels are counted each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import DType, Output

BINS = 100
_GROWTH = 1.05
_SMALLEST = 1e-9
_LABELS = 1000
_OTHER = "(other)"


@dataclass(frozen=True, slots=True)
class Summary:
    """How answers are spread.

    Attributes
    ----------
    rows : int
    total : float
        Their sum; 0 for labels.
    low, high : float or None
    outside : int
        How many lie outside of the output's declared range.
    bins : mapping of (int or str) to int
        Counts: by the bin's number, in order of the values, or by label.
    """

    rows: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None
    outside: int = 0
    bins: Mapping[int | str, int] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """The mean of numbers; None for labels, or without rows."""
        return self.total / self.rows if self.rows and self.low is not None else None

    def __add__(self, other: Summary) -> Summary:
        """Return both together."""
        lows = [one.low for one in (self, other) if one.low is not None]
        highs = [one.high for one in (self, other) if one.high is not None]
        return Summary(
            rows=self.rows + other.rows,
            total=self.total + other.total,
            low=min(lows, default=None),
            high=max(highs, default=None),
            outside=self.outside + other.outside,
            bins=dict(Counter(self.bins) + Counter(other.bins)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return {
            "rows": self.rows,
            "total": self.total,
            "low": self.low,
            "high": self.high,
            "outside": self.outside,
            "bins": sorted(([key, count] for key, count in self.bins.items()), key=lambda pair: str(pair[0])),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Summary:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "bins": dict(data["bins"])})


def pooled(summaries: Iterable[Summary]) -> Summary:
    """Return several summaries as one."""
    return sum(summaries, start=Summary())


def summarise(answers: NDArray[Any], output: Output) -> Summary:
    """Return the summary of answers, all finite.

    >>> summarise(np.array([0.25, 0.75, 1.5]), Output(name="p", min=0, max=1)).outside
    1
    """
    if not len(answers):
        return Summary()
    if not output.dtype.is_numeric:
        return _labelled(answers)
    values = answers.astype(np.float64, copy=False)
    low, high = float(values.min()), float(values.max())
    return Summary(
        rows=len(values),
        total=float(values.sum()),
        low=low,
        high=high,
        outside=_outside(values, output, low, high),
        bins=_counted(_bins(values, output)),
    )


def _outside(values: NDArray[np.float64], output: Output, low: float, high: float) -> int:
    below = 0 if output.min is None or low >= output.min else int((values < output.min).sum())
    above = 0 if output.max is None or high <= output.max else int((values > output.max).sum())
    return below + above


def _bins(values: NDArray[np.float64], output: Output) -> NDArray[np.int64]:
    if output.min is not None and output.max is not None and output.min < output.max:
        width = (output.max - output.min) / BINS
        return np.clip(np.floor((values - output.min) / width), -1, BINS).astype(np.int64)
    sizes = np.maximum(np.abs(values) / _SMALLEST, 1.0)
    bins: NDArray[np.int64] = (np.sign(values) * np.ceil(np.log(sizes) / np.log(_GROWTH))).astype(np.int64)
    return bins


def _counted(bins: NDArray[np.int64]) -> dict[int | str, int]:
    first = int(bins.min())
    counts = np.bincount(bins - first)
    return {int(place) + first: int(counts[place]) for place in np.flatnonzero(counts)}


def _labelled(answers: NDArray[Any]) -> Summary:
    found: Counter[int | str] = Counter()
    for label, count in Counter(str(value) for value in answers.tolist()).most_common():
        found[label if len(found) < _LABELS else _OTHER] += count
    return Summary(rows=len(answers), bins=dict(found))


def is_ordered(output: Output) -> bool:
    """Tell whether an output's bins have an order."""
    return output.dtype in (DType.FLOAT, DType.INT)
