"""How columns hang together: rank correlations of every pair of columns, label included, before and now.

A column whose values went to other rows, or two columns that changed places, can look right one by one. What breaks is
how they go with the others.

Columns are ranked, missing values get the middle rank; a column of two categories counts as 0 and 1, one of more is
passed over. The difference of two correlations is tested on Fisher's scale, with the variance for rank correlations.

Reference: D. G. Bonett, T. A. Wright, Sample size requirements for estimating Pearson, Kendall and Spearman
correlations, Psychometrika 65 (2000): the variance of the transformed rank correlation is (1 + r^2 / 2) / (n - 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from slipway.quality.metrics import Array
from slipway.quality.shifts import Kind, Shift

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 20
NEARLY_ONE = 0.9999


def relation_shifts(
    before: pd.DataFrame, now: pd.DataFrame, columns: Sequence[str]
) -> Iterator[tuple[str, str, Shift]]:
    """Yield for each pair of columns their names and how their rank correlation has moved, from before to now."""
    from scipy.stats import norm

    if min(len(before), len(now)) < MIN_ROWS:
        return
    kept = [(name, pair) for name in columns if (pair := _ranked_pair(before[name], now[name])) is not None]
    if len(kept) < 2:
        return
    old, new = (np.atleast_2d(np.corrcoef(np.vstack([pair[side] for _, pair in kept]))) for side in (0, 1))
    error = np.sqrt((1 + old**2 / 2) / (len(before) - 3) + (1 + new**2 / 2) / (len(now) - 3))
    moved = np.abs(fisher(new) - fisher(old)) / error
    chances = 2 * norm.sf(moved)
    for i in range(len(kept)):
        for j in range(i + 1, len(kept)):
            seen = f"rank correlation {old[i, j]:.2f}, now {new[i, j]:.2f}"
            yield (
                kept[i][0],
                kept[j][0],
                Shift(Kind.RELATION, float(abs(new[i, j] - old[i, j])), float(chances[i, j]), seen),
            )


def fisher(correlation: Array) -> Array:
    """Return Fisher's z of correlations; those of nearly 1 are held back from infinity."""
    return np.asarray(np.arctanh(np.clip(correlation, -NEARLY_ONE, NEARLY_ONE)))


def _ranked_pair(before: pd.Series, now: pd.Series) -> tuple[Array, Array] | None:
    """Return a column's ranks in both files; None where it is constant, or is text of other than two values."""
    import pandas as pd

    if before.dtype.kind not in "iuf" or now.dtype.kind not in "iuf":
        values = sorted({*before.dropna().astype(str), *now.dropna().astype(str)})
        if len(values) != 2:
            return None
        codes = {value: float(at) for at, value in enumerate(values)}
        before, now = (pd.Series([codes.get(str(v), np.nan) for v in s], dtype=float) for s in (before, now))
    ranks = before.rank(), now.rank()
    first, second = (r.fillna((r.notna().sum() + 1) / 2).to_numpy(dtype=float) for r in ranks)
    constant = np.ptp(first) == 0 or np.ptp(second) == 0
    return None if constant else (first.astype(np.float64), second.astype(np.float64))
