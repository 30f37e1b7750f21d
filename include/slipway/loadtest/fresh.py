"""Rows that nobody has sent yet: what a service keeps for each different row must grow with them to be seen.

The rows that are known go round and round, so a cache without a bound fills once and then looks settled. A row between
two known ones is as good as they are: each value lies between two that are answered, or is one of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def fresh_rows(rows: Sequence[Row], *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield rows without end, each between two of the given ones; the same seed gives the same.

    >>> row = next(fresh_rows([{"x": 1.0, "sex": "F"}, {"x": 2.0, "sex": "F"}], seed=5))
    >>> 1.0 < row["x"] < 2.0, row["sex"]
    (True, 'F')
    """
    rng = random.Random(seed)
    while True:
        one, other = rng.sample(rows, 2) if len(rows) > 1 else (rows[0], rows[0])
        share = rng.random()
        yield {name: _between(value, other.get(name, value), share) for name, value in one.items()}


def _between(one: Any, other: Any, share: float) -> Any:
    if isinstance(one, float) and isinstance(other, float):
        return (1 - share) * one + share * other
    return one if share < 0.5 else other
