"""A day's figure with its 95 % interval, and what it says about a threshold.

Rules
-----
1. A figure that keeps its threshold passes, if it stands on enough samples.
2. A figure that breaks it fails only if its whole interval does. A figure that lies exactly on its threshold then fails
   on at most one day in 40; one that lies 2.8 standard errors beyond it is found on at least 8 days in 10.
3. Between the two, nothing can be told yet; ``n_required`` says about how many samples could tell it.

Intervals: normal, with the standard deviation of the metric's influence function (F. R. Hampel, JASA 69, 1974) for
losses; DeLong's for the area under the ROC curve (Biometrics 44, 1988; ranks as X. Sun, W. Xu, IEEE SPL 21, 2014);
Wilson's for shares (JASA 22, 1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import MetricName
from slipway.core.verdict import Bound, Measurement

Array = NDArray[np.float64]
Z = 1.959964
POWER_Z = 0.841621  # 8 in 10
_EPSILON = float(np.finfo(np.float64).eps)
_SHARES = (MetricName.ACCURACY, MetricName.RECALL, MetricName.PRECISION)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval and the samples behind it; nan where it is not defined."""

    value: float
    low: float
    high: float
    n: int

    @property
    def standard_error(self) -> float:
        """A fourth of the interval's width, roughly: what the interval takes chance for."""
        return (self.high - self.low) / (2 * Z)


def estimate(name: MetricName, truth: Array, predicted: Array, *, positive_threshold: float = 0.5) -> Estimate:
    """Return a metric with its interval.

    ``truth`` and ``predicted`` are finite floats of shape (n,); in a classification 0 or 1, and the probability of 1.

    >>> found = estimate(MetricName.MAE, np.zeros(100), np.tile([1.0, 3.0], 50))
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (2.0, 1.8, 2.2)
    """
    if not len(truth):
        return _undefined(0)
    if name in _SHARES:
        return _share_metric(name, truth == 1, predicted >= positive_threshold)
    if name is MetricName.ROC_AUC:
        return _auc(truth == 1, predicted)
    return _of_influence(*_influence(name, truth, predicted))


def share(hits: int, total: int) -> Estimate:
    """Return a share with Wilson's interval.

    >>> share(0, 100).value, round(share(0, 100).high, 3)
    (0.0, 0.037)
    """
    if total <= 0:
        return _undefined(0)
    p, z2 = hits / total, Z * Z
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = Z / (1 + z2 / total) * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    return Estimate(p, min(max(0.0, middle - half), p), max(min(1.0, middle + half), p), total)


def mean(values: Array) -> Estimate:
    """Return a mean with its normal interval; that of one value is without end.

    >>> found = mean(np.tile([1.0, 3.0], 50))
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (2.0, 1.8, 2.2)
    """
    return _of_influence(float(values.mean()), values - values.mean()) if len(values) else _undefined(0)


def judged(
    name: str, found: Estimate, threshold: float, bound: Bound, *, required: int, unit: str = "1"
) -> Measurement:
    """Return an estimate held against a threshold by the rules above, its interval and its power in the note."""
    return Measurement(
        name=name,
        value=found.value,
        threshold=threshold,
        bound=bound,
        unit=unit,
        n=found.n,
        n_required=max(required, _needed(found, threshold, bound)),
        note=_said(found),
    )


def _needed(found: Estimate, threshold: float, bound: Bound) -> int:
    """Return about how many samples could tell a broken threshold from a kept one; 0 if this many do."""
    upper = bound is Bound.MAX
    gap = found.value - threshold if upper else threshold - found.value
    sure = found.low > threshold if upper else found.high < threshold
    if not gap > 0 or sure:
        return 0
    half = found.value - found.low if upper else found.high - found.value
    return max(found.n + 1, math.ceil(found.n * min((half / gap) ** 2, 1e6)))


def _said(found: Estimate) -> str:
    if not math.isfinite(found.value):
        return "not defined on these rows" if found.n else "no rows"
    told = (Z + POWER_Z) * found.standard_error
    return f"95 % interval [{found.low:.4g}, {found.high:.4g}]; {told:.3g} beyond the limit is found on 8 days in 10"


def _undefined(n: int) -> Estimate:
    return Estimate(math.nan, math.nan, math.nan, n)


def _share_metric(name: MetricName, real: NDArray[np.bool_], positive: NDArray[np.bool_]) -> Estimate:
    behind = {MetricName.RECALL: real, MetricName.PRECISION: positive}.get(name, np.ones(len(real), dtype=bool))
    return share(int((real == positive)[behind].sum()), int(behind.sum()))


def _influence(name: MetricName, truth: Array, predicted: Array) -> tuple[float, Array]:
    """Return a metric and each row's influence on it."""
    error = predicted - truth
    if name is MetricName.MAE:
        return float(np.abs(error).mean()), np.abs(error) - np.abs(error).mean()
    if name is MetricName.LOG_LOSS:
        if ((predicted < 0) | (predicted > 1)).any():
            return math.nan, error  # a log loss is defined for probabilities only
        sure = np.clip(predicted, _EPSILON, 1 - _EPSILON)
        losses = -(truth * np.log(sure) + (1 - truth) * np.log(1 - sure))
        return float(losses.mean()), losses - losses.mean()
    square, spread = error**2, (truth - truth.mean()) ** 2
    mse, variance = float(square.mean()), float(spread.mean())
    if name is MetricName.RMSE:
        return math.sqrt(mse), (square - mse) / (2 * math.sqrt(mse) or 1.0)
    if variance <= 0:
        return math.nan, error
    return 1 - mse / variance, -((square - mse) / variance - mse * (spread - variance) / variance**2)


def _of_influence(value: float, influence: Array) -> Estimate:
    n = len(influence)
    if n < 2 or not math.isfinite(value):
        return Estimate(value, -math.inf, math.inf, n) if math.isfinite(value) else _undefined(n)
    half = Z * float(influence.std(ddof=1)) / math.sqrt(n)
    return Estimate(value, value - half, value + half, n)


def _auc(real: NDArray[np.bool_], predicted: Array) -> Estimate:
    positives, negatives = int(real.sum()), int((~real).sum())
    if min(positives, negatives) < 2:
        return _undefined(len(real))
    ranks = _midranks(predicted)
    above = (ranks[real] - _midranks(predicted[real])) / negatives
    below = 1 - (ranks[~real] - _midranks(predicted[~real])) / positives
    value = float(above.mean())
    half = Z * math.sqrt(float(above.var(ddof=1)) / positives + float(below.var(ddof=1)) / negatives)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), len(real))


def _midranks(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place], dtype=np.float64)
