import math

import numpy as np
import pytest

from slipway.core.spec import MetricName
from slipway.core.verdict import Bound, Outcome
from slipway.monitoring.estimates import Estimate, estimate, judged, share

CLASSES = [m for m in MetricName if m.task == "classification"]
NUMBERS = [m for m in MetricName if m.task == "regression"]


def classified(rng, n, *, strength=1.5):
    truth = (rng.random(n) < 0.4).astype(float)
    score = strength * (truth - 0.5) + rng.normal(size=n)
    return truth, 1 / (1 + np.exp(-score))


def measured(rng, n):
    truth = rng.normal(150, 77, n)
    return truth, truth + rng.normal(0, 55, n)


def by_scikit_learn(name, truth, predicted):
    from sklearn import metrics

    called = {
        MetricName.ROC_AUC: lambda: metrics.roc_auc_score(truth, predicted),
        MetricName.ACCURACY: lambda: metrics.accuracy_score(truth, predicted >= 0.5),
        MetricName.RECALL: lambda: metrics.recall_score(truth, predicted >= 0.5),
        MetricName.PRECISION: lambda: metrics.precision_score(truth, predicted >= 0.5),
        MetricName.LOG_LOSS: lambda: metrics.log_loss(truth, predicted),
        MetricName.RMSE: lambda: metrics.root_mean_squared_error(truth, predicted),
        MetricName.MAE: lambda: metrics.mean_absolute_error(truth, predicted),
        MetricName.R2: lambda: metrics.r2_score(truth, predicted),
    }
    return called[name]()


@pytest.mark.parametrize("name", MetricName)
def test_a_metric_is_what_scikit_learn_says(name):
    truth, predicted = (classified if name in CLASSES else measured)(np.random.default_rng(1), 500)
    predicted = np.round(predicted, 2)  # ties
    assert estimate(name, truth, predicted).value == pytest.approx(by_scikit_learn(name, truth, predicted), abs=1e-12)


@pytest.mark.parametrize("name", MetricName)
def test_an_interval_holds_the_truth_about_19_times_in_20(name):
    make, rng = (classified if name in CLASSES else measured), np.random.default_rng(7)
    real = estimate(name, *make(rng, 400_000)).value
    found = [estimate(name, *make(rng, 300)) for _ in range(400)]
    held = sum(f.low <= real <= f.high for f in found)
    assert 0.915 <= held / 400 <= 0.98


UNDEFINED = {
    "no rows": (MetricName.MAE, [], []),
    "one class alone": (MetricName.ROC_AUC, [1.0, 1.0, 1.0], [0.1, 0.2, 0.3]),
    "no positive to recall": (MetricName.RECALL, [0.0, 0.0], [0.9, 0.1]),
    "a probability that is none": (MetricName.LOG_LOSS, [0.0, 1.0], [0.5, 1.5]),
    "truth that does not vary": (MetricName.R2, [3.0, 3.0, 3.0], [2.0, 3.0, 4.0]),
}


@pytest.mark.parametrize(("name", "truth", "predicted"), UNDEFINED.values(), ids=UNDEFINED)
def test_what_is_not_defined_is_not_a_number_and_decides_nothing(name, truth, predicted):
    found = estimate(name, np.array(truth), np.array(predicted))
    assert math.isnan(found.value)
    assert judged("x", found, 0.5, Bound.MIN, required=0).outcome is Outcome.INCONCLUSIVE


JUDGED = {
    "kept": (Estimate(0.9, 0.8, 1.0, 100), 0.85, Bound.MIN, Outcome.PASSED),
    "broken for sure": (Estimate(0.7, 0.6, 0.8, 100), 0.85, Bound.MIN, Outcome.FAILED),
    "broken, perhaps by chance": (Estimate(0.8, 0.7, 0.9, 100), 0.85, Bound.MIN, Outcome.INCONCLUSIVE),
    "kept from above": (Estimate(0.2, 0.1, 0.3, 100), 0.25, Bound.MAX, Outcome.PASSED),
    "broken from above for sure": (Estimate(0.4, 0.3, 0.5, 100), 0.25, Bound.MAX, Outcome.FAILED),
    "broken from above, perhaps by chance": (Estimate(0.3, 0.2, 0.4, 100), 0.25, Bound.MAX, Outcome.INCONCLUSIVE),
    "kept on too few": (Estimate(0.9, 0.8, 1.0, 20), 0.85, Bound.MIN, Outcome.INCONCLUSIVE),
    "broken on too few": (Estimate(0.5, 0.4, 0.6, 20), 0.85, Bound.MIN, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("found", "limit", "bound", "outcome"), JUDGED.values(), ids=JUDGED)
def test_a_threshold_is_broken_only_when_the_whole_interval_breaks_it(found, limit, bound, outcome):
    assert judged("x", found, limit, bound, required=50).outcome is outcome


def test_what_cannot_be_told_says_how_many_samples_could():
    needed = judged("x", Estimate(0.8, 0.7, 0.9, 100), 0.85, Bound.MIN, required=50).n_required
    assert needed == pytest.approx(400, rel=0.01)


def test_a_model_exactly_at_its_threshold_fails_on_few_days_and_one_well_beyond_it_on_most():
    rng, days, n = np.random.default_rng(3), 2000, 200
    at, beyond = (
        [judged("x", share(int(rng.binomial(n, p)), n), 0.1, Bound.MAX, required=30).outcome for _ in range(days)]
        for p in (0.1, 0.175)
    )
    assert at.count(Outcome.FAILED) / days < 0.04
    assert beyond.count(Outcome.FAILED) / days > 0.8


def test_one_error_breaks_an_objective_of_none():
    assert judged("x", share(1, 10_000), 0.0, Bound.MAX, required=1).outcome is Outcome.FAILED
    assert judged("x", share(0, 10_000), 0.0, Bound.MAX, required=1).outcome is Outcome.PASSED
