"""Metrics on declared parts of the data, and their difference between declared groups.

Rules
-----
1. A slice whose metric stands on fewer rows than its ``min_rows`` decides nothing (INCONCLUSIVE); so does an absent
   column. Recall stands on the positive rows, precision on those called positive, every other metric on all.
2. A fairness difference is the largest minus the smallest value over all groups; its n is that of the smallest group.
   A group that is too small, or on which the metric is undefined, leaves it INCONCLUSIVE: a small group is not excused.
3. Rows whose group is missing are a group of their own.
4. A fairness difference is judged as it was measured; its 95 % interval stands beside it (rows drawn with replacement
   inside each group, percentiles; of more than two groups it is one of the largest difference, which chance widens).

Reference: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), section 13.3, for rule 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import FairnessSpec, MetricName, SliceSpec
from slipway.core.verdict import Bound, Measurement
from slipway.quality.metrics import Array, counted, metric

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"
RESAMPLES = 500
SEED = 20_240_229
Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A holdout and the predictions on it; see :mod:`slipway.quality.metrics` for the arrays."""

    frame: pd.DataFrame
    truth: Array
    predicted: Array
    positive_threshold: float = 0.5

    def value(self, name: MetricName, rows: NDArray[np.bool_] | None = None) -> float:
        """Return a metric on all rows or on some; nan where it is undefined."""
        rows = np.ones(len(self.truth), dtype=bool) if rows is None else rows
        return metric(name, self.truth[rows], self.predicted[rows], positive_threshold=self.positive_threshold)

    def behind(self, name: MetricName) -> NDArray[np.bool_]:
        """Return which rows a metric stands on."""
        return counted(name, self.truth, self.predicted >= self.positive_threshold)


@dataclass(frozen=True, slots=True)
class Group:
    """One group: the rows that the fairness metric stands on there, and its value (nan if undefined)."""

    label: str
    rows: int
    value: float


def slice_measurement(scored: Scored, part: SliceSpec) -> Measurement:
    """Return the metric on one declared slice, held against the slice's own threshold."""
    rows = slice_rows(scored.frame, part)
    found = 0 if rows is None else int((rows & scored.behind(part.metric)).sum())
    return Measurement(
        name=f"slice.{part.label}.{part.metric}",
        value=None if rows is None or not found else scored.value(part.metric, rows),
        threshold=part.threshold,
        bound=Bound.MIN if part.metric.higher_is_better else Bound.MAX,
        n=found,
        n_required=part.min_rows,
        note="the holdout has no such column" if rows is None else "",
    )


def slice_rows(frame: pd.DataFrame, part: SliceSpec) -> NDArray[np.bool_] | None:
    """Return which rows belong to a slice, ``min`` included and ``max`` not; None if its column is absent."""
    if part.column not in frame.columns:
        return None
    column = frame[part.column]
    if part.equals is not None:
        return np.asarray((column == part.equals).to_numpy(dtype=bool, na_value=False))
    rows = column.notna().to_numpy()
    if part.min is not None:
        rows = rows & (column >= part.min).to_numpy(dtype=bool, na_value=False)
    if part.max is not None:
        rows = rows & (column < part.max).to_numpy(dtype=bool, na_value=False)
    return np.asarray(rows)


def fairness_measurement(scored: Scored, fairness: FairnessSpec) -> tuple[Measurement, tuple[Group, ...]]:
    """Return the largest difference between groups, held against its limit, and the groups themselves."""
    groups = tuple(
        Group(label, len(values), float(values.mean()) if len(values) else float("nan"))
        for label, values in _group_values(scored, fairness).items()
    )
    values = [g.value for g in groups]
    known = len(groups) >= 2 and bool(np.isfinite(values).all())
    interval = fairness_interval(scored, fairness)
    sizes = ", ".join(f"{g.label}: {g.value:.4g} on {g.rows} rows" for g in groups)
    measurement = Measurement(
        name=f"fairness.{fairness.column}.{fairness.metric}_difference",
        value=max(values) - min(values) if known else None,
        threshold=fairness.max_difference,
        bound=Bound.MAX,
        n=min((g.rows for g in groups), default=0),
        n_required=fairness.min_rows,
        note=(sizes or "the holdout has no such column") + _interval_said(interval),
    )
    return measurement, groups


def fairness_interval(scored: Scored, fairness: FairnessSpec, *, resamples: int = RESAMPLES) -> Interval:
    """Return the 95 % interval of the difference between groups; None where it is undefined."""
    groups = list(_group_values(scored, fairness).values())
    if len(groups) < 2 or not all(len(group) for group in groups):
        return None
    rng = np.random.default_rng(SEED)
    means = np.array([_drawn_means(group, rng, resamples) for group in groups])
    low, high = np.quantile(means.max(axis=0) - means.min(axis=0), (0.025, 0.975))
    return float(low), float(high)


def _drawn_means(group: Array, rng: np.random.Generator, resamples: int) -> Array:
    return np.array([rng.choice(group, len(group)).mean() for _ in range(resamples)])


def _interval_said(interval: Interval) -> str:
    return "" if interval is None else f"; 95 % interval [{interval[0]:.4g}, {interval[1]:.4g}]"


def group_rows(frame: pd.DataFrame, fairness: FairnessSpec) -> Mapping[str, NDArray[np.bool_]]:
    """Return each group's rows: below and from ``split_at`` on, or one group a value; empty if the column is absent."""
    if fairness.column not in frame.columns:
        return {}
    column = frame[fairness.column]
    missing = column.isna().to_numpy()
    if fairness.split_at is not None:
        low = (column < fairness.split_at).to_numpy(dtype=bool, na_value=False)
        groups = {f"< {fairness.split_at:g}": low, f"≥ {fairness.split_at:g}": ~low & ~missing}
    else:
        values = sorted(column.dropna().unique(), key=str)
        groups = {str(v): (column == v).to_numpy(dtype=bool, na_value=False) for v in values}
    if missing.any():
        groups[MISSING] = missing
    return groups


def _group_values(scored: Scored, fairness: FairnessSpec) -> Mapping[str, Array]:
    """Return for each group the values of which the fairness metric is the mean."""
    values, behind = _per_row(fairness.metric, scored)
    return {label: values[rows & behind] for label, rows in group_rows(scored.frame, fairness).items()}


def _per_row(name: str, scored: Scored) -> tuple[Array, NDArray[np.bool_]]:
    """Return a fairness metric as the mean of a value over rows, and which rows count."""
    every, positive = np.ones(len(scored.truth), dtype=bool), scored.predicted >= scored.positive_threshold
    error = scored.predicted - scored.truth
    return {
        "selection_rate": (positive.astype(float), every),
        "recall": (positive.astype(float), scored.truth == 1),
        "accuracy": ((positive == (scored.truth == 1)).astype(float), every),
        "mean_error": (error, every),
        "mae": (np.abs(error), every),
    }[name]
