import json

import numpy as np
import pytest

from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Outcome, decide
from slipway.errors import ArtifactError
from slipway.quality.evaluate import Rival, evaluate, judge, labels
from slipway.quality.evaluate_report import render

SUBJECT = Subject(model="toy_model", version=4, artifact_sha256="sha256:" + "a" * 64)


def good_answers(toy, frame):
    return np.asarray(eval(toy.GOOD, {"np": np, "frame": frame}))


@pytest.fixture
def judged(toy):
    def run(change=lambda p, frame: p, *, rival=None, rows=400, trained_on=None, **quality):
        frame = toy.frame(rows, seed=2)
        spec, right = toy.spec(**quality), good_answers(toy, frame)
        other = None
        if rival is not None:
            trained = np.zeros(rows, dtype=bool) if trained_on is None else trained_on
            other = Rival(name="champion", predicted=rival(right, frame), trained_on=trained)
        return judge(spec, frame, labels(frame, spec), change(right, frame), rival=other)

    return run


def stopped_by(quality):
    return {m.name: m.outcome for m in quality.measurements if m.outcome not in (None, Outcome.PASSED)}


def random_answers(p, frame):
    return np.random.default_rng(0).random(len(p))


def blurred(p, frame):
    return np.clip(p + np.random.default_rng(0).normal(0, 0.35, len(p)), 0, 1)


def wrong_for_the_old(p, frame):
    return np.where(frame["age"] >= 55, 1 - p, p)


def with_nan(p, frame):
    return np.where(np.arange(len(p)) == 7, np.nan, p)


def same(p, frame):
    return p


def one_of_two_alike(seed):
    return lambda p, frame: np.clip(p + np.random.default_rng(seed).normal(0, 0.05, len(p)), 0, 1)


STOPPED = {
    "random answers": (random_answers, None, {"roc_auc", "accuracy"}),
    "biased on one slice": (
        wrong_for_the_old,
        None,
        {"slice.age ≥ 55.accuracy", "fairness.age.accuracy_difference"},
    ),
    "one answer that is not finite": (with_nan, None, {"predictions.not_finite"}),
    "clearly worse than the champion": (blurred, same, {"champion.roc_auc_difference"}),
}


@pytest.mark.parametrize(("change", "rival", "names"), STOPPED.values(), ids=STOPPED)
def test_a_model_that_is_not_good_enough_fails(judged, change, rival, names):
    stopped = stopped_by(judged(change, rival=rival))
    assert dict.fromkeys(names, Outcome.FAILED).items() <= stopped.items()


LET_THROUGH = {
    "the first release": (same, None),
    "the same as the champion": (same, same),
    "as good as the champion": (one_of_two_alike(0), one_of_two_alike(1)),
    "better than the champion": (same, blurred),
}


@pytest.mark.parametrize(("change", "rival"), LET_THROUGH.values(), ids=LET_THROUGH)
def test_a_good_model_is_let_through(judged, change, rival):
    quality = judged(change, rival=rival)
    assert stopped_by(quality) == {}
    assert quality.details["first_release"] is (rival is None)


def test_a_model_worse_than_the_champion_within_the_margin_is_let_through(judged):
    assert "champion.roc_auc_difference" in stopped_by(judged(blurred, rival=same))
    assert "champion.roc_auc_difference" not in stopped_by(judged(blurred, rival=same, champion_margin=0.2))


def test_a_version_just_as_poor_as_the_champion_is_still_held_to_the_thresholds(judged):
    assert set(stopped_by(judged(random_answers, rival=random_answers))) >= {"roc_auc", "accuracy"}


def test_too_few_rows_decide_nothing(judged):
    quality = judged(rows=40)
    assert decide(quality.measurements).outcome is Outcome.INCONCLUSIVE


STANDS_ON = {
    "recall on the positives": ("recall", {"rows": 400}, lambda truth, p: int(truth.sum()), Outcome.PASSED),
    "precision on the predicted": ("precision", {"rows": 400}, lambda truth, p: int((p >= 0.5).sum()), Outcome.PASSED),
    "accuracy on all": ("accuracy", {"rows": 400}, lambda truth, p: len(p), Outcome.PASSED),
    "recall on few": ("recall", {"rows": 52}, lambda truth, p: int(truth.sum()), Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("name", "rows", "n", "outcome"), STANDS_ON.values(), ids=STANDS_ON)
def test_a_metric_counts_the_rows_that_it_stands_on(judged, name, rows, n, outcome):
    quality = judged(**rows, metrics=[{"name": name, "threshold": 0.6}], min_rows=50)
    (found,) = (m for m in quality.measurements if m.name == name)
    assert (found.n, found.outcome) == (n(quality.scored.truth, quality.scored.predicted), outcome)
    assert found.n < rows["rows"] or name == "accuracy"


def test_rows_that_the_champion_was_trained_on_are_left_out(judged):
    quality = judged(rival=same, trained_on=np.arange(400) < 300)
    facts = quality.details["champion"]
    assert (facts["rows_trained_on"], facts["rows_trained_on_excluded"], facts["rows_compared"]) == (300, True, 100)


def test_all_rows_are_compared_when_too_few_are_new_to_the_champion(judged):
    facts = judged(rival=same, trained_on=np.arange(400) < 380).details["champion"]
    assert (facts["rows_trained_on"], facts["rows_trained_on_excluded"], facts["rows_compared"]) == (380, False, 400)


def test_no_answer_at_all_decides_nothing_and_still_has_a_report(judged, toy):
    quality = judged(lambda p, frame: np.full(len(p), np.nan), rival=same)
    assert {o for n, o in stopped_by(quality).items() if n != "predictions.not_finite"} == {Outcome.INCONCLUSIVE}
    assert "no finite prediction" in render(quality, spec=toy.spec(), subject=SUBJECT)


LABELS = {
    "absent": lambda f: f.drop(columns="malignant"),
    "missing in a row": lambda f: f.assign(malignant=f["malignant"].where(f.index > 0)),
    "a third class": lambda f: f.assign(malignant=f["malignant"] + 1),
    "text": lambda f: f.assign(malignant="yes"),
}


@pytest.mark.parametrize("change", LABELS.values(), ids=LABELS)
def test_a_holdout_without_usable_labels_is_an_artifact_error(toy, change):
    with pytest.raises(ArtifactError):
        labels(change(toy.frame(60, seed=2)), toy.spec())


def test_a_version_is_evaluated_beside_its_champion_end_to_end(make, toy):
    shared = toy.frame(400, seed=2)
    challenger = make.version(expression=toy.GOOD)
    champion = make.version(train=shared.head(100), expression="1 - " + toy.GOOD)
    findings = evaluate(files=challenger, spec=toy.spec(), champion=champion, out=make.root / "out")
    assert decide(findings.measurements).outcome is Outcome.PASSED
    values = {m.name: m.value for m in findings.measurements}
    assert values["champion.roc_auc"] < 0.2
    assert values["champion.roc_auc_difference"] > 0.6
    assert findings.details["champion"]["rows_trained_on"] == 100
    json.dumps(findings.details)
    report = (make.root / "out" / "evaluate.html").read_text()
    for part in ("Beside the champion", "Slices", "Fairness", "ROC curve and calibration"):
        assert part in report
    assert "http" not in report


def test_rows_that_were_set_aside_are_counted_and_not_scored(make, toy):
    wrong = toy.frame(400, seed=2)
    wrong.loc[:59, "malignant"] = 1 - wrong.loc[:59, "malignant"]
    wrong.loc[7, "weight"] = np.nan
    version = make.version(holdout=wrong, expression=toy.GOOD)
    whole, kept = (
        evaluate(files=version, spec=toy.spec(), champion=None, out=make.root / name, set_aside=rows)
        for name, rows in (("whole", ()), ("kept", range(60)))
    )
    assert decide(whole.measurements).outcome is Outcome.FAILED
    assert decide(kept.measurements).outcome is Outcome.PASSED
    assert (kept.details["holdout_rows"], kept.details["rows_scored"], kept.details["rows_set_aside"]) == (400, 340, 60)
    counted = {m.name: m for m in kept.measurements}
    assert (counted["rows.set_aside"].value, counted["rows.set_aside"].n) == (60, 400)
    assert {counted[name].n for name in ("roc_auc", "accuracy")} == {340}


def test_a_row_that_is_not_there_cannot_be_set_aside(make, toy):
    version = make.version(expression=toy.GOOD)
    with pytest.raises(ArtifactError, match="row 400 was set aside"):
        evaluate(files=version, spec=toy.spec(), champion=None, out=make.root / "out", set_aside=[400])


def test_a_regression_is_judged_and_drawn(toy):
    data = toy.spec(slices=[], fairness=[]).to_json() | {"task": "regression"}
    data["quality"] |= {
        "metrics": [{"name": "rmse", "threshold": 12}, {"name": "r2", "threshold": 0.9}],
        "champion_metric": "rmse",
        "champion_margin": 0.5,
        "fairness": [{"column": "age", "split_at": 55, "metric": "mean_error", "max_difference": 5}],
    }
    spec = ModelSpec.model_validate(data)
    frame = toy.frame(300, seed=2).assign(malignant=lambda f: f["weight"] * 2)
    truth = labels(frame, spec)
    close = truth + np.random.default_rng(0).normal(0, 10, 300)
    far = truth + np.random.default_rng(1).normal(0, 30, 300)
    none = np.zeros(300, dtype=bool)
    good = judge(spec, frame, truth, close, rival=Rival(name="champion", predicted=far, trained_on=none))
    poor = judge(spec, frame, truth, far, rival=Rival(name="champion", predicted=close, trained_on=none))
    assert stopped_by(good) == {}
    assert {"rmse", "champion.rmse_difference"} <= set(stopped_by(poor))
    assert "Predictions and residuals" in render(good, spec=spec, subject=SUBJECT)


def test_a_version_that_loses_to_a_flattered_champion_was_not_judged_fairly(judged):
    almost_all = np.arange(400) < 390
    lost = judged(blurred, rival=same, trained_on=almost_all)
    held = judged(same, rival=same, trained_on=almost_all)
    assert stopped_by(lost)["champion.roc_auc_difference"] is Outcome.INCONCLUSIVE
    assert stopped_by(held) == {}
    assert lost.details["champion"]["fair"] is False


def test_a_part_that_nobody_declared_is_found_and_drawn(judged, toy):
    quality = judged(lambda p, f: np.where(f["weight"] > 260, 0.35 * p, p), rival=same, slices=[], fairness=[])
    assert stopped_by(quality)["undeclared_parts.bias"] is Outcome.FAILED
    assert "weight" in quality.details["worst_parts"][0]["label"]
    json.dumps(quality.details)
    assert "Hollow: champion" in render(quality, spec=toy.spec(), subject=SUBJECT)


def test_few_rows_are_not_cut_into_parts_and_that_is_said(judged, toy):
    quality = judged(rows=45, rival=same, min_rows=20)
    assert {m.name: m.outcome for m in quality.measurements}["undeclared_parts.bias"] is None
    assert "too few to be cut" in render(quality, spec=toy.spec(), subject=SUBJECT)


def test_the_power_of_the_comparison_is_recorded(judged):
    values = {m.name: m.value for m in judged(one_of_two_alike(0), rival=one_of_two_alike(1)).measurements}
    assert 0 < values["champion.roc_auc_detectable"] < 0.1
    assert 0 <= values["champion.roc_auc_within_margin"] <= 1


def test_a_fairness_difference_has_an_interval(judged):
    details = judged().details
    low, high = details["fairness_intervals"]["fairness.age.accuracy_difference"]
    assert 0 <= low < high < 0.3
