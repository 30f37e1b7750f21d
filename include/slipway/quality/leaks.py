"""Two leaks that flatter a model: holdout rows in the training data, and an input that is the label.

Rules
-----
1. A holdout row is duplicated when a training row has the same inputs and the same label.
2. An input leaks the label when it alone orders the labels: for a classification, the area under its ROC curve, the
   better of both directions, is at least ``LEAK``; for a regression, its absolute correlation is. A text or bool
   column stands for the mean label of each value, as long as values repeat: ten rows a value, on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import ModelSpec, Task
from slipway.quality.metrics import Array, correlation, roc_auc

if TYPE_CHECKING:
    import pandas as pd

LEAK = 0.9999
ROWS_PER_VALUE = 10
MIN_ROWS = 20


@dataclass(frozen=True, slots=True)
class LabelLeak:
    """The input that predicts the label best by itself, how well (in [0, 1]; None if none can be judged), on n rows."""

    column: str
    strength: float | None
    rows: int


def duplicated_rows(train: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Return for each row of ``other`` whether ``train`` has its values in ``columns``; missing equals missing."""
    import pandas as pd

    both = pd.concat([train[list(columns)], other[list(columns)]], ignore_index=True)
    codes = np.column_stack([pd.factorize(both[name], use_na_sentinel=False)[0] for name in columns])
    keys = pd.util.hash_pandas_object(pd.DataFrame(codes), index=False).to_numpy()
    return np.asarray(np.isin(keys[len(train) :], keys[: len(train)]))


def label_leak(frame: pd.DataFrame, spec: ModelSpec) -> LabelLeak:
    """Return the input that gives the label away most, by rule 2; inputs and label that are absent are passed over."""
    name = spec.quality.label
    best = LabelLeak("", None, 0)
    if name not in frame.columns:
        return best
    label = _numbers(frame[name])
    for column in (c for c in spec.to_signature().names if c in frame.columns):
        values = _as_numbers(frame[column], label)
        if values is None:
            continue
        judged = np.isfinite(values) & np.isfinite(label)
        strength = _strength(values[judged], label[judged], spec.task) if judged.sum() >= MIN_ROWS else None
        if strength is not None and (best.strength is None or strength > best.strength):
            best = LabelLeak(column, strength, int(judged.sum()))
    return best


def _strength(values: Array, label: Array, task: Task) -> float | None:
    if task is Task.REGRESSION:
        found = abs(correlation(values, label))
    else:
        area = roc_auc(label, values)
        found = max(area, 1.0 - area)
    return float(found) if np.isfinite(found) else None


def _numbers(series: pd.Series) -> Array:
    import pandas as pd

    return np.asarray(pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan))


def _as_numbers(series: pd.Series, label: Array) -> Array | None:
    """Return the column as numbers; None for text whose values hardly repeat."""
    import pandas as pd

    if series.dtype.kind in "iuf":
        return _numbers(series)
    known = series.notna().to_numpy()
    codes, values = pd.factorize(series)
    if not len(values) or known.sum() < ROWS_PER_VALUE * len(values):
        return None
    judged = known & np.isfinite(label)
    sums = np.bincount(codes[judged], weights=label[judged], minlength=len(values))
    counts = np.bincount(codes[judged], minlength=len(values))
    means = sums / np.maximum(counts, 1)
    return np.where(known, means[codes], np.nan)
