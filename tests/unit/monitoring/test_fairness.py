import numpy as np
import pandas as pd
import pytest

from slipway.core.spec import FairnessSpec
from slipway.core.verdict import Outcome
from slipway.monitoring.estimates import share
from slipway.monitoring.fairness import difference, fairness_measurement

PASSED, FAILED, UNTOLD = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE
LIMIT = {"selection_rate": 0.1, "recall": 0.1, "accuracy": 0.1, "mae": 0.1, "mean_error": 0.1}


def a_day(rows, *, harm=0.0, seed=0):
    """Two groups of equal size; for one of them the answers are off by ``harm``."""
    rng = np.random.default_rng(seed)
    sex = np.where(np.arange(rows) % 2, "F", "M")
    truth = (rng.random(rows) < 0.5).astype(float)
    known = np.where(truth == 1, 0.75, 0.25) + rng.normal(0, 0.1, rows)
    return pd.DataFrame({"sex": sex, "age": rng.uniform(20, 80, rows)}), truth, known - harm * (sex == "F")


def measured(day, *, column="sex", metric="recall", **changes):
    part = FairnessSpec(column=column, metric=metric, max_difference=LIMIT[metric], **changes)
    return fairness_measurement(*day, part, positive_threshold=0.5)


@pytest.mark.parametrize("metric", LIMIT)
def test_groups_that_are_treated_alike_pass_and_a_harmed_one_is_found(metric):
    harm = 0.35
    assert measured(a_day(2000), metric=metric).outcome is PASSED
    assert measured(a_day(2000, harm=harm), metric=metric).outcome is FAILED


def test_a_difference_that_chance_may_have_made_is_not_told():
    harmed = measured(a_day(120, harm=0.2))
    assert harmed.value > 0.1
    assert harmed.outcome is UNTOLD


UNDECIDED = {
    "a group too small": (a_day(40), {"min_rows": 30}),
    "a column that is not there": (a_day(400), {"column": "region"}),
    "one group alone": ((a_day(400)[0].assign(sex="F"), *a_day(400)[1:]), {}),
    "nobody": (tuple(part[:0] for part in a_day(400)), {}),
}


@pytest.mark.parametrize(("day", "changes"), UNDECIDED.values(), ids=UNDECIDED)
def test_what_cannot_be_compared_decides_nothing(day, changes):
    assert measured(day, **changes).outcome is UNTOLD


def test_a_number_is_split_where_it_is_declared():
    frame, truth, predicted = a_day(2000)
    younger = predicted - 0.4 * (frame["age"].to_numpy() < 50)
    assert measured((frame, truth, younger), column="age", split_at=50).outcome is FAILED
    assert measured((frame, truth, predicted), column="age", split_at=50).outcome is PASSED


def test_rows_whose_group_is_missing_are_a_group_of_their_own():
    frame, truth, predicted = a_day(2000, harm=0.35)
    hidden = frame.assign(sex=frame["sex"].where(frame["sex"] == "M"))
    assert measured((hidden, truth, predicted)).outcome is FAILED


def test_the_interval_of_a_difference_holds_it_about_19_times_in_20():
    rng, held = np.random.default_rng(2), 0
    for _ in range(1000):
        first, second = (share(int(rng.binomial(150, p)), 150) for p in (0.8, 0.5))
        found = difference([first, second])
        held += found.low <= 0.3 <= found.high
    assert 0.93 <= held / 1000 <= 0.98
