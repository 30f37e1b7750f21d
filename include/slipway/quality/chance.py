"""What chance explains: the corrections and allowances that the comparisons of data share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slipway.quality.metrics import Array

SURE = 0.999


def holm(chances: Sequence[float]) -> Array:
    """Return p-values corrected for their number, in [0, 1], shape (n,); holds under any dependence.

    Reference: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian J. of Statistics 6 (1979).

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(chances, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def rows_by_chance(seen: int, of: int, rows: int) -> int:
    """Return how many of ``rows`` rows chance makes such, where ``seen`` of ``of`` other rows were: the 99.9 % limit.

    The prediction of a new count from an old one: beta-binomial, with a uniform prior on the rate.

    Reference: A. Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 2.4.

    >>> rows_by_chance(0, 300, 150), rows_by_chance(150, 300, 150)
    (6, 98)
    """
    from scipy.stats import betabinom

    return int(betabinom.ppf(SURE, rows, seen + 1, of - seen + 1))


def two_shares(first: int, of_first: int, second: int, of_second: int) -> float:
    """Return the two-sided p-value of two counts coming from one rate: Fisher's exact test; 1 without rows."""
    from scipy.stats import fisher_exact

    if not of_first or not of_second:
        return 1.0
    table = [[first, of_first - first], [second, of_second - second]]
    return float(fisher_exact(table).pvalue)
