"""Percentiles as order statistics, with the binomial interval that is free of a distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Quantile:
    """An order statistic in ms and its 95 % interval; ``high`` is None where too few samples bound it above."""

    value: float
    low: float
    high: float | None


def quantile(ordered: Sequence[float], q: float) -> Quantile | None:
    """Return the ``q`` quantile of ascending values; None if there are none.

    >>> quantile([float(i) for i in range(1, 101)], 0.5)
    Quantile(value=50.0, low=40.0, high=61.0)
    >>> quantile([1.0, 2.0], 0.99)
    Quantile(value=2.0, low=1.0, high=None)
    """
    n = len(ordered)
    if n == 0:
        return None
    spread = Z95 * math.sqrt(n * q * (1 - q))
    low = max(1, math.floor(n * q - spread))
    high = math.ceil(n * q + spread) + 1
    return Quantile(
        value=ordered[min(n, max(1, math.ceil(n * q))) - 1],
        low=ordered[low - 1],
        high=ordered[high - 1] if high <= n else None,
    )
