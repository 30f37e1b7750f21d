"""Pools of different rows, one for each class of row: in range, at a boundary, with a gap, out of range.

What a sample of rows can find follows from how many different ones it holds; so each class gets enough of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.core.signature import Action, Column, DType, Signature, Value
from slipway.scenarios.draws import Draws, domain
from slipway.scenarios.suite import Row
from slipway.scenarios.treat import LARGEST, treat

ROWS = 1000
MAX_REAL_ROWS = 500
ATTEMPTS_PER_ROW = 10
HOLDOUT, BETWEEN, MARGINS, RANGES = "holdout", "between holdout rows", "independent columns", "declared ranges"


class RowClass(StrEnum):
    """What is special about a row that the model answers."""

    IN_RANGE = "in_range"
    BOUNDARY = "boundary"
    GAP = "gap"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row, where it comes from, and the columns that make it special."""

    row: Row
    source: str
    columns: tuple[str, ...] = ()


def row_class(row: Row, signature: Signature) -> RowClass | None:
    """Return the class of a row; None if the signature rejects it.

    >>> from slipway.core.signature import Output
    >>> signature = Signature(inputs=(Column(name="a", dtype=DType.INT, min=0, max=9),), output=Output(name="y"))
    >>> [str(row_class({"a": a}, signature)) for a in (5, 9, 10)]
    ['in_range', 'boundary', 'None']
    """
    treated = treat(row, signature)
    if treated.rejected:
        return None
    reasons = {reason for _, _, reason in treated.flags}
    if "out_of_range" in reasons:
        return RowClass.OUT_OF_RANGE
    if "missing" in reasons:
        return RowClass.GAP
    at_end = any(row[column.name] in ends(column) for column in signature.inputs)
    return RowClass.BOUNDARY if at_end else RowClass.IN_RANGE


def ends(column: Column) -> list[Value]:
    """Return the ends of a column's declared range and their nearest numbers inside.

    >>> ends(Column(name="a", dtype=DType.INT, min=0, max=9))
    [0, 1, 9, 8]
    """
    found: list[Value] = []
    for bound, inward in ((column.min, 1), (column.max, -1)):
        if bound is None:
            continue
        if column.dtype is DType.INT:
            end = math.ceil(bound) if inward > 0 else math.floor(bound)
            found += [value for value in (end, end + inward) if column.in_range(value)]
        else:
            found += [float(bound), math.nextafter(bound, inward * math.inf)]
    return found


def in_range_pool(draws: Draws, n: int) -> list[Drawn]:
    """Return rows in range: real ones, then ``n`` like them and ``n`` over the declared ranges, in turn.

    All that there are, if the signature lets through no more than ``n``.
    """
    pool = _Pool(draws.signature)
    for row in draws.holdout.plain[:MAX_REAL_ROWS]:
        pool.add(Drawn(row, HOLDOUT))
    if draws.domain_size() <= n:
        names = draws.signature.names
        for values in itertools.product(*(domain(column) for column in draws.signature.inputs)):
            pool.add(Drawn(dict(zip(names, values, strict=True)), RANGES))
        return pool.rows
    even = (draws.even, RANGES)
    makes = itertools.cycle(((draws.between, BETWEEN), even, (draws.mixed, MARGINS), even))

    def draw() -> Drawn:
        make, source = next(makes)
        return Drawn(make(), source)

    pool.fill(len(pool.rows) + 2 * n, draw)
    return pool.rows


def boundary_pool(draws: Draws, n: int) -> list[Drawn]:
    """Return rows with one column, several or all of them at an end of their range, so that ends meet each other."""
    return _special(draws, n, tuple(c for c in draws.signature.inputs if ends(c)), ends)


def gap_pool(draws: Draws, n: int) -> list[Drawn]:
    """Return rows that lack one value, several, or all that may be lacking."""
    tolerant = tuple(c for c in draws.signature.inputs if c.on_missing.action is not Action.REJECT)
    return _special(draws, n, tolerant, lambda _: [None])


def outside_pool(draws: Draws, n: int) -> list[Drawn]:
    """Return rows with values out of range in columns that clip, replace or flag them."""
    outside = {c.name: [value for _, value in outside_values(c, draws)] for c in draws.signature.inputs}
    tolerant = tuple(
        c for c in draws.signature.inputs if c.on_out_of_range.action is not Action.REJECT and outside[c.name]
    )
    return _special(draws, n, tolerant, lambda column: outside[column.name])


def _special(draws: Draws, n: int, columns: tuple[Column, ...], values: Callable[[Column], list[Any]]) -> list[Drawn]:
    """Return up to ``n`` answered rows in which some of ``columns`` have one of their special ``values``."""
    if not columns:
        return []
    pool = _Pool(draws.signature)
    makes = itertools.cycle(((draws.real, HOLDOUT), (draws.between, BETWEEN), (draws.even, RANGES)))

    def draw() -> Drawn:
        make, source = next(makes)
        # one column in half of the rows, else any number of them
        chosen = draws.some(columns, 1 if draws.index(2) else len(columns))
        special = {}
        for column in chosen:
            offered = values(column)
            special[column.name] = offered[draws.index(len(offered))]
        return Drawn({**make(), **special}, source, tuple(special))

    pool.fill(n, draw)
    return pool.rows


class _Pool:
    """Different rows that the signature lets through, in the order in which they came."""

    def __init__(self, signature: Signature) -> None:
        self.rows: list[Drawn] = []
        self._signature = signature
        self._seen: set[tuple[Any, ...]] = set()
        self._missed = 0

    def add(self, drawn: Drawn) -> None:
        """Take a row in, unless it is there already or is rejected."""
        key = tuple(drawn.row[name] for name in self._signature.names)
        if key in self._seen or treat(drawn.row, self._signature).rejected:
            self._missed += 1
            return
        self._seen.add(key)
        self.rows.append(drawn)

    def fill(self, n: int, draw: Callable[[], Drawn]) -> None:
        """Draw until there are ``n`` rows, or until it seems that there are no more."""
        while len(self.rows) < n and self._missed < ATTEMPTS_PER_ROW * (n + 10):
            self.add(draw())


def outside_values(column: Column, draws: Draws) -> list[tuple[str, Value]]:
    """Return values outside; enormous ones only where the model does not get to see them."""
    if column.categories:
        known = column.categories[0]
        odd = ("unknown-category", "日本語 ✓", "", f" {known}", known.swapcase(), "x" * 5000)
        return [(f"not a category: {value[:12]!r}", value) for value in odd if value not in column.categories]
    if not column.dtype.is_numeric:
        return []
    low, high = draws.span(column)
    width = max(high - low, 1.0)
    found: list[tuple[str, Value]] = []
    for label, bound, side in (("below min", column.min, -1), ("above max", column.max, 1)):
        if bound is None:
            continue
        far = [("", bound + side * 0.5 * width), (", hugely", bound + side * 1e6 * width)]
        if column.on_out_of_range.action is not Action.FLAG:
            far.append((", enormously", side * (LARGEST if column.dtype is DType.FLOAT else 1e18)))
        found += [(label + how, _as(column, value, side)) for how, value in far if math.isfinite(value)]
    return [(label, value) for label, value in found if not column.in_range(value)]


def _as(column: Column, value: float, side: int) -> Value:
    if column.dtype is DType.FLOAT:
        return float(value)
    return math.ceil(value) if side > 0 else math.floor(value)
