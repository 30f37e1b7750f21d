"""Hold one backend's answers against the native model's, row by row. Pure.

Rules
-----
1. An answer agrees if ``|a - b| <= absolute + relative * |b|``, b being the native model's; labels must be equal.
2. A row that the native model fails on must fail in the backend too, and the other way round.
3. Nothing is averaged: the largest difference is kept, and the row that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAILED = "no answer"


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer a row, and which rows got none (what stands in their place means nothing)."""

    values: NDArray[Any]
    failed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What comparing found.

    Attributes
    ----------
    rows, mismatches : int
    largest : float
        The largest absolute difference between two numbers; 0 for labels.
    worst : int or None
        The row furthest beyond the tolerance, else the one with the largest difference; None if all are equal.
    native, answer : object
        What the two say to that row.
    """

    rows: int
    mismatches: int = 0
    largest: float = 0.0
    worst: int | None = None
    native: Any = None
    answer: Any = None


def compare(native: Answers, other: Answers, *, absolute: float, relative: float) -> Comparison:
    """Compare two backends' answers to the same rows.

    >>> yes = np.zeros(2, dtype=bool)
    >>> one, two = Answers(np.array([1.0, 2.0]), yes), Answers(np.array([1.0, 2.5]), yes)
    >>> found = compare(one, two, absolute=0.0, relative=1e-6)
    >>> found.mismatches, found.largest, found.worst
    (1, 0.5, 1)
    """
    rows = len(native.failed)
    both = ~native.failed & ~other.failed
    odd = native.failed != other.failed
    excess = np.where(odd, np.inf, 0.0)
    difference = np.zeros(rows)
    numeric = all(answers.values.dtype.kind in "iuf" for answers in (native, other))
    if numeric:
        expected, given = (answers.values.astype(np.float64) for answers in (native, other))
        difference[both] = np.abs(given[both] - expected[both])
        excess[both] = difference[both] - (absolute + relative * np.abs(expected[both]))
        wrong = odd | (both & (excess > 0))
    else:
        wrong = odd | (both & (native.values != other.values))
        excess[wrong] = np.inf
    worst = _worst(wrong, excess, difference)
    if worst is None:
        return Comparison(rows=rows)
    return Comparison(
        rows=rows,
        mismatches=int(wrong.sum()),
        largest=float(difference.max()),
        worst=worst,
        native=_said(native, worst),
        answer=_said(other, worst),
    )


def _worst(wrong: NDArray[np.bool_], excess: NDArray[np.float64], difference: NDArray[np.float64]) -> int | None:
    if wrong.any():
        return int(np.argmax(np.where(wrong, excess, -np.inf)))
    return int(np.argmax(difference)) if difference.any() else None


def _said(answers: Answers, row: int) -> Any:
    return FAILED if answers.failed[row] else answers.values[row : row + 1].tolist()[0]
