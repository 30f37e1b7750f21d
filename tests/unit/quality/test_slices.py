import numpy as np
import pandas as pd
import pytest

from slipway.core.spec import FairnessSpec, SliceSpec
from slipway.core.verdict import Outcome
from slipway.quality.slices import Scored, fairness_measurement, group_rows, slice_measurement

AGES = np.arange(20.0, 80.0)
FRAME = pd.DataFrame({"age": AGES, "site": np.where(AGES < 50, "north", "south")})
TRUTH = (np.arange(60) % 2).astype(float)
RIGHT = np.where(TRUTH == 1, 0.9, 0.1)
SHIFTED = TRUTH + np.where(AGES >= 50, 0.2, -0.2)
OLD_WRONG = np.where(AGES >= 50, 1 - RIGHT, RIGHT)


def scored(predicted, frame=FRAME):
    return Scored(frame=frame, truth=TRUTH[: len(frame)], predicted=predicted[: len(frame)])


def part(**declared):
    return SliceSpec(**{"column": "age", "metric": "accuracy", "threshold": 0.8, "min_rows": 20, **declared})


SLICES = {
    "holds": (part(min=50), RIGHT, 1.0, 30, Outcome.PASSED),
    "biased against the old": (part(min=50), OLD_WRONG, 0.0, 30, Outcome.FAILED),
    "the young are fine": (part(max=50), OLD_WRONG, 1.0, 30, Outcome.PASSED),
    "by value": (part(column="site", equals="south"), OLD_WRONG, 0.0, 30, Outcome.FAILED),
    "too few rows": (part(min=75), RIGHT, 1.0, 5, Outcome.INCONCLUSIVE),
    "no rows": (part(min=500), RIGHT, None, 0, Outcome.INCONCLUSIVE),
    "no such column": (part(column="gone", min=1), RIGHT, None, 0, Outcome.INCONCLUSIVE),
    "recall stands on the positives": (part(min=50, metric="recall", min_rows=15), RIGHT, 1.0, 15, Outcome.PASSED),
    "recall on few positives": (part(min=50, metric="recall"), RIGHT, 1.0, 15, Outcome.INCONCLUSIVE),
    "precision on few predicted": (part(min=50, metric="precision"), RIGHT, 1.0, 15, Outcome.INCONCLUSIVE),
    "a loss has a maximum": (part(min=50, metric="log_loss", threshold=0.5), OLD_WRONG, 2.302585, 30, Outcome.FAILED),
}


@pytest.mark.parametrize(("declared", "predicted", "value", "n", "outcome"), SLICES.values(), ids=SLICES)
def test_a_slice_is_held_against_its_own_threshold(declared, predicted, value, n, outcome):
    found = slice_measurement(scored(predicted), declared)
    assert found.value == (None if value is None else pytest.approx(value))
    assert (found.n, found.outcome) == (n, outcome)


LABELS = {
    "a lower end": ({"min": 50}, "age ≥ 50"),
    "an upper end": ({"max": 14}, "age < 14"),
    "both ends": ({"min": 14, "max": 50.5}, "14 ≤ age < 50.5"),
    "a value": ({"column": "site", "equals": "south"}, "site=south"),
    "no end": ({}, "age known"),
}


@pytest.mark.parametrize(("declared", "label"), LABELS.values(), ids=LABELS)
def test_a_slice_is_named_as_a_person_would(declared, label):
    assert slice_measurement(scored(RIGHT), part(**declared)).name == f"slice.{label}.accuracy"


def test_a_metric_that_a_slice_does_not_define_decides_nothing():
    one_class = Scored(frame=FRAME, truth=np.ones(60), predicted=RIGHT)
    assert slice_measurement(one_class, part(min=50, metric="roc_auc")).outcome is Outcome.INCONCLUSIVE


def fair(**declared):
    whole = {"column": "age", "split_at": 50, "metric": "accuracy", "max_difference": 0.1, "min_rows": 20}
    return FairnessSpec(**{**whole, **declared})


FAIRNESS = {
    "equal": (fair(), RIGHT, 0.0, 30, Outcome.PASSED),
    "one group is wronged": (fair(), OLD_WRONG, 1.0, 30, Outcome.FAILED),
    "by value": (fair(column="site", split_at=None), OLD_WRONG, 1.0, 30, Outcome.FAILED),
    "recall stands on the positives": (fair(metric="recall", min_rows=15), OLD_WRONG, 1.0, 15, Outcome.FAILED),
    "recall on few positives": (fair(metric="recall"), OLD_WRONG, 1.0, 15, Outcome.INCONCLUSIVE),
    "selection rate": (fair(metric="selection_rate"), np.where(AGES >= 50, 0.9, 0.1), 1.0, 30, Outcome.FAILED),
    "mean error keeps its sign": (fair(metric="mean_error"), SHIFTED, 0.4, 30, Outcome.FAILED),
    "mae": (fair(metric="mae"), SHIFTED, 0.0, 30, Outcome.PASSED),
    "a small group is not excused": (fair(split_at=75), RIGHT, 0.0, 5, Outcome.INCONCLUSIVE),
    "an empty group": (fair(split_at=500), RIGHT, None, 0, Outcome.INCONCLUSIVE),
    "no such column": (fair(column="gone"), RIGHT, None, 0, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("declared", "predicted", "value", "n", "outcome"), FAIRNESS.values(), ids=FAIRNESS)
def test_the_difference_between_groups_is_held_against_its_limit(declared, predicted, value, n, outcome):
    found, _ = fairness_measurement(scored(predicted), declared)
    assert found.value == (None if value is None else pytest.approx(value))
    assert (found.n, found.outcome) == (n, outcome)


def test_rows_without_a_group_are_a_group_of_their_own():
    frame = FRAME.assign(age=FRAME["age"].where(FRAME["age"] < 70))
    sizes = {label: int(rows.sum()) for label, rows in group_rows(frame, fair()).items()}
    assert sizes == {"< 50": 30, "≥ 50": 20, "(missing)": 10}
