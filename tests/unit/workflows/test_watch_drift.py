"""A night's two comparisons: the inputs beside all rows, the answers beside those that were held out."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway.core.operations_spec import MonitoringSpec
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.verdict import Outcome
from slipway.workflows.scoring_run import Answering
from slipway.workflows.watch_drift import DRIFT, PREDICTION_DRIFT, drift_results
from tests.unit.workflows.conftest import IMAGE, TUNED

ABOUT = {"model": "churn", "version": 1, "day": date(2026, 3, 1)}
ANSWER = "p_leaves"


def rows(count, seed, answers=(2, 5)):
    rng = np.random.default_rng(seed)
    spend = np.where(rng.random(count) < 0.1, np.nan, rng.normal(0, 2, count))
    return pd.DataFrame({"tenure": rng.uniform(0, 100, count), "spend": spend, ANSWER: rng.beta(*answers, count)})


@pytest.fixture
def answering(bench):
    """Version 1, which has answered its reference already; of its fitted rows it was surer than of others."""
    subject = bench.registry.files("churn", 1).subject.with_image(IMAGE)
    kept = bench.settings.var / "monitoring" / "churn" / f"reference-v1-{IMAGE.removeprefix('sha256:')[:16]}"
    kept.mkdir(parents=True)
    rows(2000, 1)[["tenure", "spend"]].to_parquet(kept / "inputs.parquet")
    rows(400, 2)[[ANSWER]].to_parquet(kept / "answers.parquet")
    image = BuiltImage(
        digest=IMAGE, reference=IMAGE, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=IMAGE
    )
    return Answering(subject=subject, image=image, options=TUNED)


@pytest.fixture
def watch(bench, answering):
    """Judge a day's rows; the results by check."""

    def judge(frame):
        found = drift_results(bench, MonitoringSpec(), answering, frame, folder=Path("churn/2026-03-01"), about=ABOUT)
        return {result.check: result for result in found}

    return judge


DAYS = {
    "a quiet day": (rows(1000, 3), Outcome.PASSED, Outcome.PASSED),
    "inputs that moved": (rows(1000, 4).eval("tenure = tenure * 0.5"), Outcome.FAILED, Outcome.PASSED),
    "answers that moved": (rows(1000, 5, answers=(5, 2)), Outcome.PASSED, Outcome.FAILED),
}


@pytest.mark.parametrize(("frame", "inputs", "answers"), DAYS.values(), ids=DAYS)
def test_inputs_and_answers_are_judged_apart(watch, frame, inputs, answers):
    found = watch(frame)
    assert {check: result.outcome for check, result in found.items()} == {DRIFT: inputs, PREDICTION_DRIFT: answers}
    assert {cause.split(".")[0] for cause in found[PREDICTION_DRIFT].causes.values()} == {PREDICTION_DRIFT}


def test_too_few_rows_are_one_cause_and_not_two(watch):
    found = watch(rows(40, 6))
    assert list(found) == [DRIFT]
    assert found[DRIFT].outcome is Outcome.INCONCLUSIVE


def test_each_has_its_page_with_its_share_of_the_false_alarms(bench, watch):
    found = watch(rows(1000, 7))
    for check, share in ((DRIFT, "0.8"), (PREDICTION_DRIFT, "0.2")):
        page = bench.settings.reports / found[check].report
        text = page.read_text()
        assert f">{share}<" in text
        assert f"evidently-{page.name}" in text
        assert page.with_name(f"evidently-{page.name}").is_file()


def test_a_second_night_takes_the_kept_calibration(bench, watch):
    watch(rows(1000, 8))
    calibrations = bench.settings.var / "monitoring" / "churn" / "calibrations"
    before = {path: path.stat().st_mtime_ns for path in calibrations.iterdir()}
    watch(rows(1010, 9))
    assert {path: path.stat().st_mtime_ns for path in calibrations.iterdir()} == before
    assert len(before) == 2
