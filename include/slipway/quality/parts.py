"""The parts of a table that one condition, or two, cut out of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.quality.metrics import Array

if TYPE_CHECKING:
    import pandas as pd

ALONE_AT, TOGETHER_AT = (0.2, 0.4, 0.6, 0.8), (1 / 3, 0.5, 2 / 3)
MOST_CATEGORIES, MOST_PAIRED = 12, 200
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """A part: the column or columns that it goes by, in words, and which rows it has."""

    columns: tuple[str, ...]
    label: str
    rows: Mask


def parts_of(frame: pd.DataFrame, columns: Sequence[str], *, support: int, weight: Array) -> Iterator[Part]:
    """Yield every part of at least ``support`` rows, and of at most all but ``support``; the same rows only once.

    Parameters
    ----------
    weight : array of shape (n,)
        Where there are more than ``MOST_PAIRED`` conditions, those are combined on whose rows it lies farthest from 0.
    """
    known: set[bytes] = set()
    single = [p for name in columns if name in frame for p in _cut(frame[name], ALONE_AT)]
    double = [p for name in columns if name in frame for p in _cut(frame[name], TOGETHER_AT) if p.rows.any()]
    if len(double) > MOST_PAIRED:
        double = sorted(double, key=lambda p: -abs(weight[p.rows].sum()) / np.sqrt(p.rows.sum()))[:MOST_PAIRED]
    pairs = (
        Part((*a.columns, *b.columns), f"{a.label} and {b.label}", a.rows & b.rows)
        for a, b in itertools.combinations(double, 2)
        if a.columns != b.columns
    )
    for part in itertools.chain(single, pairs):
        size = int(np.count_nonzero(part.rows))
        if support <= size <= len(frame) - support and (key := part.rows.tobytes()) not in known:
            known.add(key)
            yield part


def _cut(column: pd.Series, at: Sequence[float]) -> Iterator[Part]:
    name, missing = (str(column.name),), column.isna().to_numpy()
    if missing.any():
        yield Part(name, f"{name[0]} missing", missing)
    if column.dtype.kind in "iuf":
        values = column.to_numpy(dtype=float, na_value=np.nan)
        known = values[np.isfinite(values)]
        for edge in np.unique(np.quantile(known, at)) if len(known) else ():
            edge = float(f"{edge:.3g}")  # a person has to read it
            yield Part(name, f"{name[0]} < {edge:.6g}", values < edge)
            yield Part(name, f"{name[0]} ≥ {edge:.6g}", values >= edge)
        return
    for value in column.value_counts().index[:MOST_CATEGORIES]:
        yield Part(name, f"{name[0]} = {value}", np.asarray((column == value).to_numpy(dtype=bool, na_value=False)))
