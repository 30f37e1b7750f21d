import math

import numpy as np
import pytest
from sklearn import metrics as theirs

from slipway.core.spec import MetricName
from slipway.quality.metrics import calibration, metric, roc_curve, weighted

RNG = np.random.default_rng(5)
LABELS = (RNG.random(400) < 0.3).astype(float)
PROBABILITIES = np.clip(LABELS * 0.3 + RNG.random(400) * 0.7, 0, 1).round(2)  # rounded: with ties
REAL = RNG.normal(100, 20, 400)
GUESS = REAL + RNG.normal(0, 10, 400)
WEIGHTS = np.bincount(RNG.integers(400, size=400), minlength=400).astype(float)

THEIRS = {
    MetricName.ROC_AUC: lambda y, p, w: theirs.roc_auc_score(y, p, sample_weight=w),
    MetricName.ACCURACY: lambda y, p, w: theirs.accuracy_score(y, p >= 0.5, sample_weight=w),
    MetricName.RECALL: lambda y, p, w: theirs.recall_score(y, p >= 0.5, sample_weight=w),
    MetricName.PRECISION: lambda y, p, w: theirs.precision_score(y, p >= 0.5, sample_weight=w),
    MetricName.LOG_LOSS: lambda y, p, w: theirs.log_loss(y, p, sample_weight=w),
    MetricName.RMSE: lambda y, p, w: theirs.root_mean_squared_error(y, p, sample_weight=w),
    MetricName.MAE: lambda y, p, w: theirs.mean_absolute_error(y, p, sample_weight=w),
    MetricName.R2: lambda y, p, w: theirs.r2_score(y, p, sample_weight=w),
}


def data(name):
    return (REAL, GUESS) if name in (MetricName.RMSE, MetricName.MAE, MetricName.R2) else (LABELS, PROBABILITIES)


def test_every_metric_has_a_counterpart_here():
    assert set(THEIRS) == set(MetricName)


@pytest.mark.parametrize("name", MetricName)
@pytest.mark.parametrize("weights", [np.ones(400), WEIGHTS], ids=["all once", "resampled"])
def test_a_metric_agrees_with_scikit_learn(name, weights):
    truth, predicted = data(name)
    ours = weighted(name, truth, predicted)(weights)
    assert ours == pytest.approx(THEIRS[name](truth, predicted, weights), rel=1e-12)


def test_a_weight_counts_as_that_many_rows():
    rows = np.repeat(np.arange(400), WEIGHTS.astype(int))
    for name in MetricName:
        truth, predicted = data(name)
        drawn = metric(name, truth[rows], predicted[rows])
        assert weighted(name, truth, predicted)(WEIGHTS) == pytest.approx(drawn, rel=1e-12)


ONES, HALVES = np.ones(4), np.full(4, 0.25)
UNDEFINED = {
    "auc of one class": (MetricName.ROC_AUC, ONES, HALVES),
    "recall without positives": (MetricName.RECALL, np.zeros(4), HALVES),
    "precision without a positive answer": (MetricName.PRECISION, ONES, HALVES),
    "log loss of what is no probability": (MetricName.LOG_LOSS, ONES, np.array([0.1, 0.2, 1.5, 0.3])),
    "r2 of a constant": (MetricName.R2, ONES, HALVES),
    "auc of no rows": (MetricName.ROC_AUC, np.array([]), np.array([])),
    "accuracy of no rows": (MetricName.ACCURACY, np.array([]), np.array([])),
    "rmse of no rows": (MetricName.RMSE, np.array([]), np.array([])),
}


@pytest.mark.parametrize(("name", "truth", "predicted"), UNDEFINED.values(), ids=UNDEFINED)
def test_a_metric_that_is_not_defined_is_nan(name, truth, predicted):
    assert math.isnan(metric(name, truth, predicted))


def test_the_positive_threshold_decides_who_is_positive():
    truth, predicted = np.array([0.0, 1.0]), np.array([0.2, 0.3])
    assert metric(MetricName.RECALL, truth, predicted) == 0.0
    assert metric(MetricName.RECALL, truth, predicted, positive_threshold=0.3) == 1.0


def test_the_roc_curve_agrees_with_scikit_learn():
    x, y, _ = theirs.roc_curve(LABELS, PROBABILITIES, drop_intermediate=False)
    assert np.array(roc_curve(LABELS, PROBABILITIES)) == pytest.approx(np.column_stack([x, y]))
    assert roc_curve(np.ones(3), np.ones(3)) == []


def test_calibration_counts_every_row_once():
    found = calibration(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.05, 0.95, 1.0]))
    assert [(n, round(mean, 3), seen) for _, _, n, mean, seen in found] == [(2, 0.025, 0.5), (2, 0.975, 1.0)]
