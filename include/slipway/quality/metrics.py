"""Quality metrics, each as a function of row weights: the bootstrap asks for the same metric a thousand times.

``truth`` and ``predicted`` are finite floats of shape (n,). For a classification ``truth`` is 0 or 1 and
``predicted`` the probability of 1. A metric that is not defined on the given rows (one class only, nothing
predicted positive, constant truth) is nan, never a convenient number: what is not defined was not shown.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import MetricName

Array = NDArray[np.float64]
Weighted = Callable[[Array], float]

EPSILON = float(np.finfo(np.float64).eps)


def metric(name: MetricName, truth: Array, predicted: Array, *, positive_threshold: float = 0.5) -> float:
    """Return a metric on all rows, each counted once; nan if it is not defined.

    >>> metric(MetricName.RMSE, np.array([0.0, 0.0]), np.array([3.0, 3.0]))
    3.0
    """
    return weighted(name, truth, predicted, positive_threshold=positive_threshold)(np.ones(len(truth)))


def weighted(name: MetricName, truth: Array, predicted: Array, *, positive_threshold: float = 0.5) -> Weighted:
    """Return the metric as a function of row weights (shape (n,), non-negative); sorting is done once, here."""
    if name is MetricName.ROC_AUC:
        return _weighted_auc(truth, predicted)
    if name in (MetricName.ACCURACY, MetricName.RECALL, MetricName.PRECISION):
        return _weighted_share(name, truth, predicted >= positive_threshold)
    if name is MetricName.R2:
        return lambda w: _r2(truth, predicted, w)
    losses = _losses(name, truth, predicted)
    if name is MetricName.RMSE:
        return lambda w: float(np.sqrt(_ratio(float(losses @ w), float(w.sum()))))
    return lambda w: _ratio(float(losses @ w), float(w.sum()))


def counted(name: MetricName, truth: Array, positive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows a metric stands on: recall on the positive, precision on those called so, others on all.

    >>> counted(MetricName.RECALL, np.array([1.0, 0.0]), np.array([True, True])).tolist()
    [True, False]
    """
    if name is MetricName.RECALL:
        return np.asarray(truth == 1)
    return positive if name is MetricName.PRECISION else np.ones(len(truth), dtype=bool)


def roc_auc(truth: Array, predicted: Array) -> float:
    """Return the area under the ROC curve, ties counted half; nan with one class only.

    >>> roc_auc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    return _weighted_auc(truth, predicted)(np.ones(len(truth)))


def correlation(first: Array, second: Array) -> float:
    """Return Pearson's correlation; nan if either is constant.

    >>> correlation(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))
    1.0
    """
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1.0, 1.0))


def roc_curve(truth: Array, predicted: Array) -> list[tuple[float, float]]:
    """Return the ROC curve as (false positive rate, true positive rate), from (0, 0) to (1, 1); [] with one class."""
    positives, negatives = truth.sum(), (1 - truth).sum()
    if not positives or not negatives:
        return []
    order = np.argsort(-predicted, kind="stable")
    last_of_tie = np.append(np.diff(predicted[order]) != 0, True)
    hits = np.cumsum(truth[order])[last_of_tie] / positives
    alarms = np.cumsum(1 - truth[order])[last_of_tie] / negatives
    return [(0.0, 0.0), *((float(x), float(y)) for x, y in zip(alarms, hits, strict=True))]


def calibration(truth: Array, predicted: Array, *, bins: int = 10) -> list[tuple[float, float, int, float, float]]:
    """Return for each filled bin: its edges, rows, mean predicted probability, observed share of positives."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.digitize(predicted, edges[1:-1]), 0, bins - 1)
    rows = []
    for at in range(bins):
        here = place == at
        if here.any():
            means = float(predicted[here].mean()), float(truth[here].mean())
            rows.append((float(edges[at]), float(edges[at + 1]), int(here.sum()), *means))
    return rows


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _losses(name: MetricName, truth: Array, predicted: Array) -> Array:
    if name is MetricName.MAE:
        return np.abs(truth - predicted)
    if name is MetricName.RMSE:
        return (truth - predicted) ** 2
    if ((predicted < 0) | (predicted > 1)).any():
        return np.full(len(truth), np.nan)  # a log loss is defined for probabilities only
    sure = np.clip(predicted, EPSILON, 1 - EPSILON)
    return -(truth * np.log(sure) + (1 - truth) * np.log(1 - sure))


def _r2(truth: Array, predicted: Array, weights: Array) -> float:
    total = weights.sum()
    if total <= 0:
        return float("nan")
    mean = (weights @ truth) / total
    spread = float(weights @ (truth - mean) ** 2)
    return 1.0 - float(weights @ (truth - predicted) ** 2) / spread if spread > 0 else float("nan")


def _weighted_share(name: MetricName, truth: Array, positive: NDArray[np.bool_]) -> Weighted:
    real = truth == 1
    right = real == positive if name is MetricName.ACCURACY else real & positive
    rows = counted(name, truth, positive)
    return lambda w: _ratio(float(right @ w), float(rows @ w))


def _weighted_auc(truth: Array, predicted: Array) -> Weighted:
    order = np.argsort(predicted, kind="stable")
    real = truth[order] == 1
    starts = np.flatnonzero(np.append(True, np.diff(predicted[order]) != 0)) if len(order) else np.array([], dtype=int)

    def area(weights: Array) -> float:
        if not len(order):
            return float("nan")
        w = weights[order]
        positives = np.add.reduceat(np.where(real, w, 0.0), starts)
        negatives = np.add.reduceat(np.where(real, 0.0, w), starts)
        below = np.cumsum(negatives) - negatives
        return _ratio(float(positives @ (below + negatives / 2)), float(positives.sum() * negatives.sum()))

    return area
