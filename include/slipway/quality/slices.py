"""Metrics on declared parts of the data, and their difference between declared groups.

Rules
-----
1. A slice with fewer rows than its ``min_rows`` decides nothing (INCONCLUSIVE); so does an absent column.
2. A fairness difference is the largest minus the smallest value over all groups; its n is that of the smallest group.
   A group that is too small, or on which the metric is undefined, leaves it INCONCLUSIVE: a small group is not excused.
3. Rows whose group is missing are a group of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import FairnessSpec, MetricName, SliceSpec
from slipway.core.verdict import Bound, Measurement
from slipway.quality.metrics import Array, metric

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"


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


@dataclass(frozen=True, slots=True)
class Group:
    """One group's size and the value of the fairness metric on it (nan if undefined)."""

    label: str
    rows: int
    value: float


def slice_measurement(scored: Scored, part: SliceSpec) -> Measurement:
    """Return the metric on one declared slice, held against the slice's own threshold."""
    rows = slice_rows(scored.frame, part)
    found = 0 if rows is None else int(rows.sum())
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
    members = group_rows(scored.frame, fairness)
    groups = tuple(Group(k, int(r.sum()), _group_value(fairness.metric, scored, r)) for k, r in members.items())
    values = [g.value for g in groups]
    known = len(groups) >= 2 and bool(np.isfinite(values).all())
    sizes = ", ".join(f"{g.label}: {g.value:.4g} on {g.rows} rows" for g in groups)
    measurement = Measurement(
        name=f"fairness.{fairness.column}.{fairness.metric}_difference",
        value=max(values) - min(values) if known else None,
        threshold=fairness.max_difference,
        bound=Bound.MAX,
        n=min((g.rows for g in groups), default=0),
        n_required=fairness.min_rows,
        note=sizes or "the holdout has no such column",
    )
    return measurement, groups


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


def _group_value(name: str, scored: Scored, rows: NDArray[np.bool_]) -> float:
    if not rows.any():
        return float("nan")
    truth, predicted = scored.truth[rows], scored.predicted[rows]
    if name == "selection_rate":
        return float((predicted >= scored.positive_threshold).mean())
    if name == "mean_error":
        return float((predicted - truth).mean())
    return scored.value(MetricName(name), rows)
