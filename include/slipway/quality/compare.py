"""Challenger against champion on the same rows: a paired bootstrap of the difference.

Rule
----
The difference is signed so that positive is better for the challenger, whichever way the metric points. Rows are drawn
with replacement, the same for both models, 1000 times with a fixed seed; the middle 95 % of the differences are the
interval. The gate holds the **upper end** of the interval against ``-margin``:

1. FAILED when even the upper end lies below ``-margin``: the version is worse by more than the margin, with 97.5 %
   confidence.
2. PASSED otherwise. Two equally good models are stopped in about one release of forty, not in every second one, as
   a rule on the point estimate would with a margin of zero.
3. INCONCLUSIVE with fewer rows than ``min_rows``, or when the metric is undefined in more than one draw in ten.

Two nearly identical models leave a narrow interval, and then a loss too small to matter is still a sure one:
``champion_margin`` says which loss matters.

What a pass cannot see is recorded beside it: ``resolution``, the half width of the interval, is the smallest loss that
this holdout can show. On few rows it is large, and the absolute thresholds carry the weight.

Reference: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), sections 13.3 and 16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slipway.core.spec import MetricName
from slipway.quality.metrics import Array, Weighted, weighted

RESAMPLES = 1000
SEED = 20_240_229
MAX_UNDEFINED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both models' metric, their signed difference (positive: the challenger is better) and its 95 % interval."""

    metric: MetricName
    challenger: float
    champion: float
    difference: float
    low: float | None
    high: float | None
    rows: int

    @property
    def resolution(self) -> float | None:
        """Half the width of the interval: the smallest loss that these rows can show."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def compare(
    metric: MetricName,
    truth: Array,
    challenger: Array,
    champion: Array,
    *,
    positive_threshold: float = 0.5,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison:
    """Compare two models' predictions of the same rows.

    Parameters
    ----------
    truth, challenger, champion : arrays of shape (n,)
        Finite; see :mod:`slipway.quality.metrics`.

    >>> y, p = np.array([0.0, 1, 0, 1] * 10), np.array([0.2, 0.9, 0.4, 0.6] * 10)
    >>> same = compare(MetricName.LOG_LOSS, y, p, p)
    >>> same.difference, same.low, same.high
    (0.0, 0.0, 0.0)
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    new = weighted(metric, truth, challenger, positive_threshold=positive_threshold)
    old = weighted(metric, truth, champion, positive_threshold=positive_threshold)
    rows = len(truth)
    ones = np.ones(rows)
    low, high = _interval(lambda w: sign * (new(w) - old(w)), rows, resamples=resamples, seed=seed)
    return Comparison(
        metric=metric,
        challenger=new(ones),
        champion=old(ones),
        difference=sign * (new(ones) - old(ones)) + 0.0,
        low=low,
        high=high,
        rows=rows,
    )


def _interval(difference: Weighted, rows: int, *, resamples: int, seed: int) -> tuple[float | None, float | None]:
    if rows == 0:
        return None, None
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for at in range(resamples):
        drawn[at] = difference(np.bincount(rng.integers(rows, size=rows), minlength=rows).astype(float))
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < (1 - MAX_UNDEFINED) * resamples:
        return None, None
    low, high = np.quantile(defined, (0.025, 0.975))
    return float(low) + 0.0, float(high) + 0.0
