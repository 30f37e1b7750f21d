"""Does an input tell more of the label than the same input did in the champion's data?

A column that was always strong is a good column. One that is suddenly far stronger holds what will not be known when
the model is asked: the label itself, with noise or without.

Rules
-----
1. A column's strength, in [0, 1], is how well it alone orders the labels. For a regression that is the absolute rank
   correlation; for a classification |2 AUC - 1|. Each is taken of the column itself, and of the label as it is guessed
   from the column's value by the other folds (five; means of bins of equal counts, or of categories), so that a
   relation that rises and falls is seen; the larger counts.
2. Strengths are compared on Fisher's scale, where a step means the same in the middle and near 1. The gain is judged
   by its lower end, at 99 % confidence over all columns and both files (Bonferroni).
3. A column leaks when its strength is at least ``STRONG`` and the lower end of its gain is past ``MAX_GAIN``, a
   medium to large difference on that scale.

References: J. A. Hanley, B. J. McNeil, The meaning and use of the area under a ROC curve, Radiology 143 (1982), for the
error of an AUC; D. G. Bonett, T. A. Wright, Psychometrika 65 (2000), for that of a rank correlation; J. Cohen,
Statistical Power Analysis for the Behavioral Sciences (1988), chapter 4, for q, the difference on Fisher's scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slipway.core.spec import ModelSpec, Task
from slipway.quality.metrics import Array, correlation, roc_auc
from slipway.quality.relations import fisher

if TYPE_CHECKING:
    import pandas as pd

STRONG = 0.8
MAX_GAIN = 0.3
CONFIDENCE = 0.99
FOLDS, BINS = 5, 16
MIN_ROWS = 30
SEED = 20_240_229


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """One column in one file: its strength before and now, and the lower end of the gain on Fisher's scale."""

    file: str
    column: str
    before: float
    now: float
    low: float
    rows: int

    @property
    def judged(self) -> float:
        """What is held against ``MAX_GAIN``: nothing where the column is not strong."""
        return max(0.0, self.low) if self.now >= STRONG else 0.0


def find_gains(
    before: Mapping[str, pd.DataFrame], now: Mapping[str, pd.DataFrame], spec: ModelSpec
) -> tuple[Gain, ...]:
    """Return the gain of every input that both have, in each file, the largest judged first."""
    from scipy.stats import norm

    label = spec.quality.label
    names = [
        (file, column)
        for file, frame in now.items()
        if file in before and label in frame and label in before[file]
        for column in spec.to_signature().names
        if column in frame and column in before[file]
    ]
    reach = float(norm.ppf(1 - (1 - CONFIDENCE) / max(1, len(names))))
    gains = []
    for file, column in names:
        old, new = (strength(frames[file], column, label, spec.task) for frames in (before, now))
        if old is not None and new is not None:
            step = float(fisher(np.array(new[0])) - fisher(np.array(old[0])))
            low = step - reach * float(np.hypot(old[1], new[1]))
            rows = min(len(before[file]), len(now[file]))
            gains.append(Gain(file=file, column=column, before=old[0], now=new[0], low=low, rows=rows))
    return tuple(sorted(gains, key=lambda gain: (-gain.judged, -gain.low)))


def strength(frame: pd.DataFrame, column: str, label: str, task: Task) -> tuple[float, float] | None:
    """Return a column's strength by rule 1 and its standard error on Fisher's scale; None where it is undefined."""
    import pandas as pd

    truth = np.asarray(pd.to_numeric(frame[label], errors="coerce").to_numpy(dtype=float, na_value=np.nan))
    known = np.isfinite(truth) & frame[column].notna().to_numpy()
    truth, series = truth[known], frame[column][known]
    if len(truth) < MIN_ROWS or np.ptp(truth) == 0:
        return None
    sides = [_guessed(series, truth)]
    if series.dtype.kind in "iuf":
        sides.append(series.to_numpy(dtype=float))
    judge = _of_regression if task is Task.REGRESSION else _of_classes
    found = [value for side in sides if np.isfinite(value := judge(truth, side))]
    if not found:
        return None
    best = max(found)
    return best, _error(best, truth, task)


def _of_regression(truth: Array, values: Array) -> float:
    from scipy.stats import rankdata

    return abs(correlation(rankdata(values), rankdata(truth)))


def _of_classes(truth: Array, values: Array) -> float:
    return abs(2 * roc_auc(truth, values) - 1)


def _error(found: float, truth: Array, task: Task) -> float:
    if task is Task.REGRESSION:
        return float(np.sqrt((1 + found**2 / 2) / (len(truth) - 3)))
    held = min(found, 0.999)
    area, ones = (1 + held) / 2, float((truth == truth.max()).sum())
    zeros = len(truth) - ones
    more = (ones - 1) * (area / (2 - area) - area**2) + (zeros - 1) * (2 * area**2 / (1 + area) - area**2)
    return float(2 * np.sqrt((area * (1 - area) + more) / (ones * zeros)) / (1 - held**2))


def _guessed(series: pd.Series, truth: Array) -> Array:
    """Return the label as the other folds would guess it from this column alone."""
    import pandas as pd

    if series.dtype.kind in "iuf":
        values = series.to_numpy(dtype=float)
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        codes = np.searchsorted(cuts, values, side="right")
    else:
        codes = pd.factorize(series)[0]
    size = int(codes.max()) + 1
    fold = np.random.default_rng(SEED).permutation(len(truth)) % FOLDS
    guessed = np.empty(len(truth))
    for at in range(FOLDS):
        rest, here = fold != at, fold == at
        middle = truth[rest].mean()
        sums = np.bincount(codes[rest], weights=truth[rest] - middle, minlength=size)
        counts = np.bincount(codes[rest], minlength=size)
        guessed[here] = middle + (sums / (counts + 1.0))[codes[here]]  # drawn to the mean where rows are few
    return guessed
