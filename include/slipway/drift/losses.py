"""What an answer costs, row by row: so that a window's performance is a mean, and a mean can be calibrated."""

from __future__ import annotations

import numpy as np

from slipway.core.spec import Task
from slipway.drift.tables import Array

NAMES = {Task.REGRESSION: "mean absolute error", Task.CLASSIFICATION: "mean log loss"}
SURE = 1e-6


def row_losses(task: Task, truth: Array, predicted: Array) -> Array:
    """Return each row's loss: the absolute error of a regression, the log loss of a probability.

    Parameters
    ----------
    task : Task
    truth, predicted : array of shape (n,)
        Labels (0 or 1 for a classification) and answers; NaN where the label has not come yet.

    Returns
    -------
    array of shape (n,)
        NaN where either is missing.

    >>> row_losses(Task.REGRESSION, np.array([1.0, np.nan]), np.array([1.5, 2.0])).tolist()
    [0.5, nan]
    """
    if task is Task.REGRESSION:
        return np.abs(truth - predicted)
    kept = np.clip(predicted, SURE, 1 - SURE)
    return -(truth * np.log(kept) + (1 - truth) * np.log1p(-kept))
