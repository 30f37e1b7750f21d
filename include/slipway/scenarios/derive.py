"""Cases derived from a signature and its holdout snapshot, class by class; the same seed gives the same cases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from slipway.core.signature import Action, Column, DType, Signature, Value
from slipway.scenarios.draws import Draws, domain
from slipway.scenarios.holdout import Holdout
from slipway.scenarios.pools import (
    ROWS,
    Drawn,
    boundary_pool,
    gap_pool,
    in_range_pool,
    outside_pool,
    outside_values,
)
from slipway.scenarios.suite import Case, CaseClass, Form, Invariance, Row

SINGLES = 60
MAX_OTHER_ROWS = 100
# Every size where code that pads, vectorises or splits batches changes its way, and its neighbours.
BATCH_SIZES = (17, 2, 64, 3, 128, 5, 33, 4, 16, 100, 7, 65, 8, 31, 9, 127, 15, 63, 32, 129)
MIXES = 12


def derive(signature: Signature, holdout: Holdout, *, seed: int, in_range_rows: int = ROWS) -> list[Case]:
    """Return the derived cases of every class but ``edge``, ``named``, ``adversarial`` and ``invariance``."""
    draws = Draws(signature, holdout, seed=seed)
    cases = [*in_range(in_range_pool(draws, in_range_rows), draws, in_range_rows), *boundary(draws)]
    cases += [*out_of_range(draws), *missing(draws), *wrong_type(draws), *other_real_rows(draws)]
    pools = (
        (CaseClass.BOUNDARY, "at an end", boundary_pool(draws, in_range_rows)),
        (CaseClass.MISSING, "with a gap", gap_pool(draws, in_range_rows)),
        (CaseClass.OUT_OF_RANGE, "outside", outside_pool(draws, in_range_rows)),
    )
    return cases + [case for kind, label, pool in pools for case in pooled(pool, kind, label)]


def in_range(pool: Sequence[Drawn], draws: Draws, n: int) -> Iterator[Case]:
    """``n`` rows by themselves, then all of them in batches of several sizes, in another order."""
    kind = CaseClass.IN_RANGE
    for i in range(n):
        drawn = pool[i % len(pool)]
        yield Case(name=f"in range {i}", kind=kind, rows=(drawn.row,), sources=(drawn.source,))
    order = draws.rng.permutation(len(pool)).tolist()
    why = "rows in one request answer as they do one by one"
    for start, batch in _batches([pool[i] for i in order]):
        yield Case(
            name=f"batch of {len(batch)} at {start}",
            kind=kind,
            rows=tuple(drawn.row for drawn in batch),
            sources=tuple(drawn.source for drawn in batch),
            why=why,
            invariance=Invariance.BATCH_SIZE,
        )


def pooled(pool: Sequence[Drawn], kind: CaseClass, label: str) -> Iterator[Case]:
    """The first rows of a pool by themselves, then all of it in batches."""
    for i, drawn in enumerate(pool[:SINGLES]):
        name, why = f"row {i} {label}", f"{len(drawn.columns)} columns {label}"
        yield Case(name=name, kind=kind, rows=(drawn.row,), columns=drawn.columns, sources=(drawn.source,), why=why)
    forms = itertools.cycle((Form.RECORDS, Form.SPLIT))
    for start, batch in _batches(pool):
        rows = tuple(drawn.row for drawn in batch)
        name = f"{len(rows)} rows {label} at {start}"
        yield Case(name=name, kind=kind, rows=rows, form=next(forms), why=f"rows {label}, in a batch")


def _batches(pool: Sequence[Drawn]) -> Iterator[tuple[int, Sequence[Drawn]]]:
    sizes, start = itertools.cycle(BATCH_SIZES), 0
    while start < len(pool):
        batch = pool[start : start + next(sizes)]
        yield start, batch
        start += len(batch)


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
    bounded = tuple(c for c in draws.signature.inputs if list(outside_values(c, draws)))
    for column in bounded:
        for label, value in outside_values(column, draws):
            yield _one_column(base, column, value, kind=kind, label=label)
    for i in range(MIXES if len(bounded) > 1 else 0):
        chosen = draws.columns(bounded, 4)
        values = {column.name: list(outside_values(column, draws))[draws.index(2)][1] for column in chosen}
        yield Case(
            name=f"out of range together {i}",
            kind=kind,
            rows=({**draws.real(), **values},),
            columns=tuple(values),
            why="several columns out of range at once",
        )
    tolerant = [c for c in bounded if c.on_out_of_range.action is not Action.REJECT]
    if tolerant:
        values = {column.name: list(outside_values(column, draws))[-1][1] for column in tolerant}
        why = "every column that does not reject is out of range"
        yield Case(name="all out of range", kind=kind, rows=({**base, **values},), columns=tuple(values), why=why)


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
