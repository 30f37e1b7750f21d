"""What the errors of a model would look like if nothing were wrong with it: draws for tests over many parts at once.

Rules
-----
1. A regression that is right errs to both sides alike: each row's value is drawn with a random sign. Each keeps its own
   size, so heavy tails and unequal variances stay what they are. A row's variance is its squared value, so that the
   statistic is a self-normalised sum.
2. Probabilities are right when the labels come as often as they say, which is not symmetric: 1 % is 99 times a little
   too high, and once far too low. So labels are drawn from the probabilities. For the bias these are the model's own,
   mixed with the overall rate as far as fits the labels best: that a model is too sure of itself everywhere is no fault
   of one part. For the loss they are half way between both models, where both are equally wrong.

References: V. H. de la Pena, T. L. Lai, Q.-M. Shao, Self-Normalized Processes (2009), for rule 1; D. J. Spiegelhalter,
Probabilistic prediction in patient management and clinical trials, Statistics in Medicine 5 (1986), for rule 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slipway.quality.metrics import Array

DRAWS = 999
SEED = 20_240_229
MIXED = (0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.16, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Null:
    """The rows' values, their variance if nothing is wrong (both of shape (n,)), and draws, of shape (DRAWS, n)."""

    values: Array
    variance: Array
    drawn: Array


def bias_null(truth: Array, predicted: Array, *, chances: bool) -> Null:
    """Return the residuals, and what they would be if no part were biased."""
    if not chances:
        return _signs_changed(predicted - truth)
    fair = _tempered(truth, predicted)
    return Null(fair - truth, fair * (1 - fair), fair - _labels(fair))


def loss_null(truth: Array, predicted: Array, champion: Array, *, chances: bool) -> Null:
    """Return by how much the squared errors exceed the champion's, and what that would be if both were as good."""
    apart, middle = predicted - champion, (predicted + champion) / 2
    worse = 2 * apart * (middle - truth)
    if not chances:
        return _signs_changed(worse)
    fair = np.clip(middle, MIXED[0], 1 - MIXED[0])
    return Null(worse, 4 * apart**2 * fair * (1 - fair), 2 * apart * (fair - _labels(fair)))


def _signs_changed(values: Array) -> Null:
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(DRAWS, len(values)))
    return Null(values, values**2, signs * values)


def _labels(fair: Array) -> Array:
    return (np.random.default_rng(SEED).random((DRAWS, len(fair))) < fair).astype(np.float64)


def _tempered(truth: Array, predicted: Array) -> Array:
    """Return the probabilities mixed with the overall rate, in the share under which the labels are most likely."""
    rate = np.clip(truth.mean(), 1 / (len(truth) + 2), 1 - 1 / (len(truth) + 2))
    mixtures = [(1 - share) * np.clip(predicted, 0, 1) + share * rate for share in MIXED]
    likely = [float(np.log(np.where(truth == 1, mixed, 1 - mixed)).sum()) for mixed in mixtures]
    return np.asarray(mixtures[int(np.argmax(likely))])
