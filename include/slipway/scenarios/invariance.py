"""Cases that change one thing on which no answer may depend: order, company, form, predecessor, concurrency.

Each follows its base, the case in which the same rows are asked with nothing changed; :mod:`.metamorphic` compares the
two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from slipway.scenarios.draws import Draws
from slipway.scenarios.pools import Drawn, boundary_pool, gap_pool, outside_pool
from slipway.scenarios.suite import Case, CaseClass, Form, Invariance, Row

KIND = CaseClass.INVARIANCE
FORM_ROWS = 7
AT_ONCE = 32
ORDER_SIZES = (7, 33, 100)
REPEATS = 3
_CONCURRENT = "one of many"


def one_by_one(draws: Draws) -> list[Case]:
    """Return the cases that are sent one after another, each base before what is compared with it."""
    rows = tuple(draws.real() for _ in range(FORM_ROWS))
    odd = [*_few(gap_pool(draws, 4), 2), *_few(outside_pool(draws, 4), 1)]
    bases = [_alone(i, row) for i, row in enumerate([*rows[:2], *odd])]
    return [
        *bases,
        *_repeated(rows, odd),
        *_forms(rows),
        *_column_orders(rows, draws),
        *_row_orders(draws),
        *_duplicates(rows),
        *_after_others(bases, draws),
        *_concurrent_bases(draws, odd),
    ]


def at_once(cases: Sequence[Case]) -> list[Case]:
    """Return the requests that are to be sent at the same time: those that were sent by themselves before."""
    return [
        replace(case, name=f"{case.name}, at once", base=case.name, invariance=Invariance.CONCURRENT)
        for case in cases
        if case.name.startswith(_CONCURRENT)
    ]


def _few(pool: Sequence[Drawn], n: int) -> list[Row]:
    return [drawn.row for drawn in pool[:n]]


def _alone(number: int, row: Row) -> Case:
    return Case(name=f"row {number} by itself", kind=KIND, rows=(row,), why="what the following is compared with")


def _repeated(rows: tuple[Row, ...], odd: Sequence[Row]) -> Iterator[Case]:
    why = "a repeated call gives the identical answer"
    groups = [*((row,) for row in (*rows[:3], *odd)), rows]
    for i, group in enumerate(groups):
        yield Case(
            name=f"repeated {i}", kind=KIND, rows=group, repeats=REPEATS, why=why, invariance=Invariance.REPEATED
        )


def _forms(rows: tuple[Row, ...]) -> Iterator[Case]:
    for label, some in (("", rows), ("one row ", rows[:1])):
        for form in Form:
            checks = None if form is Form.RECORDS else Invariance.FORM
            yield Case(
                name=f"{label}as {form}",
                kind=KIND,
                rows=some,
                form=form,
                why="the same rows in every form",
                invariance=checks,
                base="" if checks is None else f"{label}as {Form.RECORDS}",
            )


def _column_orders(rows: tuple[Row, ...], draws: Draws) -> Iterator[Case]:
    turned = tuple({name: row[name] for name in reversed(list(row))} for row in rows)
    orders: list[tuple[str, Form, tuple[Row, ...]]] = [(f"columns turned round, {form}", form, turned) for form in Form]
    for i in range(2):
        mixed = tuple(_shuffled(row, draws) for row in rows)
        orders.append((f"each row in an order of its own {i}", Form.RECORDS, mixed))
    for name, form, some in orders:
        yield Case(
            name=name,
            kind=KIND,
            rows=some,
            form=form,
            why="columns in any order",
            invariance=Invariance.COLUMN_ORDER,
            base=f"as {form}",
        )


def _shuffled(row: Row, draws: Draws) -> Row:
    names = list(row)
    return {names[i]: row[names[i]] for i in draws.rng.permutation(len(names)).tolist()}


def _row_orders(draws: Draws) -> Iterator[Case]:
    for size in ORDER_SIZES:
        rows = tuple(draws.between() for _ in range(size))
        base = f"{size} rows in order"
        yield Case(name=base, kind=KIND, rows=rows, why="what the following is compared with")
        orders = {"turned round": rows[::-1], "from the middle": rows[size // 2 :] + rows[: size // 2]}
        for i in range(2):
            orders[f"shuffled {i}"] = tuple(rows[at] for at in draws.rng.permutation(size).tolist())
        for label, some in orders.items():
            name, why = f"{size} rows {label}", "rows in any order"
            yield Case(name=name, kind=KIND, rows=some, why=why, invariance=Invariance.ROW_ORDER, base=base)


def _duplicates(rows: tuple[Row, ...]) -> Iterator[Case]:
    groups = {"the same row twice": rows[:1] * 2, "the same row ten times": rows[:1] * 10}
    groups |= {"each row twice": (*rows, *rows), "one row again at the end": (*rows, rows[0])}
    for name, some in groups.items():
        yield Case(
            name=name,
            kind=KIND,
            rows=some,
            why="equal rows, equal answers",
            invariance=Invariance.DUPLICATES,
            base=f"as {Form.RECORDS}",
        )


def _after_others(bases: Sequence[Case], draws: Draws) -> Iterator[Case]:
    """Each base again, after requests of every kind: what was asked before must leave no trace."""
    first = draws.signature.names[0]
    others = [Case(name="another row", kind=KIND, rows=(draws.even(),))]
    for label, pool in (
        ("a row with a gap", gap_pool(draws, 9)[8:]),
        ("a row out of range", outside_pool(draws, 9)[8:]),
        ("a row at the ends", boundary_pool(draws, 9)[8:]),
    ):
        others += [Case(name=label, kind=KIND, rows=(drawn.row,)) for drawn in pool]
    others.append(Case(name="a rejected row", kind=KIND, rows=({**draws.real(), first: [1.0]},)))
    others.append(Case(name="no JSON", kind=KIND, body=b'{"dataframe_records": [{'))
    others.append(Case(name="a batch of 64", kind=KIND, rows=tuple(draws.even() for _ in range(64))))
    for base in bases:
        for other in others:
            yield replace(
                base,
                name=f"{base.name}, after {other.name}",
                why="what was asked before leaves no trace",
                invariance=Invariance.PREVIOUS,
                base=base.name,
                after=other,
            )


def _concurrent_bases(draws: Draws, odd: Sequence[Row]) -> Iterator[Case]:
    """Rows of every kind, alone and in small batches; every eighth request is one that is rejected."""
    first = draws.signature.names[0]
    for i in range(AT_ONCE):
        rows: tuple[Row, ...] = tuple(draws.real() for _ in range(1 + i % 8))
        if odd and i % 8 == 0:
            rows = (odd[i // 8 % len(odd)],)
        if i % 8 == 7:
            rows = ({**rows[0], first: [1.0]},)
        yield Case(name=f"{_CONCURRENT} {i}", kind=KIND, rows=rows, why=f"one of {AT_ONCE} requests at once")
