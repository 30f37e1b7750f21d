"""The median of paired differences with its interval, from order statistics: no distribution is assumed.

A burst of other work on the host makes single rounds slow by any factor. A mean would follow it, a median does not.

Source: W. J. Conover, Practical Nonparametric Statistics, 3rd ed., 1999, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

CONFIDENCE = 0.95
NEEDED = 6
"""Fewer values have no interval of 95 % that is bounded on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A median of ``n`` values and where, with at least 95 % confidence, that of the population lies.

    ``low`` is minus infinity and ``high`` infinity where there are too few values to say.
    """

    median: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; an end that is not known is None."""
        ends = {
            name: value if math.isfinite(value) else None for name, value in (("low", self.low), ("high", self.high))
        }
        return {"median": self.median, **ends, "n": self.n}

    def text(self, unit: str = "") -> str:
        """Return it as a person would say it.

        >>> Interval(median=1.5, low=1.25, high=1.75, n=12).text(" ms")
        '1.5 ms (95 % interval 1.25 to 1.75, 12 rounds)'
        """
        if self.n < NEEDED:
            return f"{self.median:.3g}{unit} ({self.n} rounds, too few for an interval)"
        return f"{self.median:.3g}{unit} (95 % interval {self.low:.3g} to {self.high:.3g}, {self.n} rounds)"


def median_interval(values: Sequence[float]) -> Interval:
    """Return the median of at least one value, with its interval.

    >>> found = median_interval([float(i) for i in range(1, 13)])
    >>> found.low, found.median, found.high
    (3.0, 6.5, 10.0)
    """
    ordered, n = sorted(values), len(values)
    outside = _outside(n)
    low, high = (ordered[outside - 1], ordered[n - outside]) if outside else (-math.inf, math.inf)
    return Interval(median=median(ordered), low=low, high=high, n=n)


def _outside(n: int) -> int:
    """Return the rank of the interval's lower end: the largest whose two tails hold at most 5 %; 0 if there is none."""
    tail, rank = 0.0, 0
    for below in range(n // 2):
        tail += math.comb(n, below) * 0.5**n
        if 2 * tail > 1 - CONFIDENCE:
            break
        rank = below + 1
    return rank
