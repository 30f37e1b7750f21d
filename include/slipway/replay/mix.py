"""How often each given row is drawn: even, or so that the mix moves as a shift says.

References
----------
Prior shift by weights that depend on the label alone: M. Saerens, P. Latinne, C. Decaestecker, Neural Computation 14
(2002). For a regression the weights are an exponential tilt, ``exp(t * label)``, whose ``t`` is found by bisection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.spec import Task
from slipway.replay.shifts import Shift, ShiftKind

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_STEPS = 80
_STEEPEST = 50.0


def row_weights(shifts: Iterable[Shift], base: pd.DataFrame, task: Task) -> Array:
    """Return each row's probability to be drawn, shape (rows of ``base``,), under the shifts that move the mix."""
    weights = np.full(len(base), 1.0 / len(base))
    for shift in shifts:
        if not shift.kind.moves_mix:
            continue
        values = base[shift.column]
        if shift.kind is ShiftKind.CATEGORY:
            weights = _to_share(weights, np.asarray(values == shift.category), shift.size)
        elif task is Task.CLASSIFICATION:
            weights = _to_share(weights, values.to_numpy(dtype=np.float64) == 1, shift.size)
        else:
            weights = weights * tilted(values.to_numpy(dtype=np.float64), shift.size)
            weights /= weights.sum()
    return weights


def _to_share(weights: Array, rows: NDArray[np.bool_], size: float) -> Array:
    share = float(weights[rows].sum())
    wanted = min(max(share + size, 0.0), 1.0)  # an earlier shift of the mix may have moved this share too
    return np.asarray(np.where(rows, weights * wanted / share, weights * (1 - wanted) / (1 - share)))


def tilted(values: Array, size: float) -> Array:
    """Return weights, summing to 1, under which the mean of ``values`` lies ``size`` standard deviations higher.

    >>> values = np.arange(11.0)
    >>> round(float(tilted(values, 0.5) @ values - values.mean()), 6) == round(0.5 * float(values.std()), 6)
    True
    """
    scaled = (values - values.mean()) / values.std()

    def weights(steepness: float) -> Array:
        exponent = steepness * scaled
        raised = np.exp(exponent - exponent.max())
        return np.asarray(raised / raised.sum())

    low, high = -_STEEPEST, _STEEPEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(weights(middle) @ scaled) < size else (low, middle)
    return weights((low + high) / 2)
