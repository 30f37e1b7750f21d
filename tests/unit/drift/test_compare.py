"""What a comparison says of each kind of fault, of none, and of too little data."""

import json

import numpy as np
import pandas as pd
import pytest

from slipway.core.verdict import Outcome
from slipway.drift.calibrate import calibrate
from slipway.drift.calibration import Plan
from slipway.drift.compare import compare, enough
from slipway.drift.reference import fit_reference
from slipway.drift.result import DriftResult
from slipway.drift.tables import FrameTable, Kind

FAULTS = {
    "mean": (lambda f: f.assign(age=f["age"] + 5), "drift.age"),
    "variance": (lambda f: f.assign(age=50 + 1.5 * (f["age"] - 50)), "drift.age"),
    "heavy tail scaled": (lambda f: f.assign(amount=2 * f["amount"]), "drift.amount"),
    "stuck sensor": (lambda f: f.assign(amount=f["amount"].where(f.index % 20 != 0, 1.0)), "drift.value.amount"),
    "unheard-of value": (lambda f: f.assign(age=f["age"].where(f.index % 40 != 0, -1.0)), "drift.value.age"),
    "missing rate": (lambda f: f.assign(age=f["age"].where(f.index % 8 != 0)), "drift.missing.age"),
    "first missing values": (lambda f: f.assign(visits=f["visits"].where(f.index % 25 != 0)), "drift.missing.visits"),
    "category mix": (lambda f: f.assign(place=f["place"].where(f.index % 5 != 0, "east")), "drift.place"),
    "new category": (lambda f: f.assign(place=f["place"].where(f.index % 20 != 0, "west")), "drift.place"),
    "flag always set": (lambda f: f.assign(insured=True), "drift.insured"),
    "answers moved": (lambda f: f.assign(score=f["score"] ** 2), "drift.prediction"),
}


def judged(reference, calibration, frame, **rest):
    return compare(reference, calibration, FrameTable(frame), prediction="score", **rest)


def test_a_quiet_window_passes_and_says_how_little_it_would_have_found(reference, calibration, rows_of):
    result = judged(reference, calibration, rows_of(1000, 77))
    assert result.outcome is Outcome.PASSED
    assert "95 times in 100" in result.sentence
    assert {m.name for m in result.measurements} >= {"drift.age", "drift.missing.age", "drift.value.age"}
    assert {m.name for m in result.measurements} >= {"drift.prediction", "drift.missing.prediction", "drift.rows"}


@pytest.mark.parametrize(("fault", "name"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_and_its_column_comes_first(reference, calibration, rows_of, fault, name):
    result = judged(reference, calibration, fault(rows_of(1000, 78)))
    assert result.outcome is Outcome.FAILED
    assert name in {m.name for m in result.drifted}
    assert result.columns[0].measured == name.split(".")[-1]
    assert result.columns[0].measured in result.sentence


def test_a_fault_in_one_column_does_not_touch_the_others(reference, calibration, rows_of):
    result = judged(reference, calibration, rows_of(1000, 79).assign(amount=0.0))
    assert {m.name.split(".")[-1] for m in result.drifted} == {"amount"}


FEW = {
    "empty day": (0, "the window is empty"),
    "few rows": (99, "wait for more rows"),
}


@pytest.mark.parametrize(("rows", "said"), FEW.values(), ids=FEW)
def test_too_little_to_compare_is_inconclusive_and_says_what_to_do(reference, calibration, rows_of, rows, said):
    result = judged(reference, calibration, rows_of(rows, 1))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert said in result.sentence
    assert not result.columns


@pytest.mark.parametrize(
    ("rows", "days", "said"), [(0, 0, "no reference"), (50, 0, "too small"), (500, 5, "too few reference days")]
)
def test_a_reference_that_is_none_or_small_or_of_few_days_is_inconclusive(rows, days, said):
    unsure = [m for m in enough(rows, 500, days=days) if m.outcome is Outcome.INCONCLUSIVE]
    assert len(unsure) == 1
    assert said in unsure[0].note


UPSTREAM = {
    "column gone": (lambda f: f.drop(columns="age"), "not in both"),
    "text instead of numbers": (lambda f: f.assign(age="fifty"), "another type"),
    "nothing but gaps": (lambda f: f.assign(place=None), "too few known values"),
}


@pytest.mark.parametrize(("change", "said"), UPSTREAM.values(), ids=UPSTREAM)
def test_a_schema_change_upstream_is_never_a_pass_and_the_others_are_judged(
    reference, calibration, rows_of, change, said
):
    result = judged(reference, calibration, change(rows_of(1000, 80)))
    unsure = [m for m in result.measurements if m.outcome is Outcome.INCONCLUSIVE]
    assert result.outcome is not Outcome.PASSED
    assert len(unsure) == 1
    assert said in unsure[0].note
    assert next(m for m in result.measurements if m.name == "drift.amount").outcome is Outcome.PASSED


PERFORMANCE = {
    "as before": (1.0, 400, Outcome.PASSED),
    "worse by half": (1.5, 400, Outcome.FAILED),
    "better": (0.5, 400, Outcome.PASSED),
    "few labels": (1.5, 50, Outcome.INCONCLUSIVE),
    "no labels yet": (1.0, 0, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("factor", "rows", "outcome"), PERFORMANCE.values(), ids=PERFORMANCE)
def test_performance_is_judged_once_there_are_labels(reference, calibration, rows_of, losses_of, factor, rows, outcome):
    result = judged(reference, calibration, rows_of(1000, 81), losses=factor * losses_of(rows, 5))
    found = next(m for m in result.measurements if m.name == "drift.performance")
    assert found.outcome is outcome
    assert found.n == rows
    assert found.note


def test_performance_without_labels_in_the_reference_is_inconclusive(rows_of, losses_of):
    reference = fit_reference(FrameTable(rows_of(2000, 1)), {"age": Kind.NUMBER})
    calibration = calibrate(reference, Plan(rows=500, labelled=400, draws=200))
    result = compare(reference, calibration, FrameTable(rows_of(500, 2)), losses=losses_of(400, 1))
    assert "no labels" in next(m for m in result.measurements if m.name == "drift.performance").note


def test_labels_that_nobody_asks_for_are_not_missed(reference, calibration, rows_of):
    names = {m.name for m in judged(reference, calibration, rows_of(1000, 82)).measurements}
    assert "drift.performance" not in names


def test_an_input_called_prediction_keeps_a_name_of_its_own(rows_of):
    kinds = {"prediction": Kind.NUMBER, "score": Kind.NUMBER}

    def table(seed):
        return FrameTable(rows_of(1000, seed).rename(columns={"age": "prediction"}))

    reference = fit_reference(table(1), kinds)
    result = compare(reference, calibrate(reference, Plan(rows=1000, draws=200)), table(2), prediction="score")
    names = [m.name for m in result.measurements]
    assert len(names) == len(set(names))
    assert {"drift.prediction", "drift.input.prediction"} <= set(names)


def test_a_column_that_is_half_missing_has_its_threshold_widened(reference, calibration, rows_of):
    whole = rows_of(1000, 83)
    half = whole.assign(amount=whole["amount"].where(whole.index % 2 == 0))
    limits = [
        next(m for m in judged(reference, calibration, frame).measurements if m.name == "drift.amount").threshold
        for frame in (whole, half)
    ]
    assert limits[1] > 1.3 * limits[0]


def test_constant_columns_and_single_names_pass_when_they_stay_and_fail_when_they_move():
    frame = pd.DataFrame({"x": np.ones(2000), "name": ["only"] * 2000})
    reference = fit_reference(FrameTable(frame), {"x": Kind.NUMBER, "name": Kind.CATEGORY})
    calibration = calibrate(reference, Plan(rows=1000, draws=200))
    still, one, moved = (frame.head(1000).copy() for _ in range(3))
    one.loc[0, "x"] = 2.0
    moved.loc[:50, "x"], moved.loc[:50, "name"] = 2.0, "other"
    outcomes = [compare(reference, calibration, FrameTable(f)).outcome for f in (still, one, moved)]
    assert outcomes == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED]


def test_a_result_survives_json(reference, calibration, rows_of, losses_of):
    result = judged(reference, calibration, rows_of(1000, 84).assign(place=None), losses=losses_of(400, 1))
    again = DriftResult.from_json(json.loads(json.dumps(result.to_json())))
    assert again == result
    assert again.outcome is result.outcome
