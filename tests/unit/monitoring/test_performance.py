import numpy as np
import pandas as pd
import pytest

from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError
from slipway.monitoring.performance import join_labels, labels_result, performance_result
from slipway.monitoring.values import Severity
from tests.fakes.specs import a_spec

QUALITY = {
    "label": "left",
    "metrics": [{"name": "roc_auc", "threshold": 0.7}, {"name": "recall", "threshold": 0.5}],
    "champion_metric": "roc_auc",
    "min_rows": 100,
    "slices": [
        {"column": "tenure", "min": 50, "metric": "accuracy", "threshold": 0.6},
        {"column": "nowhere", "equals": "x", "metric": "accuracy", "threshold": 0.6},
    ],
}
PASSED, FAILED, UNTOLD = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE


def a_day(rows, *, good=True, seed=0):
    """Predictions and labels of a day; answers that know something, or that know nothing."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.4).astype(int)
    score = 1 / (1 + np.exp(-(3.0 * (truth - 0.5) * good + rng.normal(size=rows))))
    ids = [f"r{n}" for n in range(rows)]
    predictions = pd.DataFrame({"row_id": ids, "tenure": rng.uniform(0, 100, rows), "prediction": score})
    return predictions, pd.DataFrame({"row_id": ids, "left": truth})


def joined(predictions, labels):
    return join_labels(predictions, labels, answer="prediction", label="left")


def judged(predictions, labels, on):
    result = performance_result(a_spec(quality=QUALITY), joined(predictions, labels), version=1, day=on(1))
    return {m.name.removeprefix("performance."): m for m in result.measurements}


def outcomes(predictions, labels, on):
    return {name: m.outcome for name, m in judged(predictions, labels, on).items()}


NOWHERE = "nowhere=x.accuracy"


def test_a_good_day_passes_overall_and_on_its_slice(on):
    found = outcomes(*a_day(800), on)
    assert found["roc_auc"] is found["recall"] is found["tenure ≥ 50.accuracy"] is PASSED
    assert found[NOWHERE] is UNTOLD  # its column is not there


def test_answers_that_know_nothing_fail(on):
    found = outcomes(*a_day(800, good=False), on)
    assert found["roc_auc"] is FAILED
    assert found["tenure ≥ 50.accuracy"] is not PASSED


def test_too_few_labels_tell_nothing_and_more_of_them_do(on):
    predictions, labels = a_day(800)
    early, late = (judged(predictions, labels.iloc[:n], on) for n in (60, 800))
    assert (early["roc_auc"].outcome, early["roc_auc"].n, early["roc_auc"].n_required) == (UNTOLD, 60, 100)
    assert late["roc_auc"].outcome is PASSED
    assert (early["labelled_share"].value, late["labelled_share"].value) == (60 / 800, 1.0)


def test_no_label_at_all_tells_nothing(on):
    predictions, labels = a_day(300)
    for empty in (labels.iloc[:0], labels.assign(left=np.nan)):
        found = outcomes(predictions, empty, on)
        assert {found["roc_auc"], found["recall"]} == {UNTOLD}


def test_an_empty_day_tells_nothing(on):
    predictions, labels = a_day(300)
    found = judged(predictions.iloc[:0], labels, on)
    assert found["roc_auc"].outcome is UNTOLD
    assert found["labelled_share"].value is None


def test_rows_are_joined_by_id_whatever_their_order():
    predictions, labels = a_day(100)
    plain, shuffled = joined(predictions, labels), joined(predictions, labels.sample(frac=1, random_state=1))
    assert np.array_equal(plain.truth, shuffled.truth)


def test_a_label_counts_as_it_came_last_and_strangers_count_as_nothing():
    predictions, labels = a_day(50)
    corrected = labels.iloc[[0]].assign(left=1 - labels["left"].iloc[0])
    strangers = pd.DataFrame({"row_id": ["x1", "x2"], "left": [1, 0]})
    found = joined(predictions, pd.concat([labels, corrected, strangers]))
    assert len(found.truth) == 50
    assert found.truth[0] == 1 - labels["left"].iloc[0]
    assert found.strangers == 2


def test_an_answer_that_is_no_number_is_left_out_and_told(on):
    predictions, labels = a_day(300)
    predictions.loc[:9, "prediction"] = np.nan
    assert joined(predictions, labels).unusable == 10
    assert "10 labelled rows have no finite answer" in judged(predictions, labels, on)["labelled_share"].note


def test_a_column_that_is_missing_is_named():
    predictions, labels = a_day(5)
    with pytest.raises(EvidenceError, match="predictions have no column prediction"):
        joined(predictions.drop(columns="prediction"), labels)
    with pytest.raises(EvidenceError, match="labels have no column row_id"):
        joined(predictions, labels.drop(columns="row_id"))


def test_a_regression_is_judged_by_its_errors(on):
    rng = np.random.default_rng(0)
    ids, truth = [f"r{n}" for n in range(500)], rng.normal(150, 70, 500)
    quality = {"label": "left", "metrics": [{"name": "rmse", "threshold": 60}], "champion_metric": "rmse"}
    spec = a_spec(task="regression", quality=quality)
    for noise, outcome in ((50, PASSED), (80, FAILED)):
        predictions = pd.DataFrame({"row_id": ids, "prediction": truth + rng.normal(0, noise, 500)})
        together = joined(predictions, pd.DataFrame({"row_id": ids, "left": truth}))
        assert performance_result(spec, together, version=1, day=on(1)).measurements[0].outcome is outcome


ARRIVED = {
    "they come": (range(1, 17), 20, PASSED),
    "they are late, within what is waited": (range(1, 7), 20, PASSED),
    "they stopped coming": (range(1, 6), 20, FAILED),
    "they never came": ((), 20, FAILED),
    "nothing has had the time yet": ((), 5, PASSED),
}


@pytest.mark.parametrize(("labelled", "today", "outcome"), ARRIVED.values(), ids=ARRIVED)
def test_labels_that_do_not_come_are_a_note_after_some_days(labelled, today, outcome, on):
    arrived = {on(day): (500, 500 if day in labelled else 0) for day in range(1, today + 1)}
    result = labels_result(arrived, model="churn", version=1, today=on(today), after_days=14)
    assert result.outcome is outcome
    assert (result.certain, result.at_most) == (True, Severity.NOTE)


def test_without_scored_rows_no_label_is_waited_for(on):
    result = labels_result({on(1): (0, 0)}, model="churn", version=1, today=on(90), after_days=14)
    assert result.outcome is UNTOLD
