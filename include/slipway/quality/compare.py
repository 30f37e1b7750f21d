"""Challenger against champion on the same rows: a paired bootstrap of the difference.

Rule
----
The difference is signed so that positive is better for the challenger, whichever way the metric points. Rows are drawn
with replacement, the same for both models, 1000 times with a fixed seed: what makes a row hard makes it hard for both,
and cancels. The gate holds the **upper end** of the differences against ``-margin``:

1. FAILED when the version is worse by more than the margin with 95 % confidence (the upper end, one-sided, lies below
   ``-margin``), and worse at all with 99 % confidence. Without a margin the second condition decides: two equally good
   models are stopped in one release of a hundred. With one, a version that is worse by the whole margin is stopped in
   one of twenty, and one that is as good as never.
2. PASSED otherwise. That is no proof of being as good (a strict test of non-inferiority): on 150 rows hardly any good
   version could give it, and all would be stopped as INCONCLUSIVE. What a pass leaves open is recorded beside it:
   ``resolution``, half the width of the 95 % interval; ``detectable``, the true loss that these rows show with 80 %
   probability; and ``within_margin``, how likely the loss is within the margin. On few rows the absolute thresholds
   carry the weight.
3. INCONCLUSIVE with fewer rows than needed, or when the metric is undefined in more than one draw in ten.

Two nearly identical models leave a narrow interval, and then a loss too small to matter is still a sure one:
``champion_margin`` says which loss matters.

References: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), sections 13.3 and 16; S. Wellek, Testing
Statistical Hypotheses of Equivalence and Noninferiority, 2nd ed. (2010), for what rule 2 does not claim.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from slipway.core.spec import MetricName
from slipway.quality.metrics import Array, Weighted, weighted

RESAMPLES = 1000
SEED = 20_240_229
MAX_UNDEFINED = 0.1
SURE, POWER = 1.645, 0.84  # standard errors: one-sided 95 % confidence, and 80 % probability


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
    drawn: Array = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    @property
    def upper(self) -> float | None:
        """What is held against ``-margin`` by rule 1: not below zero unless the version is surely worse at all."""
        if self.high is None:
            return None
        upper, surest = (float(q) for q in np.quantile(self.drawn, (0.95, 0.99)))
        return upper + 0.0 if surest < 0 else max(upper, surest) + 0.0

    def within(self, margin: float) -> float | None:
        """Return the share of draws in which the version is not worse by more than ``margin``."""
        return None if self.high is None else float(np.mean(self.drawn >= -margin))

    def detectable(self, margin: float) -> float | None:
        """Return the true loss that these rows show with 80 % probability, in the metric's unit."""
        return None if self.high is None else margin + (SURE + POWER) * float(np.std(self.drawn))

    @property
    def resolution(self) -> float | None:
        """Half the width of the interval."""
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
    drawn = _drawn(lambda w: sign * (new(w) - old(w)), rows, resamples=resamples, seed=seed)
    known = len(drawn) >= max(1.0, (1 - MAX_UNDEFINED) * resamples)
    low, high = (float(q) + 0.0 for q in np.quantile(drawn, (0.025, 0.975))) if known else (None, None)
    return Comparison(
        metric=metric,
        challenger=new(ones),
        champion=old(ones),
        difference=sign * (new(ones) - old(ones)) + 0.0,
        low=low,
        high=high,
        rows=rows,
        drawn=drawn,
    )


def _drawn(difference: Weighted, rows: int, *, resamples: int, seed: int) -> Array:
    """Return the differences of all draws in which they are defined."""
    if rows == 0:
        return np.empty(0)
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for at in range(resamples):
        drawn[at] = difference(np.bincount(rng.integers(rows, size=rows), minlength=rows).astype(float))
    return drawn[np.isfinite(drawn)]
