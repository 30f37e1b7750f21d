"""Rows in which special values of several columns meet, composed by Hypothesis from the signature.

Each column keeps the value of a real row, or takes one of its special values: an end of its range or the nearest number
inside, zero, a category, and, where a policy lets them through, a gap or a value outside. In some rows one value
is one that must be rejected. Hypothesis never tries a combination twice, so that a small signature is covered whole.

Every choice is written as booleans. Into integers, floats and texts Hypothesis mixes constants that it finds in the
loaded modules, which would let the cases depend on what else the process has imported; booleans it leaves alone. So the
same seed gives the same cases everywhere, and nothing is kept on disk.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from slipway.core.signature import Action, Column, DType, Value
from slipway.scenarios.draws import Draws, domain
from slipway.scenarios.pools import ends, outside_values
from slipway.scenarios.suite import Case, CaseClass, Form, Row

T = TypeVar("T")
Toss = Callable[[], bool]
Change = Mapping[str, Value]
ROWS = 160
EXAMPLES_PER_ROW = 2
BASES = 8
MAX_CATEGORIES = 6


def adversarial(draws: Draws, *, seed: int, rows: int = ROWS) -> list[Case]:
    """Return up to ``rows`` different rows in which special values meet.

    What each must get follows from the policies, as it does for any row.
    """
    columns = draws.signature.inputs
    bases = [draws.real() for _ in range(BASES)]
    let = [_changes(column, let_through(column, draws)) for column in columns]
    refused = [change for column in columns for change in _changes(column, turned_away(column, draws))]

    def compose(toss: Toss) -> tuple[Row, Change]:
        base = _one_of(bases, toss)
        changes = [_one_of(offered, toss) for offered in let if offered and toss() and toss()]
        if refused and toss() and toss():
            changes.append(_one_of(refused, toss))
        return base, {name: value for change in changes for name, value in change.items()}

    composed = {
        json.dumps({**base, **special}, sort_keys=True): (base, special)
        for base, special in _examples(compose, rows * EXAMPLES_PER_ROW, seed)
    }
    forms = itertools.cycle(Form)
    chosen = itertools.islice(composed.values(), rows)
    return [_case(number, base, special, next(forms)) for number, (base, special) in enumerate(chosen)]


def let_through(column: Column, draws: Draws) -> list[Value]:
    """Return a column's special values that get an answer, by whichever policy."""
    values = [*ends(column), *domain(column)[:MAX_CATEGORIES]]
    if column.dtype.is_numeric and column.in_range(0):
        values.append(0 if column.dtype is DType.INT else 0.0)
    if column.on_out_of_range.action is not Action.REJECT:
        values += [value for _, value in outside_values(column, draws)]
    return values if column.on_missing.action is Action.REJECT else [*values, None]


def turned_away(column: Column, draws: Draws) -> list[Value]:
    """Return a column's special values of the right type that must be rejected."""
    values: list[Value] = []
    if column.on_out_of_range.action is Action.REJECT:
        values += [value for _, value in outside_values(column, draws)]
    return [*values, None] if column.on_missing.action is Action.REJECT else values


def _changes(column: Column, values: Sequence[Value]) -> list[Change]:
    return [{column.name: value} for value in values]


def _case(number: int, base: Row, special: Change, form: Form) -> Case:
    return Case(
        name=f"special values {number}",
        kind=CaseClass.ADVERSARIAL,
        rows=({**base, **special},),
        form=form,
        columns=tuple(special),
        why=f"{len(special)} special values in one row",
    )


def _one_of(options: Sequence[T], toss: Toss) -> T:
    """Return one of the options, the first where every toss says no."""
    bits = [toss() for _ in range((len(options) - 1).bit_length())]
    return options[sum(bit << at for at, bit in enumerate(bits)) % len(options)]


def _examples(compose: Callable[[Toss], T], n: int, number: int) -> list[T]:
    """Return what ``compose`` makes of up to ``n`` different series of tosses; the same ``number``, the same ones."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    found: list[T] = []

    coin = st.booleans()

    @st.composite
    def examples(draw: Any) -> T:
        return compose(lambda: bool(draw(coin)))

    @seed(number)
    @settings(
        max_examples=n,
        phases=(Phase.generate,),
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples())
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found
