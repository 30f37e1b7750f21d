import itertools

import numpy as np
import pytest

from slipway.core.signature import Column, DType, Output, Signature
from slipway.core.verdict import Outcome
from slipway.drift.calibration import CalibrationStore
from slipway.drift.run import ANSWERS_SHARE, Effort, Watched, Window, sampling, watch_drift
from slipway.drift.tables import FrameTable, Kind

QUICK = Effort(draws=200)


@pytest.fixture
def watched(kinds):
    return Watched(kinds=kinds, prediction="score")


def window(frame, **rest):
    return Window(table=FrameTable(frame), **rest)


def test_what_is_watched_follows_from_the_signature():
    inputs = (Column(name="age", dtype=DType.INT), Column(name="place", dtype=DType.STRING))
    signature = Signature(inputs=inputs, output=Output(name="risk"))
    inputs, answer = Watched.inputs_of(signature), Watched.answer_of(signature)
    assert (inputs.kinds, inputs.prediction) == ({"age": Kind.NUMBER, "place": Kind.CATEGORY}, None)
    assert (answer.kinds, answer.prediction) == ({"risk": Kind.NUMBER}, "risk")


def test_comparisons_that_share_a_night_share_its_alarms_and_its_time():
    effort = Effort(alarms_per_month=1.0, budget_s=120.0, seed=3)
    parts = effort.share(1 - ANSWERS_SHARE), effort.share(ANSWERS_SHARE)
    assert sum(part.alarms_per_month for part in parts) == pytest.approx(1.0)
    assert sum(part.budget_s for part in parts) == pytest.approx(120.0)
    assert parts[0].seed == 3
    assert Effort().share(0.5).budget_s is None


def test_a_quiet_night_passes_and_a_shifted_one_fails(watched, rows_of):
    reference = window(rows_of(5000, 1))
    quiet = watch_drift(watched, reference, window(rows_of(1000, 2)), effort=QUICK)
    moved = rows_of(1000, 3)
    drifted = watch_drift(watched, reference, window(moved.assign(age=moved["age"] + 5)), effort=QUICK)
    assert (quiet.outcome, drifted.outcome) == (Outcome.PASSED, Outcome.FAILED)
    assert quiet.details["sampling"] == {"rows": 1000, "used": 1000, "share_error": 0.0}


NOTHING = {
    "no reference": (None, 1000, "no reference"),
    "an empty reference": (0, 1000, "no reference"),
    "a small reference": (50, 1000, "too small"),
    "an empty day": (2000, 0, "empty"),
    "a short day": (2000, 40, "wait for more rows"),
}


@pytest.mark.parametrize(("had", "rows", "said"), NOTHING.values(), ids=NOTHING)
def test_too_little_is_inconclusive_with_what_to_do(watched, rows_of, had, rows, said):
    reference = None if had is None else window(rows_of(had, 1))
    result = watch_drift(watched, reference, window(rows_of(rows, 2)), effort=QUICK)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert said in result.sentence


def test_a_calibration_is_kept_for_the_next_night_of_about_as_many_rows(watched, rows_of, tmp_path):
    store = CalibrationStore(tmp_path)
    for rows, files in ((1000, 1), (1030, 1), (2000, 2)):
        watch_drift(watched, window(rows_of(3000, 1)), window(rows_of(rows, rows)), effort=QUICK, store=store)
        assert len(list(tmp_path.iterdir())) == files


def test_late_labels_are_judged_with_the_reference_s_own(watched, rows_of, losses_of):
    reference = window(rows_of(3000, 1), losses=losses_of(3000, 1))
    for factor, outcome in ((1.0, Outcome.PASSED), (2.0, Outcome.FAILED)):
        current = window(rows_of(1000, 2), losses=factor * losses_of(300, 2))
        result = watch_drift(watched, reference, current, effort=QUICK)
        assert next(m for m in result.measurements if m.name == "drift.performance").outcome is outcome


def slow_clock(seconds):
    ticks = itertools.count(0.0, seconds)
    return lambda: next(ticks)


def test_a_budget_that_does_not_suffice_samples_both_sides_and_states_the_error(watched, rows_of):
    days = np.repeat(np.arange(10), 6000)
    reference = window(rows_of(60_000, 1), days=days, losses=np.ones(60_000))
    current = rows_of(50_000, 2)
    effort = Effort(draws=200, budget_s=9.0)
    result = watch_drift(
        watched, reference, window(current.assign(age=current["age"] + 3)), effort=effort, clock=slow_clock(1.0)
    )
    used = result.details["sampling"]["used"]
    assert 20_000 <= used < 50_000
    assert result.details["sampling"]["share_error"] == pytest.approx(0.98 / np.sqrt(used), rel=0.5)
    assert result.details["reference_days"] == 10
    assert result.drifted[0].name == "drift.age"


def test_a_budget_that_suffices_takes_all_rows(watched, rows_of):
    effort = Effort(draws=200, budget_s=1000.0)
    result = watch_drift(watched, window(rows_of(30_000, 1)), window(rows_of(25_000, 2)), effort=effort)
    assert result.details["sampling"]["used"] == 25_000


@pytest.mark.parametrize(("used", "rows", "error"), [(100, 100, 0.0), (0, 0, 0.0), (10_000, 10_000_000, 0.0098)])
def test_the_sampling_error_is_nought_when_all_rows_are_used(used, rows, error):
    assert sampling(used, rows)["share_error"] == pytest.approx(error, abs=1e-4)
