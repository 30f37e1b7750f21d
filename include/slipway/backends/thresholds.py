"""Rows on both sides of every split of the trees, as near to it as doubles allow.

For each split a row of the snapshot is taken that reaches it, and the one column that its feature comes from is moved
to the two neighbouring doubles between which the trained model's own preparation and comparison change branch. They
are found by bisection, whatever the preparation does, as long as it rises or falls with the column. Around them come
one more double and one more single-precision number on each side: what rounds thresholds, or skips a rounding, shows
there. Where the model is handed missing values, each split gets a row that lacks its value; where the column holds
words, one for each of some words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.backends.doubles import between
from slipway.backends.ensemble import Ensemble, Ints, Tree
from slipway.backends.rows import Table, range_of, size, stacked, taken
from slipway.core.signature import Action, Column, DType, Signature

Features = Callable[[Table], NDArray[np.float64]]
VARIANTS = 6
_ROWS_A_SPLIT = VARIANTS + 1
_PROBED_ROWS = 8
_STEPS = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many splits there are, how many got rows, and why the others did not."""

    splits: int
    placed: int = 0
    never_reached: int = 0
    of_no_column: int = 0
    outside_range: int = 0
    beyond_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Splits:
    """Splits: the row that reaches each, its feature, its threshold, and the column that it comes from."""

    row: Ints
    feature: Ints
    threshold: NDArray[np.float64]
    column: Ints

    def taken(self, which: Any) -> _Splits:
        return _Splits(
            row=self.row[which],
            feature=self.feature[which],
            threshold=self.threshold[which],
            column=self.column[which],
        )


def threshold_rows(
    ensemble: Ensemble, features: Features, base: Table, signature: Signature, *, limit: int
) -> tuple[Table | None, Coverage]:
    """Return the rows, at most ``limit``, and what they cover; None if no split got any.

    Parameters
    ----------
    ensemble : Ensemble
    features : callable
        Returns, for a table, the matrix that the trees see.
    base : table
        Rows to start from, admitted by the signature.
    signature : Signature
    limit : int
    """
    matrix = features(base)
    found = [_reached(ensemble, tree, matrix) for tree in ensemble.trees]
    row, feature, threshold = (np.concatenate(column) for column in zip(*found, strict=True))
    drives = _drivers(features, base, signature)
    column = drives[feature]
    reached, driven = row >= 0, column >= 0
    splits = _Splits(row=row, feature=feature, threshold=threshold, column=column).taken(reached & driven)
    total = len(splits.row)
    if total > limit // _ROWS_A_SPLIT:
        splits = splits.taken(np.linspace(0, total - 1, limit // _ROWS_A_SPLIT).astype(np.int64))
    table, placed = _placed(ensemble, features, base, signature, splits)
    coverage = Coverage(
        splits=len(row),
        placed=placed,
        never_reached=int((~reached).sum()),
        of_no_column=int((reached & ~driven).sum()),
        outside_range=len(splits.row) - placed,
        beyond_limit=total - len(splits.row),
    )
    return table, coverage


def _reached(ensemble: Ensemble, tree: Tree, matrix: NDArray[np.float64]) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Return, for each split of a tree, a row that reaches it (-1: none does), its feature and its threshold."""
    found = np.full(len(tree.left), -1)
    rows, place = np.arange(len(matrix)), np.zeros(len(matrix), np.int64)
    while len(rows):
        inner = tree.left[place] >= 0
        rows, place = rows[inner], place[inner]
        found[place] = rows
        values = matrix[rows, tree.feature[place]]
        left = np.where(np.isnan(values), tree.missing_left[place], ensemble.goes_left(values, tree.threshold[place]))
        place = np.where(left, tree.left[place], tree.right[place])
    inner = tree.left >= 0
    return found[inner], tree.feature[inner], tree.threshold[inner]


def _drivers(features: Features, base: Table, signature: Signature) -> Ints:
    """Return, for each feature, the position of the input that moves it most; -1 if none does."""
    few = taken(base, np.arange(min(_PROBED_ROWS, size(base))))
    before = features(few)
    effects = []
    for column in signature.inputs:
        tried = [few | {column.name: _all(few, column.name, value)} for value in _apart(column, base[column.name])]
        moved = [_change(before, features(table)).max(axis=0) for table in tried]
        effects.append(np.max(moved, axis=0) if moved else np.zeros(before.shape[1]))
    effect = np.stack(effects)
    return np.where(effect.max(axis=0) > 0, effect.argmax(axis=0), -1)


def _apart(column: Column, seen: NDArray[Any]) -> list[Any]:
    """Return values of a column that lie apart: its ends, or some of its words."""
    if column.dtype.is_numeric:
        values = seen[np.isfinite(seen)]
        return [float(values.min()), float(values.max())] if len(values) else [0.0, 1.0]
    if column.dtype is DType.BOOL:
        return [0.0, 1.0]
    return sorted({value for value in seen if value is not None} | set(column.categories))[:VARIANTS]


def _all(table: Table, name: str, value: Any) -> NDArray[Any]:
    return np.full(size(table), value, dtype=table[name].dtype)


def _change(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each feature moved; infinitely, if it was missing on one side only."""
    gone = np.isnan(before) & np.isnan(after)
    return np.where(gone, 0.0, np.nan_to_num(np.abs(after - before), nan=np.inf))


def _placed(
    ensemble: Ensemble, features: Features, base: Table, signature: Signature, splits: _Splits
) -> tuple[Table | None, int]:
    tables: list[Table] = []
    placed = 0
    numeric = np.array([column.dtype.is_numeric for column in signature.inputs], dtype=np.bool_)
    for mine, place in (
        (splits.taken(numeric[splits.column]), _place_numbers),
        (splits.taken(~numeric[splits.column]), _place_words),
    ):
        if not len(mine.row):
            continue
        start = taken(base, mine.row)

        def goes_left(table: Table, mine: _Splits = mine) -> Any:
            seen = features(table)[np.arange(len(mine.row)), mine.feature]
            return ensemble.goes_left(seen, mine.threshold)

        found, count = place(goes_left, start, mine, base, signature)
        tables += found
        placed += count
    return (stacked(tables) if placed else None), placed


def _place_numbers(
    goes_left: Callable[[Table], Any], start: Table, splits: _Splits, base: Table, signature: Signature
) -> tuple[list[Table], int]:
    """Return rows around each split that its column's range crosses, and how many splits have rows.

    All splits are bisected together: what prepares the features takes about as long for one row as for many.
    """
    inputs = list(enumerate(signature.inputs))
    ends = np.array([_ends(c, base[c.name]) if c.dtype.is_numeric else (0.0, 0.0) for _, c in inputs])[splits.column]
    whole = np.array([c.dtype is DType.INT for _, c in inputs])[splits.column]

    def moved(values: NDArray[np.float64]) -> Table:
        return {c.name: _where(splits.column == k, values, start[c.name]) for k, c in inputs}

    low, high, crossed = _bisect(lambda values: goes_left(moved(values)), ends, whole)
    tables = [taken(moved(values), crossed) for values in _around(low, high, ends, whole)]
    flagged = np.array([c.on_missing.action is Action.FLAG for _, c in inputs])[splits.column]
    if flagged.any():  # also for splits that only part the missing from the others
        tables.append(taken(moved(np.full(len(low), np.nan)), flagged))
    return tables, int((crossed | flagged).sum())


def _place_words(
    goes_left: Callable[[Table], Any], start: Table, splits: _Splits, base: Table, signature: Signature
) -> tuple[list[Table], int]:
    """Return a row with each word for each split that words fall on both sides of, and how many splits have rows."""
    tables: list[Table] = []
    placed = np.zeros(len(splits.row), dtype=np.bool_)
    for position, column in enumerate(signature.inputs):
        mine = splits.column == position
        words = _apart(column, base[column.name]) if mine.any() else []
        moved = [start | {column.name: _all(start, column.name, word)} for word in words]
        if moved:
            sides = np.stack([goes_left(table) for table in moved])
            crossed = mine & sides.any(axis=0) & ~sides.all(axis=0)
            tables += [taken(table, crossed) for table in moved]
            placed |= crossed
    return tables, int(placed.sum())


def _where(chosen: NDArray[np.bool_], values: NDArray[np.float64], others: NDArray[Any]) -> NDArray[Any]:
    return np.where(chosen, values, others) if chosen.any() else others


def _ends(column: Column, seen: NDArray[Any]) -> tuple[float, float]:
    low, high = range_of(column)
    values = seen[np.isfinite(seen)]
    if not len(values):
        return low, high
    spread = float(values.max() - values.min()) or 1.0
    return (
        low if column.min is not None else float(values.min()) - spread,
        high if column.max is not None else float(values.max()) + spread,
    )


def _bisect(
    goes_left: Callable[[NDArray[np.float64]], Any], ends: NDArray[np.float64], whole: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return neighbouring values on both sides of each split, and where the branch changes in the range at all."""
    low, high = ends.T.copy()
    at_low = goes_left(low)
    crossed = at_low != goes_left(high)
    for _ in range(_STEPS):
        middle = np.where(whole, np.floor((low + high) / 2), between(low, high))
        done = ~crossed | (middle <= low) | (middle >= high)
        if done.all():
            break
        same = goes_left(middle) == at_low
        low, high = np.where(same & ~done, middle, low), np.where(~same & ~done, middle, high)
    return low, high, crossed


def _around(
    low: NDArray[np.float64], high: NDArray[np.float64], ends: NDArray[np.float64], whole: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    single_below = np.nextafter(low.astype(np.float32), np.float32(-np.inf)).astype(np.float64)
    single_above = np.nextafter(high.astype(np.float32), np.float32(np.inf)).astype(np.float64)
    beyond = [
        (np.nextafter(low, -np.inf), low - 1),
        (np.nextafter(high, np.inf), high + 1),
        (single_below, low - 2),
        (single_above, high + 2),
    ]
    return [low, high, *(np.clip(np.where(whole, step, value), *ends.T) for value, step in beyond)]
