"""What a model's windows are compared with: rows of its snapshot, or a window of days, counted once.

A reference keeps, of each column, the counts in its bins, over all rows and of each day, and the bins of a sample of
its rows: the same rows in every column, so that resampled windows have the columns' dependence.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from slipway.drift.bins import Bins, Counts, fit_bins
from slipway.drift.tables import Array, Index, Kind, Table, Values, kinds_of, strata

SAMPLE_ROWS, SHIFTED_ROWS = 50_000, 4_000
SHIFTS = tuple(0.01 * 1.25**step for step in range(26))
LOSS = "performance"
WORKERS = 2

Codes = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """One column of the reference.

    Attributes
    ----------
    name : str
    bins : Bins
    counts : array of shape (k,)
        Rows in each bin; the last one holds the missing values.
    by_day : array of shape (days, k)
        The same of each day; no rows where days are not told apart.
    sample : array of shape (r,)
        The bins of the sampled rows.
    shifted : array of shape (2, len(SHIFTS), k - 1)
        The shares of the known values, had all of them been shifted by so many standard deviations, up and down. Empty
        for names.
    """

    name: str
    bins: Bins
    counts: Counts
    by_day: Counts
    sample: Codes
    shifted: Array

    @property
    def kind(self) -> Kind:
        """How the column's values are compared."""
        return self.bins.kind

    @property
    def known(self) -> int:
        """The rows that are not missing."""
        return int(self.counts[:-1].sum())

    @property
    def missing(self) -> float:
        """The share of missing values."""
        return float(self.counts[-1] / max(self.counts.sum(), 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loss:
    """What the model's answers cost in the reference, row by row (see :mod:`slipway.drift.losses`).

    ``mean`` over all ``rows`` labelled rows; ``sample`` of shape (r,); ``day_means`` of shape (days,), NaN where a day
    has no labels.
    """

    mean: float
    rows: int
    sample: Array
    day_means: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What a model's windows are compared with.

    ``columns`` by name, the prediction's among them; ``unread`` names those that are of another kind than declared, or
    absent; ``loss`` is None where labels are not known.
    """

    columns: Mapping[str, Profile]
    rows: int
    days: int = 0
    loss: Loss | None = None
    unread: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The sha256 over all counts and samples: what a stored calibration belongs to."""
        told = hashlib.sha256(f"{self.rows} {self.days}".encode())
        for profile in self.columns.values():
            told.update(repr((profile.name, profile.bins)).encode())
            for part in (profile.counts, profile.by_day, profile.sample):
                told.update(np.ascontiguousarray(part).tobytes())
        if self.loss is not None:
            for losses in (self.loss.sample, self.loss.day_means):
                told.update(np.ascontiguousarray(losses).tobytes())
        return f"sha256:{told.hexdigest()}"


def fit_reference(
    table: Table,
    kinds: Mapping[str, Kind],
    *,
    days: NDArray[np.intp] | None = None,
    loss: Array | None = None,
    seed: int = 0,
    workers: int = WORKERS,
) -> Reference:
    """Return the reference of a table.

    Parameters
    ----------
    table : Table
    kinds : mapping of str to Kind
        The columns to watch: the model's inputs and, under the name that it has in the tables, its answer.
    days : array of shape (rows,), optional
        Each row's day, counted from 0. Days differ by more than chance: where they are told apart, thresholds allow for
        it. Without them rows are taken to be drawn independently, which holds for a shuffled snapshot.
    loss : array of shape (rows,), optional
        What each answer costs, NaN where the label is not known.
    seed : int
        Of the rows that are sampled.
    workers : int
        Columns that are read at the same time.
    """
    picked = strata(table.rows, SAMPLE_ROWS, seed)
    count = 0 if days is None or not len(days) else int(days.max()) + 1
    read = kinds_of(table, kinds)

    def fit(name: str) -> Profile | None:
        values = table.column(name, read[name])
        return None if values is None else _profile(name, values, picked, days if count else None)

    found = dict(zip(read, in_turn(fit, read, workers), strict=True))
    return Reference(
        columns={name: profile for name, profile in found.items() if profile is not None},
        rows=table.rows,
        days=count,
        loss=None if loss is None else _loss(loss, days if count else None, seed),
        unread=tuple(name for name in kinds if found.get(name) is None),
    )


def in_turn(work: Callable[[str], T], names: Iterable[str], workers: int) -> list[T]:
    """Return the results of ``work`` on each name, in order; at most ``workers`` at a time."""
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        return list(pool.map(work, names))


def _profile(name: str, values: Values, picked: Index, days: Index | None) -> Profile:
    bins = fit_bins(values, picked)
    codes = bins.encode(values)
    by_day = np.zeros((0, bins.size), dtype=np.int64)
    if days is not None:
        count = int(days.max()) + 1
        by_day = np.bincount(days * bins.size + codes, minlength=count * bins.size).reshape(count, bins.size)
    return Profile(
        name=name,
        bins=bins,
        counts=np.bincount(codes, minlength=bins.size),
        by_day=by_day,
        sample=codes[picked].astype(np.uint8),
        shifted=_shifted(bins, values[picked]) if isinstance(values, np.ndarray) else np.zeros((2, 0, bins.size - 1)),
    )


def _shifted(bins: Bins, sample: Array) -> Array:
    known = sample[np.isfinite(sample)][:: max(1, len(sample) // SHIFTED_ROWS)]
    if len(known) < 2 or np.ptp(known) == 0:
        return np.zeros((2, 0, bins.size - 1))
    steps = np.std(known) * np.array(SHIFTS)
    shares = [[bins.count(known + side * step)[:-1] / len(known) for step in steps] for side in (1, -1)]
    return np.array(shares)


def _loss(loss: Array, days: Index | None, seed: int) -> Loss | None:
    known = np.isfinite(loss)
    values = loss[known]
    if not len(values):
        return None
    means = np.zeros(0)
    if days is not None:
        count = int(days.max()) + 1
        total = np.bincount(days[known], weights=values, minlength=count)
        rows = np.bincount(days[known], minlength=count)
        means = np.divide(total, rows, out=np.full(count, math.nan), where=rows > 0)
    sample = values[strata(len(values), SAMPLE_ROWS, seed)]
    return Loss(mean=float(values.mean()), rows=len(values), sample=sample, day_means=means)
