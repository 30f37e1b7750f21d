"""Fold into the thresholds all that happens to a value before it is compared: one comparison of doubles is left.

A strict comparison, a rounding to single precision, a scaler: each is a function of one column that never falls. So a
value is sent left exactly if it is at most the largest double that is, and that double is found by bisection over the
doubles themselves, asking the library's own comparison and the model's own fitted steps. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.backends.doubles import MOST, from_order, last_where, order
from slipway.backends.ensemble import CannotCompile, Ensemble, Floats, Ints
from slipway.backends.rows import Table, size, taken

Features = Callable[[Table], Floats]
_PROBES = 1024  # on either side of zero


def fold_comparison(ensemble: Ensemble) -> Ensemble:
    """Return an ensemble that sends every double where this one does, and compares with ``<=`` in doubles only.

    A threshold that no value stays below becomes NaN. What it says of missing and infinite values no longer holds.
    """
    thresholds = _of_nodes(ensemble, "threshold")
    unique, place = np.unique(thresholds, return_inverse=True)
    folded = last_where(lambda values: ensemble.goes_left(values, unique), len(unique), furthest=np.inf)[place]
    return _rebuilt(ensemble, threshold=folded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Which values the library takes, of each column: from ``lowest`` to ``highest``, and whether none will do."""

    lowest: Floats
    highest: Floats
    refuses_missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Trees over columns as they are sent.

    Attributes
    ----------
    ensemble : Ensemble
        Its features are positions in: ``numbers``, then the features of the words.
    numbers : tuple of str
    words : mapping of str to tuple of int
        For each column of words, the features of the steps that come from it.
    limits : Limits or None
        None: every row is taken.
    """

    ensemble: Ensemble
    numbers: tuple[str, ...]
    words: Mapping[str, tuple[int, ...]]
    limits: Limits | None


def fold(
    ensemble: Ensemble,
    features: Features,
    base: Table,
    origins: tuple[str, ...],
    *,
    guarded: bool,
    texts: tuple[str, ...],
) -> Folded:
    """Fold a model's steps into its trees.

    Parameters
    ----------
    ensemble : Ensemble
    features : callable
        Returns, for a table, the matrix that the trees see.
    base : table
        Rows to fill the other columns with.
    origins : tuple of str
        For each feature, the column that it comes from.
    guarded : bool
        Whether rows that the library refuses can occur.
    texts : tuple of str
        The columns of words; their features are left as they are.

    Raises
    ------
    CannotCompile
        If a feature depends on another column, or falls where its column rises, or a step refuses a number.
    """
    with np.errstate(all="ignore"):
        try:
            return _Folding(ensemble, features, base, origins, texts).done(guarded=guarded)
        except ValueError as error:
            raise CannotCompile(f"its steps refuse numbers: {error}") from error


class _Folding:
    """Asks the steps about many values of many columns at once."""

    def __init__(
        self, ensemble: Ensemble, features: Features, base: Table, origins: tuple[str, ...], texts: tuple[str, ...]
    ) -> None:
        self._ensemble, self._features, self._base, self._texts = ensemble, features, base, texts
        self._numbers = tuple(name for name in base if name not in texts)
        self._words = {name: tuple(k for k, origin in enumerate(origins) if origin == name) for name in texts}
        self._of_number = np.array([name in self._numbers for name in origins], dtype=np.bool_)
        after = [feature for features in self._words.values() for feature in features]
        self._column = np.array(
            [
                self._numbers.index(name) if name in self._numbers else len(self._numbers) + after.index(k)
                for k, name in enumerate(origins)
            ],
            dtype=np.int64,
        )

    def done(self, *, guarded: bool) -> Folded:
        self._must_rise()
        put = self._of_missing()
        feature, threshold = (_of_nodes(self._ensemble, name) for name in ("feature", "threshold"))
        pairs, place = np.unique(np.stack([feature.astype(np.float64), threshold]), axis=1, return_inverse=True)
        of, at = pairs[0].astype(np.int64), pairs[1]
        goes_left = self._ensemble.goes_left
        folded = np.where(
            self._of_number[of],
            self._last(of, lambda values: goes_left(values, at)),
            last_where(lambda values: goes_left(values, at), len(at), furthest=np.inf),
        )[place.reshape(-1)]
        missing = _of_nodes(self._ensemble, "missing_left").astype(np.bool_)
        missing = np.where(np.isnan(put[feature]), missing, goes_left(put[feature], threshold))
        made = _rebuilt(self._ensemble, threshold=folded, missing_left=missing, feature=self._column[feature])
        limits = self._limits(put) if guarded and self._ensemble.refuses_infinite else None
        return Folded(ensemble=made, numbers=self._numbers, words=self._words, limits=limits)

    def _last(self, of: Ints, holds: Callable[[Floats], NDArray[np.bool_]]) -> Floats:
        """Return the largest value of each feature's column for which something holds of the feature."""
        column = self._column[of]
        slot = _slots(column)
        rows = int(slot.max(initial=0)) + 1

        def held(values: Floats) -> NDArray[np.bool_]:
            table = self._filled(rows)
            for k, name in enumerate(self._numbers):
                mine = column == k
                table[name][slot[mine]] = values[mine]
            return holds(self._features(table)[slot, of])

        return last_where(held, len(of))

    def _filled(self, rows: int) -> Table:
        return taken(self._base, np.zeros(rows, dtype=np.int64))

    def _of_missing(self) -> Floats:
        """Return each feature of a row of which every number is missing; NaN also for features of words."""
        table = self._filled(1) | {name: np.array([np.nan]) for name in self._numbers}
        return np.where(self._of_number, self._features(table)[0], np.nan)

    def _must_rise(self) -> None:
        """Look at each column's features over all magnitudes, beside others of the other columns."""
        count = size(self._base)
        spread = from_order(np.arange(-_PROBES, _PROBES + 1) * (order(np.array([MOST])) // _PROBES))
        probes = {}
        for name in self._numbers:
            seen = self._base[name][np.isfinite(self._base[name])]
            near = [seen, np.nextafter(seen, np.inf), seen * 2, -seen] if len(seen) else [np.zeros(4)]
            probes[name] = np.sort(np.concatenate([spread, np.resize(np.concatenate(near), 4 * count)]))
        rows = len(spread) + 4 * count
        straight = self._features(self._filled(rows) | probes)
        for name in self._numbers:
            mine = np.flatnonzero(self._of_number & (self._column == self._numbers.index(name)))
            turned = {other: probes[other] if other == name else probes[other][::-1] for other in probes}
            words = {text: np.resize(self._base[text][::-1], rows) for text in self._texts}
            seen = self._features(self._filled(rows) | turned | words)[:, mine]
            if not np.array_equal(seen, straight[:, mine], equal_nan=True):
                raise CannotCompile(f"a feature comes from {name} and another column")
            if np.isnan(seen).any() or (seen[1:] < seen[:-1]).any():
                raise CannotCompile(f"a feature does not rise with {name}")

    def _limits(self, put: Floats) -> Limits:
        width = len(self._numbers) + sum(map(len, self._words.values()))
        lowest, highest = np.full(width, -np.inf), np.full(width, np.inf)
        refuses = np.zeros(width, dtype=np.bool_)
        features = np.flatnonzero(self._of_number)
        column = self._column[features]
        finite = self._last(features, lambda values: self._rounded(values) < np.inf)
        infinite = self._last(features, lambda values: self._rounded(values) == -np.inf)
        np.minimum.at(highest, column, finite)
        np.maximum.at(lowest, column, np.where(np.isnan(infinite), -MOST, np.nextafter(infinite, np.inf)))
        if self._ensemble.refuses_missing:
            np.logical_or.at(refuses, column, np.isnan(put[features]))
        return Limits(lowest=lowest, highest=highest, refuses_missing=refuses)

    def _rounded(self, values: Floats) -> Floats:
        return values.astype(np.float32).astype(np.float64) if self._ensemble.single_inputs else values


def _slots(column: Ints) -> Ints:
    """Count the splits of each column.

    >>> _slots(np.array([3, 1, 3, 3])).tolist()
    [0, 0, 1, 2]
    """
    ranks = np.empty(len(column), dtype=np.int64)
    ordered = np.argsort(column, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(column[ordered]) != 0]) if len(column) else np.zeros(0, np.int64)
    lengths = np.diff(np.r_[starts, len(column)])
    ranks[ordered] = np.arange(len(column)) - np.repeat(starts, lengths)
    return ranks


def _of_nodes(ensemble: Ensemble, name: str) -> NDArray[Any]:
    """Return something of all nodes of all trees; 0 for leaves, where it means nothing."""
    return np.concatenate([np.where(tree.left >= 0, getattr(tree, name), 0) for tree in ensemble.trees])


def _rebuilt(ensemble: Ensemble, **columns: NDArray[Any]) -> Ensemble:
    ends = np.cumsum([len(tree.left) for tree in ensemble.trees])[:-1]
    parts = {name: np.split(values, ends) for name, values in columns.items()}
    changes: list[dict[str, Any]] = [{name: pieces[k] for name, pieces in parts.items()} for k in range(len(ends) + 1)]
    trees = tuple(replace(tree, **change) for tree, change in zip(ensemble.trees, changes, strict=True))
    return replace(ensemble, trees=trees, single_inputs=False, strict=False)
