"""Make a failing request smaller while it still fails in the same way.

A batch becomes one row, or the fewest rows that still fail together; then the row's columns are set back, one group
after another, to those of a row that is answered rightly. What cannot be set back is what matters; its numbers are
rounded as far as they may be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from slipway.scenarios.suite import Case, FailureKind, Form, Result, Row

T = TypeVar("T")
Probe = Callable[[Case], Result]
_ABSENT = object()
MAX_ROUNDED = 4


@dataclass(slots=True)
class Budget:
    """How many requests may still be spent on shrinking."""

    left: int

    def spend(self) -> bool:
        """Take one; tell whether there was one."""
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest failing request that was found, and the columns in which it differs from a good one."""

    result: Result
    columns: tuple[str, ...]


def shrink(result: Result, probe: Probe, *, good: Row, budget: Budget) -> Shrunk:
    """Return the smallest request that still fails as ``result`` does.

    Parameters
    ----------
    result : Result
        Of a case that failed.
    probe : callable
        Sends a case and judges it.
    good : Row
        A row that is answered rightly.
    budget : Budget
        Shared by all failures of a run; when it is spent, what was found so far is returned.
    """
    if result.failure is None or result.case.body is not None or result.failure.kind is FailureKind.VARIES:
        return Shrunk(result, result.case.columns)
    search = _Search(result, probe, result.failure.kind, budget)
    if result.case.form is not Form.RECORDS:
        search.fails(replace(result.case, form=Form.RECORDS))
    _fewest_rows(search)
    if len(search.smallest.case.rows) != 1:
        return Shrunk(search.smallest, search.smallest.case.columns)
    columns = _fewest_columns(search, good)
    _rounder_numbers(search, columns[:MAX_ROUNDED])
    return Shrunk(search.smallest, columns or result.case.columns)


@dataclass(slots=True)
class _Search:
    smallest: Result
    probe: Probe
    kind: FailureKind
    budget: Budget

    def fails(self, case: Case) -> bool:
        """Tell whether a case fails in the same way; remember it if it does."""
        if not self.budget.spend():
            return False
        result = self.probe(case)
        if result.failure is None or result.failure.kind is not self.kind:
            return False
        self.smallest = result
        return True


def minimise(items: Sequence[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """Return a small part of ``items`` for which ``fails`` still holds, by leaving out ever smaller groups.

    >>> minimise("abcdefgh", lambda part: {"b", "g"} <= set(part))
    ['b', 'g']
    """
    kept, size = list(items), len(items)
    while size >= 1:
        start = 0
        while start < len(kept):
            trial = kept[:start] + kept[start + size :]
            if fails(trial):
                kept = trial
            else:
                start += size
        size //= 2
    return kept


def _fewest_rows(search: _Search) -> None:
    case = search.smallest.case
    failure = search.smallest.failure
    if len(case.rows) < 2 or failure is None:
        return
    if search.fails(replace(case, rows=(case.rows[failure.row],))):
        return
    minimise(case.rows, lambda rows: bool(rows) and search.fails(replace(search.smallest.case, rows=tuple(rows))))


def _fewest_columns(search: _Search, good: Row) -> tuple[str, ...]:
    """Set columns back to the good row's values; return those that had to stay."""
    case = search.smallest.case
    row = case.rows[0]
    names = list(dict.fromkeys([*good, *row]))
    differ = [name for name in names if not _same(row.get(name, _ABSENT), good.get(name, _ABSENT))]

    def with_only(kept: list[str]) -> Case:
        source = {name: row if name in kept else good for name in names}
        mixed = {name: source[name][name] for name in names if name in source[name]}
        return replace(case, rows=(mixed,), columns=tuple(kept))

    return tuple(minimise(differ, lambda kept: search.fails(with_only(kept))))


def _rounder_numbers(search: _Search, columns: Sequence[str]) -> None:
    """Try each number with one digit, then two, then three."""
    for name in columns:
        value = search.smallest.case.rows[0].get(name)
        if not isinstance(value, float) or not math.isfinite(value):
            continue
        for digits in (1, 2, 3):
            rounded = float(f"{value:.{digits - 1}e}")
            row = {**search.smallest.case.rows[0], name: rounded}
            if rounded == value or search.fails(replace(search.smallest.case, rows=(row,))):
                break


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
