"""The range to declare for a column whose values have been seen: a margin around them, in round numbers."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

MARGIN = 0.1


def widened(low: float, high: float, *, whole: bool = False, margin: float = MARGIN) -> tuple[float, float]:
    """Return ``[low, high]`` with a margin on both sides, rounded outwards to the margin's own order of magnitude.

    Parameters
    ----------
    low, high : float
        Smallest and largest value seen, finite, in the column's own unit.
    whole : bool
        Round to whole numbers.
    margin : float
        Share of the span that is added on each side.

    A column that was never negative stays so. A constant column is given a span of its own size.

    >>> widened(6.981, 28.11)
    (4.0, 31.0)
    >>> widened(19, 79, whole=True)
    (13.0, 85.0)
    """
    lowest, highest = Decimal(repr(float(low))), Decimal(repr(float(high)))
    added = (highest - lowest or abs(lowest) or Decimal(1)) * Decimal(repr(margin))
    step = Decimal(1).scaleb(added.adjusted())
    if whole:
        step = max(step, Decimal(1))
    lower = _rounded(lowest - added, step, ROUND_FLOOR)
    upper = _rounded(highest + added, step, ROUND_CEILING)
    return (max(0.0, lower) if low >= 0 else lower), upper


def _rounded(value: Decimal, step: Decimal, direction: str) -> float:
    return float((value / step).to_integral_value(rounding=direction) * step)
