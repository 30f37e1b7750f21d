"""How far a day's answers differ between declared groups, held against the declared limit.

Rules
-----
1. The difference is that of the largest group value and the smallest, over all groups; its n is that of the smallest
   group. Rows whose group is missing are a group of their own. With more than two groups the largest difference is
   also the one that chance widened most: its interval is that of these two groups alone.
2. It is judged as every estimate, by its whole interval; a group that is too small leaves it undecided.

Interval: the two groups' intervals, combined by squares (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import FairnessSpec
from slipway.core.verdict import Bound, Measurement
from slipway.monitoring.estimates import Array, Estimate, judged, mean, share

if TYPE_CHECKING:
    import pandas as pd

_SHARES = ("selection_rate", "recall", "accuracy")


def fairness_measurement(
    frame: pd.DataFrame, truth: Array, predicted: Array, part: FairnessSpec, *, positive_threshold: float
) -> Measurement:
    """Return the largest difference between the groups of labelled rows; see :mod:`slipway.monitoring.performance`."""
    values, behind = _per_row(part.metric, truth, predicted, positive_threshold)
    groups = [_group(part.metric, values[rows & behind]) for rows in group_rows(frame, part)]
    name = f"performance.fairness.{part.column}.{part.metric}"
    return judged(name, difference(groups), part.max_difference, Bound.MAX, required=part.min_rows)


def difference(groups: list[Estimate]) -> Estimate:
    """Return the largest value minus the smallest, n that of the smallest group; undefined for fewer than two groups.

    >>> found = difference([share(50, 100), share(30, 100)])
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2), found.n
    (0.2, 0.06, 0.33, 100)
    """
    fewest = min((group.n for group in groups), default=0)
    if len(groups) < 2 or not all(math.isfinite(group.value) for group in groups):
        return Estimate(math.nan, math.nan, math.nan, fewest)
    high, low = max(groups, key=lambda g: g.value), min(groups, key=lambda g: g.value)
    value = high.value - low.value
    down = math.hypot(high.value - high.low, low.high - low.value)
    up = math.hypot(high.high - high.value, low.value - low.low)
    return Estimate(value, value - down, value + up, fewest)


def group_rows(frame: pd.DataFrame, part: FairnessSpec) -> Iterator[NDArray[np.bool_]]:
    """Yield each group's rows: below ``split_at`` and from it on, or one group a value; none without the column."""
    if part.column not in frame.columns:
        return
    column = frame[part.column]
    missing = column.isna().to_numpy()
    if part.split_at is not None:
        below = (column < part.split_at).to_numpy(dtype=bool, na_value=False)
        yield from (rows for rows in (below, ~below & ~missing) if rows.any())
    else:
        for value in sorted(column.dropna().unique(), key=str):
            yield (column == value).to_numpy(dtype=bool, na_value=False)
    if missing.any():
        yield missing


def _group(metric: str, values: Array) -> Estimate:
    return share(int(values.sum()), len(values)) if metric in _SHARES else mean(values)


def _per_row(metric: str, truth: Array, predicted: Array, threshold: float) -> tuple[Array, NDArray[np.bool_]]:
    """Return a fairness metric as the mean of a value over rows, and which rows count."""
    every, positive, error = np.ones(len(truth), dtype=bool), predicted >= threshold, predicted - truth
    return {
        "selection_rate": (positive.astype(float), every),
        "recall": (positive.astype(float), truth == 1),
        "accuracy": ((positive == (truth == 1)).astype(float), every),
        "mean_error": (error, every),
        "mae": (np.abs(error), every),
    }[metric]
