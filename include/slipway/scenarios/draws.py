"""Seeded draws of values in the declared range of each column."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from slipway.core.signature import Column, DType, Signature, Value
from slipway.scenarios.holdout import Holdout

MAX_DOMAIN = 2000


class Draws:
    """Draws rows in range: from the holdout, between two rows of it, column by column, or over the declared ranges.

    Parameters
    ----------
    signature : Signature
    holdout : Holdout
    seed : int
        The same seed gives the same rows.
    """

    def __init__(self, signature: Signature, holdout: Holdout, *, seed: int) -> None:
        self.signature = signature
        self.holdout = holdout
        self.rng = np.random.default_rng(seed)
        self._seen = {name: [row[name] for row in holdout.plain] for name in signature.names}

    def index(self, n: int) -> int:
        """Return a number from 0 to n - 1."""
        return int(self.rng.integers(n))

    def columns(self, columns: tuple[Column, ...], most: int) -> tuple[Column, ...]:
        """Return two to ``most`` of the columns, or all if there are fewer."""
        n = min(len(columns), int(self.rng.integers(2, most + 1)))
        return tuple(columns[i] for i in sorted(self.rng.permutation(len(columns))[:n].tolist()))

    def some(self, columns: tuple[Column, ...], most: int) -> tuple[Column, ...]:
        """Return one to ``most`` of the columns."""
        n = 1 + self.index(most)
        return tuple(columns[i] for i in sorted(self.rng.permutation(len(columns))[:n].tolist()))

    def real(self) -> Mapping[str, Value]:
        """Return a row of the holdout."""
        return self.holdout.plain[self.index(len(self.holdout.plain))]

    def mixed(self) -> dict[str, Value]:
        """Return a row whose values come from the holdout, each from a row of its own."""
        return {name: seen[self.index(len(seen))] for name, seen in self._seen.items()}

    def between(self) -> dict[str, Value]:
        """Return a row on the line between two rows of the holdout; what is no number comes from one of the two."""
        one, other, share = self.real(), self.real(), float(self.rng.random())
        return {column.name: self._between(column, one, other, share) for column in self.signature.inputs}

    def even(self) -> dict[str, Value]:
        """Return a row drawn evenly over the declared ranges (over the observed ones where none is declared)."""
        return {column.name: self._even(column) for column in self.signature.inputs}

    def domain_size(self) -> float:
        """Return how many different complete rows the signature lets through; infinity if it is not a small number."""
        sizes = [len(domain(column)) or math.inf for column in self.signature.inputs]
        return math.prod(sizes)

    def span(self, column: Column) -> tuple[float, float]:
        """Return a numeric column's declared range, completed by what was observed."""
        seen: list[Any] = self._seen[column.name]
        low = column.min if column.min is not None else min(seen)
        high = column.max if column.max is not None else max(seen)
        return float(low), float(high)

    def _between(self, column: Column, one: Mapping[str, Value], other: Mapping[str, Value], share: float) -> Value:
        a, b = one[column.name], other[column.name]
        if isinstance(a, str | bool) or isinstance(b, str | bool) or a is None or b is None:
            return (a, b)[self.index(2)]
        mixed = min(max(a + share * (b - a), min(a, b)), max(a, b))
        return round(mixed) if column.dtype is DType.INT else float(mixed)

    def _even(self, column: Column) -> Value:
        values = domain(column)
        if values:
            return values[self.index(len(values))]
        if not column.dtype.is_numeric:
            seen = self._seen[column.name]
            return seen[self.index(len(seen))]
        low, high = self.span(column)
        if column.dtype is DType.INT:
            return int(self.rng.integers(math.ceil(low), math.floor(high) + 1))
        return float(min(max(self.rng.uniform(low, high), low), high))


def domain(column: Column) -> list[Value]:
    """Return every value that a column can take; empty if they are not few.

    >>> domain(Column(name="grade", dtype=DType.INT, min=1, max=3))
    [1, 2, 3]
    """
    if column.dtype is DType.BOOL:
        return [False, True]
    if column.dtype is DType.STRING:
        return list(column.categories)
    if column.dtype is DType.INT and column.min is not None and column.max is not None:
        low, high = math.ceil(column.min), math.floor(column.max)
        return list(range(low, high + 1)) if high - low < MAX_DOMAIN else []
    return []
