"""How good a day's answers were, once its labels are there: joined late, by row id.

Rules
-----
1. A day is judged by the labels that are there, by :mod:`slipway.monitoring.estimates`; with too few of them nothing
   can be told. It is judged again as more arrive, and the newer judgement replaces the older.
2. A label that comes twice counts as it came last; a label whose row was never scored, and a row without a finite
   answer, count as nothing, and both are told.
3. Labels that have not come for longer than ``after_days`` days are a note: performance is not watched without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import MetricName, ModelSpec, SliceSpec
from slipway.core.verdict import Bound, Measurement
from slipway.errors import EvidenceError
from slipway.monitoring.estimates import Array, estimate, judged
from slipway.monitoring.fairness import fairness_measurement
from slipway.monitoring.values import CheckResult, Severity

if TYPE_CHECKING:
    import pandas as pd

CHECK, LABELS_CHECK = "performance", "labels"
MIN_BEHIND = 30
_ON_SOME_ROWS = (MetricName.RECALL, MetricName.PRECISION)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """Answers and labels of the same rows.

    Attributes
    ----------
    frame : DataFrame
        The labelled rows, with whatever columns the predictions had.
    truth, predicted : float arrays of shape (rows of ``frame``,)
    answered : int
        Rows that were scored, labelled or not.
    unusable : int
        Labelled rows whose answer is no finite number.
    strangers : int
        Labels whose row was not scored.
    """

    frame: pd.DataFrame
    truth: Array
    predicted: Array
    answered: int
    unusable: int = 0
    strangers: int = 0


def join_labels(
    predictions: pd.DataFrame, labels: pd.DataFrame, *, answer: str, label: str, row_id: str = "row_id"
) -> Joined:
    """Join answers and labels by row id.

    Parameters
    ----------
    predictions : DataFrame
        ``row_id``, the column ``answer``, and the inputs that slices are cut by.
    labels : DataFrame
        ``row_id`` and the column ``label``, in the order in which they came; a missing label has not come.

    Raises
    ------
    EvidenceError
        If a column is missing.
    """
    wanted = {"predictions": (predictions, (row_id, answer)), "labels": (labels, (row_id, label))}
    for name, (frame, columns) in wanted.items():
        absent = [column for column in columns if column not in frame.columns]
        if absent:
            raise EvidenceError(f"the {name} have no column {', '.join(absent)}", remedy="name the columns as they are")
    known = labels.loc[labels[label].notna(), [row_id, label]].drop_duplicates(row_id, keep="last")
    scored = predictions.drop_duplicates(row_id, keep="last")
    joined = scored.drop(columns=[label], errors="ignore").merge(known, on=row_id, how="inner")
    predicted = joined[answer].to_numpy(dtype=np.float64, na_value=np.nan)
    usable = np.isfinite(predicted)
    return Joined(
        frame=joined[usable].reset_index(drop=True),
        truth=joined[label].to_numpy(dtype=np.float64)[usable],
        predicted=predicted[usable],
        answered=len(scored),
        unusable=int((~usable).sum()),
        strangers=len(known) - len(joined),
    )


def performance_result(
    spec: ModelSpec, joined: Joined, *, version: int, day: date, min_labels: int | None = None, report: str = ""
) -> CheckResult:
    """Return a day's quality metrics: overall, on declared slices, between declared groups, each with its threshold.

    ``min_labels`` defaults to ``spec.quality.min_rows``; recall and precision stand on some of the rows and need
    ``MIN_BEHIND`` of those.
    """
    required = spec.quality.min_rows if min_labels is None else min_labels
    overall = [_overall(spec, joined, name, limit, required) for name, limit in _thresholds(spec)]
    return CheckResult(
        model=spec.name,
        version=version,
        day=day,
        check=CHECK,
        measurements=(*overall, *_slices(spec, joined), *_fairness(spec, joined), *_counts(joined)),
        report=report,
    )


def labels_result(
    arrived: Mapping[date, tuple[int, int]], *, model: str, version: int, today: date, after_days: int
) -> CheckResult:
    """Return for how long labels have not come, held against ``after_days``.

    ``arrived`` tells for each day how many rows were scored and how many of them have a label.
    """
    scored = sorted(day for day, (rows, _) in arrived.items() if rows and day <= today)
    labelled = [day for day in scored if arrived[day][1]]
    waited = (today - (labelled[-1] if labelled else scored[0])).days if scored else None
    newest = f"the newest labelled day is {labelled[-1]}" if labelled else "no day has a label"
    measurement = Measurement(
        name="labels.days_waited",
        value=waited,
        threshold=after_days,
        bound=Bound.MAX,
        unit="days",
        n=len(scored),
        note=newest if scored else "nothing was scored",
    )
    return CheckResult(
        model=model,
        version=version,
        day=today,
        check=LABELS_CHECK,
        measurements=(measurement,),
        certain=True,
        at_most=Severity.NOTE,
    )


def _thresholds(spec: ModelSpec) -> list[tuple[MetricName, float]]:
    return [(metric.name, metric.threshold) for metric in spec.quality.metrics]


def _overall(spec: ModelSpec, joined: Joined, name: MetricName, limit: float, required: int) -> Measurement:
    found = estimate(name, joined.truth, joined.predicted, positive_threshold=spec.quality.positive_threshold)
    needed = min(required, MIN_BEHIND) if name in _ON_SOME_ROWS else required
    return judged(f"{CHECK}.{name}", found, limit, _side(name), required=needed)


def _slices(spec: ModelSpec, joined: Joined) -> Iterator[Measurement]:
    for part in spec.quality.slices:
        rows = slice_rows(joined.frame, part)
        found = estimate(
            part.metric, joined.truth[rows], joined.predicted[rows], positive_threshold=spec.quality.positive_threshold
        )
        name = f"{CHECK}.{part.label}.{part.metric}"
        yield judged(name, found, part.threshold, _side(part.metric), required=part.min_rows)


def _fairness(spec: ModelSpec, joined: Joined) -> Iterator[Measurement]:
    positive = spec.quality.positive_threshold
    for part in spec.quality.fairness:
        yield fairness_measurement(joined.frame, joined.truth, joined.predicted, part, positive_threshold=positive)


def slice_rows(frame: pd.DataFrame, part: SliceSpec) -> NDArray[np.bool_]:
    """Return which rows belong to a slice, ``min`` included and ``max`` not; none where its column is absent."""
    if part.column not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    column = frame[part.column]
    rows = column.notna()
    if part.equals is not None:
        rows &= column == part.equals
    if part.min is not None:
        rows &= column >= part.min
    if part.max is not None:
        rows &= column < part.max
    return rows.to_numpy(dtype=bool, na_value=False)


def _counts(joined: Joined) -> Iterator[Measurement]:
    share = len(joined.truth) / joined.answered if joined.answered else None
    told = f"{joined.unusable} labelled rows have no finite answer; {joined.strangers} labels are of rows never scored"
    yield Measurement(name=f"{CHECK}.labelled_share", value=share, n=joined.answered, note=told)


def _side(name: MetricName) -> Bound:
    return Bound.MIN if name.higher_is_better else Bound.MAX
