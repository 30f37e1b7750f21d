"""Cases derived from a signature and its holdout snapshot, class by class; the same seed gives the same cases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.core.signature import Action, Column, DType, Signature, Value
from slipway.scenarios.draws import Draws, domain
from slipway.scenarios.holdout import Holdout
from slipway.scenarios.suite import Case, CaseClass, Form, Row
from slipway.scenarios.treat import LARGEST, treat

IN_RANGE_ROWS = 1000
MAX_REAL_ROWS = 500
MAX_OTHER_ROWS = 100
BATCH_SIZES = (2, 3, 5, 17, 64, 128)
MIXES = 12


def derive(signature: Signature, holdout: Holdout, *, seed: int, in_range_rows: int = IN_RANGE_ROWS) -> list[Case]:
    """Return the derived cases of every class but ``edge`` and ``named``, ready to be sent in this order."""
    draws = Draws(signature, holdout, seed=seed)
    rows = in_range_rows_of(draws, in_range_rows)
    cases = [*in_range(rows, draws), *boundary(draws), *out_of_range(draws), *missing(draws), *wrong_type(draws)]
    return cases + list(other_real_rows(draws))


def in_range_rows_of(draws: Draws, n: int) -> list[Row]:
    """Return ``n`` rows in range, as many of them distinct as there can be; real ones first."""
    rows: dict[tuple[Value, ...], Row] = {}
    names = draws.signature.names

    def add(row: Mapping[str, Value]) -> None:
        if treat(row, draws.signature).plain:
            rows.setdefault(tuple(row[name] for name in names), row)

    for row in draws.holdout.plain[:MAX_REAL_ROWS]:
        add(row)
    if draws.domain_size() <= n:
        for values in itertools.product(*(domain(column) for column in draws.signature.inputs)):
            add(dict(zip(names, values, strict=True)))
    for attempt in range(20 * n):
        if len(rows) >= n:
            break
        add(draws.mixed() if attempt % 2 else draws.even())
    found = list(rows.values())
    return [found[i % len(found)] for i in range(n)] if found else []


def in_range(rows: list[Row], draws: Draws) -> Iterator[Case]:
    """Each row by itself, then all of them again in batches of several sizes, in another order."""
    for i, row in enumerate(rows):
        yield Case(name=f"in range {i}", kind=CaseClass.IN_RANGE, rows=(row,))
    order = draws.rng.permutation(len(rows)).tolist()
    sizes = itertools.cycle(BATCH_SIZES)
    start = 0
    while start < len(order):
        chosen = order[start : start + next(sizes)]
        batch = tuple(rows[i] for i in chosen)
        start += len(chosen)
        why = f"{len(batch)} rows in one request answer as they do one by one"
        yield Case(name=f"batch of {len(batch)} at {start}", kind=CaseClass.IN_RANGE, rows=batch, why=why)


def boundary(draws: Draws) -> Iterator[Case]:
    """The ends of every declared range, and the nearest values on both sides of them."""
    for column in draws.signature.inputs:
        for label, value in _boundary_values(column):
            yield _one_column(draws.holdout.base, column, value, kind=CaseClass.BOUNDARY, label=label)


def _boundary_values(column: Column) -> Iterator[tuple[str, Value]]:
    for label, bound, inward in (("min", column.min, 1), ("max", column.max, -1)):
        if bound is None:
            continue
        if column.dtype is DType.INT:
            end = math.ceil(bound) if inward > 0 else math.floor(bound)
            yield from ((f"at {label}", end), (f"inside {label}", end + inward), (f"outside {label}", end - inward))
        else:
            inside, outside = math.nextafter(bound, inward * math.inf), math.nextafter(bound, -inward * math.inf)
            yield from ((f"at {label}", float(bound)), (f"just inside {label}", inside))
            if math.isfinite(outside):
                yield f"just outside {label}", outside
    if not column.dtype.is_numeric:
        yield from ((f"each value: {value}", value) for value in domain(column))


def out_of_range(draws: Draws) -> Iterator[Case]:
    """Every column with a range, on each side, a little and a lot; then several at once."""
    base, kind = draws.holdout.base, CaseClass.OUT_OF_RANGE
    bounded = tuple(c for c in draws.signature.inputs if list(_outside_values(c, draws)))
    for column in bounded:
        for label, value in _outside_values(column, draws):
            yield _one_column(base, column, value, kind=kind, label=label)
    for i in range(MIXES if len(bounded) > 1 else 0):
        chosen = draws.columns(bounded, 4)
        values = {column.name: list(_outside_values(column, draws))[draws.index(2)][1] for column in chosen}
        yield Case(
            name=f"out of range together {i}",
            kind=kind,
            rows=({**draws.real(), **values},),
            columns=tuple(values),
            why="several columns out of range at once",
        )
    tolerant = [c for c in bounded if c.on_out_of_range.action is not Action.REJECT]
    if tolerant:
        values = {column.name: list(_outside_values(column, draws))[-1][1] for column in tolerant}
        why = "every column that does not reject is out of range"
        yield Case(name="all out of range", kind=kind, rows=({**base, **values},), columns=tuple(values), why=why)


def _outside_values(column: Column, draws: Draws) -> list[tuple[str, Value]]:
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


def missing(draws: Draws) -> Iterator[Case]:
    """Every column null and absent; several at once; all at once; one row among complete ones."""
    base, kind, columns = draws.holdout.base, CaseClass.MISSING, draws.signature.inputs
    for column in columns:
        yield _one_column(base, column, None, kind=kind, label="null")
        without = {name: value for name, value in base.items() if name != column.name}
        yield Case(name=f"{column.name} absent", kind=kind, rows=(without,), columns=(column.name,), why="absent")
    for i in range(MIXES if len(columns) > 1 else 0):
        nulls = {column.name: None for column in draws.columns(columns, 4)}
        row = {**draws.real(), **nulls}
        yield Case(name=f"missing together {i}", kind=kind, rows=(row,), columns=tuple(nulls), why="several null")
    tolerant = tuple(c for c in columns if c.on_missing.action is not Action.REJECT)
    groups = {"everything": columns, "everything that may be": tolerant}
    for label, group in groups.items():
        nulls = {column.name: None for column in group}
        if not nulls:
            continue
        yield Case(name=f"{label} null", kind=kind, rows=({**base, **nulls},), columns=tuple(nulls), why="null at once")
        left = {name: value for name, value in base.items() if name not in nulls}
        yield Case(name=f"{label} absent", kind=kind, rows=(left,), columns=tuple(nulls), why="absent at once")
    for column in tolerant:
        batch = (draws.real(), {**draws.real(), column.name: None}, draws.real())
        for form in (Form.RECORDS, Form.SPLIT):
            why = "one row of a batch lacks a value"
            name = f"{column.name} null within a batch, {form}"
            yield Case(name=name, kind=kind, rows=batch, columns=(column.name,), form=form, why=why)


def wrong_type(draws: Draws) -> Iterator[Case]:
    """Every column with values of other types."""
    for column in draws.signature.inputs:
        for label, value in _wrong_values(column):
            yield _one_column(draws.holdout.base, column, value, kind=CaseClass.WRONG_TYPE, label=label)


def _wrong_values(column: Column) -> Iterator[tuple[str, Any]]:
    yield from (("a list", [1.0]), ("an object", {"value": 1.0}))
    if column.dtype is DType.STRING:
        yield from (("a number for a string", 3.5), ("a bool for a string", True))
    elif column.dtype is DType.BOOL:
        yield from (("a number for a bool", 1), ("a string for a bool", "true"))
    else:
        yield from (("a bool for a number", True), ("a string for a number", "3.5"), ("the text NaN", "NaN"))
        yield "an empty string", ""
        if column.dtype is DType.INT:
            yield "a fraction for an int", math.floor(column.min or 0) + 0.5


def other_real_rows(draws: Draws) -> Iterator[Case]:
    """Real rows that meet a policy, as they are."""
    for i, row in enumerate(draws.holdout.other[:MAX_OTHER_ROWS]):
        kind = CaseClass.MISSING if None in row.values() else CaseClass.OUT_OF_RANGE
        yield Case(name=f"holdout row that meets a policy {i}", kind=kind, rows=(row,), why="a real row")


def _one_column(base: Row, column: Column, value: Any, *, kind: CaseClass, label: str) -> Case:
    row = {**base, column.name: value}
    return Case(name=f"{column.name} {label}", kind=kind, rows=(row,), columns=(column.name,), why=label)
