"""The doubles, counted: their order as integers, and the last one for which something that then stops holding holds.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST = float(np.finfo(np.float64).max)
_STEPS = 64


def order(values: Floats) -> Ints:
    """Number the doubles from lowest to highest, 0 being 0.0 (and -0.0).

    >>> order(np.array([-0.0, 5e-324, -5e-324])).tolist()
    [0, 1, -1]
    """
    bits = values.view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def from_order(numbers: Ints) -> Floats:
    """Return the doubles with these numbers."""
    bits = np.where(numbers < 0, np.iinfo(np.int64).min - numbers, numbers)
    return bits.view(np.float64)


def between(low: Floats, high: Floats) -> Floats:
    """Return the double halfway between two doubles, counted in doubles."""
    one, other = order(low), order(high)
    return from_order(one // 2 + other // 2 + (one & other & 1))


def last_where(holds: Callable[[Floats], NDArray[np.bool_]], shape: int, *, furthest: float = MOST) -> Floats:
    """Return the largest double for which something holds, for many somethings at once.

    Parameters
    ----------
    holds : callable
        Takes ``shape`` values and tells of each whether it holds. It must hold up to some value and not beyond.
    shape : int
    furthest : float
        Values from ``-furthest`` to ``furthest`` are looked at.

    Returns
    -------
    float array of shape (shape,)
        NaN where it holds for none.

    >>> last_where(lambda x: x < np.array([1.0, -9e9, 3e9]), 3, furthest=1e9).tolist()
    [0.9999999999999999, nan, 1000000000.0]
    """
    low, high = np.full(shape, -furthest), np.full(shape, furthest)
    never, always = ~holds(low), holds(high)
    for _ in range(_STEPS):
        middle = between(low, high)
        held = holds(middle)
        low, high = np.where(held, middle, low), np.where(held, high, middle)
    return np.where(never, np.nan, np.where(always, furthest, low))
