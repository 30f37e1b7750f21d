"""How far a window's shares lie from the reference's: three checks of a column, each a function of share differences.

``moved`` is what a window's shares of the known values have more than the reference's: shape (..., k), one entry a bin,
adding up to nought. Everything a check needs is in it, so that a resampled window is judged by the same code as a day.

=============  =====================================================================================================
check          value
=============  =====================================================================================================
distribution   numbers: the Anderson-Darling distance, in standard deviations: two bell curves one apart are about 1
               apart. It sees place, spread and tails. Names: Cohen's w, the root of the shares' chi-squared distance
value          numbers: the bin that has gained or lost most, in standard errors of one row: a stuck sensor, a default
               that crept in, values that the reference has never seen
missing        the difference of the shares of missing values
=============  =====================================================================================================

References: T. W. Anderson, D. A. Darling, Annals of Mathematical Statistics 23 (1952) 193; F. W. Scholz,
M. A. Stephens, JASA 82 (1987) 918 (k samples, ties); J. Cohen, Statistical Power Analysis (1988), chapter 7.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from slipway.drift.tables import Array, Kind

# The root of the integral of phi^3 / (Phi (1 - Phi)): the distance of two standard normal curves for a small shift.
NORMAL_SHIFT = 0.6932
LEAST_ODDS = 1e-3
LEAST_ROWS = 5.0


class Check(StrEnum):
    """What is compared in a column."""

    DISTRIBUTION = "distribution"
    VALUE = "value"
    MISSING = "missing"


def distances(moved: Array, shares: Array, kind: Kind, *, rows: float) -> dict[Check, Array]:
    """Return the distances of the known values, each of shape (...).

    Parameters
    ----------
    moved : array of shape (..., k)
        Share differences.
    shares : array of shape (k,)
        The reference's shares.
    kind : Kind
    rows : float
        Rows behind the difference: half the harmonic mean of the window's and the reference's. A bin with fewer than
        ``LEAST_ROWS`` expected rows is taken to have that many: one row of a new value is no drift.

    >>> distances(np.array([0.1, -0.1]), np.array([0.5, 0.5]), Kind.CATEGORY, rows=100)[Check.DISTRIBUTION].round(3)
    np.float64(0.2)
    """
    least = min(LEAST_ROWS / rows, 1.0)
    if kind is Kind.CATEGORY:
        return {Check.DISTRIBUTION: np.sqrt((moved**2 / np.maximum(shares, least)).sum(axis=-1))}
    below = shares.cumsum()[:-1]
    mass = (shares[:-1] + shares[1:]) / 2
    weights = mass / np.maximum(below * (1 - below), LEAST_ODDS)
    apart = np.sqrt((moved[..., :-1].cumsum(axis=-1) ** 2) @ weights) / NORMAL_SHIFT
    spread = np.sqrt(np.maximum(shares * (1 - shares), least))
    return {Check.DISTRIBUTION: apart, Check.VALUE: (np.abs(moved) / spread).max(axis=-1)}


def least_thresholds(kind: Kind, missing: float, *, rows: float) -> dict[Check, float]:
    """Return what a threshold may not lie below, whatever the resampled windows say.

    A constant column, or one without missing values, has resampled windows that are all alike. Then a handful of rows
    still is no drift: these limits are about four standard errors of a share of ``LEAST_ROWS / rows``.
    """
    error = 1 / np.sqrt(rows)
    share = np.sqrt(max(missing * (1 - missing), min(LEAST_ROWS / rows, 1.0)))
    limits = {Check.DISTRIBUTION: 2 * error, Check.VALUE: 4 * error, Check.MISSING: 4 * error * share}
    return {check: float(limit) for check, limit in limits.items() if kind is Kind.NUMBER or check is not Check.VALUE}
