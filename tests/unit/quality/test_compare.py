import numpy as np
import pytest

from slipway.core.spec import MetricName
from slipway.quality.compare import compare


def answers(noise, seed, rows=400):
    rng = np.random.default_rng(seed)
    truth = (np.random.default_rng(0).random(rows) < 0.4).astype(float)
    return truth, 1 / (1 + np.exp(-(truth * 2 - 1 + rng.normal(0, noise, rows))))


TRUTH, GOOD = answers(1.0, seed=1)
_, POOR = answers(6.0, seed=3)
ALIKE = GOOD.copy()  # the same answers, dealt anew within each class: every metric is the same
for rows in (TRUTH == 0, TRUTH == 1):
    ALIKE[rows] = np.random.default_rng(4).permutation(GOOD[rows])

CASES = {
    "clearly worse": (POOR, GOOD, "below"),
    "clearly better": (GOOD, POOR, "above"),
    "of the same quality": (GOOD, ALIKE, "around"),
}


@pytest.mark.parametrize("name", [MetricName.ROC_AUC, MetricName.ACCURACY, MetricName.LOG_LOSS])
@pytest.mark.parametrize(("challenger", "champion", "where"), CASES.values(), ids=CASES)
def test_the_interval_says_who_is_better_whichever_way_the_metric_points(name, challenger, champion, where):
    found = compare(name, TRUTH, challenger, champion)
    seen = "below" if found.high < 0 else "above" if found.low > 0 else "around"
    assert seen == where
    assert found.low <= found.difference <= found.high


def test_the_two_sides_are_not_mixed_up():
    found = compare(MetricName.RMSE, np.zeros(50), np.full(50, 1.0), np.full(50, 3.0))
    assert (found.challenger, found.champion, found.difference) == (1.0, 3.0, 2.0)


def test_equal_answers_differ_by_nothing():
    found = compare(MetricName.ROC_AUC, TRUTH, GOOD, GOOD)
    assert (found.low, found.difference, found.high, found.resolution) == (0.0, 0.0, 0.0, 0.0)


def test_the_same_rows_give_the_same_interval():
    assert compare(MetricName.ROC_AUC, TRUTH, GOOD, ALIKE) == compare(MetricName.ROC_AUC, TRUTH, GOOD, ALIKE)


def test_a_metric_that_most_draws_do_not_define_has_no_interval():
    truth = np.array([1.0] + [0.0] * 20)
    found = compare(MetricName.ROC_AUC, truth, np.linspace(0, 1, 21), np.linspace(1, 0, 21))
    assert (found.low, found.high, found.resolution) == (None, None, None)


def test_no_rows_have_no_interval():
    empty = np.array([])
    assert compare(MetricName.ROC_AUC, empty, empty, empty).high is None


def test_equally_good_models_are_rarely_stopped():
    stopped = 0
    for seed in range(60):
        truth, first = answers(1.5, seed=100 + seed, rows=120)
        _, second = answers(1.5, seed=900 + seed, rows=120)
        found = compare(MetricName.ROC_AUC, truth, first, second, resamples=200)
        stopped += found.high < 0
    assert stopped <= 6


def regressions(seed, *, worse, rows=155, spread=25.0):
    """Two models' answers to noisy labels; ``worse`` is how much more of its own error the challenger has."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 50, rows)
    champion, challenger = rng.normal(0, spread, rows), rng.normal(0, spread + worse, rows)
    return compare(MetricName.RMSE, truth, challenger, champion, resamples=300)


def test_without_a_margin_equal_models_are_stopped_in_one_of_a_hundred():
    assert sum(regressions(seed, worse=0.0).upper < 0 for seed in range(200)) <= 6


def test_with_a_margin_equal_models_are_never_stopped():
    assert sum(regressions(seed, worse=0.0).upper < -4.0 for seed in range(100)) == 0


def test_the_stated_power_is_true():
    found = regressions(0, worse=0.0)
    need = found.detectable(2.0)
    hits = 0
    for seed in range(60):
        truth = np.random.default_rng(seed).normal(0, 50, 155)
        champion = truth + np.random.default_rng(seed + 500).normal(0, 56, 155)
        challenger = truth + np.random.default_rng(seed + 900).normal(0, 56, 155)
        error = float(np.std(compare(MetricName.RMSE, truth, challenger, champion, resamples=100).drawn))
        worse = truth + np.random.default_rng(seed + 900).normal(0, 56 + 2.0 + 2.485 * error, 155)
        hits += compare(MetricName.RMSE, truth, worse, champion, resamples=300).upper < -2.0
    assert need > 2.0
    assert hits >= 40


def test_a_draw_within_the_margin_counts_as_such():
    found = compare(MetricName.RMSE, np.zeros(50), np.full(50, 3.0), np.full(50, 1.0))
    assert (found.within(1.0), found.within(2.5), found.upper) == (0.0, 1.0, -2.0)
