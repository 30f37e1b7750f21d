"""Thresholds hold the rate that they state, and find what they say they find."""

import json

import numpy as np
import pytest

from slipway.core.verdict import Outcome
from slipway.drift.calibrate import calibrate
from slipway.drift.calibration import Calibration, CalibrationStore, Plan
from slipway.drift.compare import compare
from slipway.drift.distance import Check
from slipway.drift.reference import fit_reference
from slipway.drift.tables import BlockTable, FrameTable, Kind

ROWS, COLUMNS = 400, 8
NAMES = tuple(f"c{at}" for at in range(COLUMNS))
NUMBERS = dict.fromkeys(NAMES, Kind.NUMBER)


def block(rng, rows, place=0.0):
    base = rng.normal(size=(rows, COLUMNS)) + 0.7 * rng.normal(size=(rows, 1)) + place
    base[:, 0] = np.exp(2 * base[:, 0])
    base[:, 1] = np.round(base[:, 1])
    return base


def alarms(reference, calibration, windows):
    tables = (BlockTable(window, NAMES) for window in windows)
    found = [compare(reference, calibration, table, workers=1) for table in tables]
    return sum(result.outcome is Outcome.FAILED for result in found)


def test_quiet_windows_alarm_no_more_than_stated():
    rng = np.random.default_rng(5)
    reference = fit_reference(BlockTable(block(rng, 20_000), NAMES), NUMBERS)
    calibration = calibrate(reference, Plan(rows=ROWS, alarms_per_month=6.0, draws=1000))
    # Stated: at most a fifth. 300 nights, so chance adds 4.2 points twice at most.
    seen = alarms(reference, calibration, (block(rng, ROWS) for _ in range(300)))
    assert 10 <= seen <= 75


def test_days_that_differ_alarm_when_they_are_not_told_apart_and_not_when_they_are():
    rng = np.random.default_rng(6)
    days = 20

    def day():
        return block(rng, ROWS, place=0.15 * rng.normal(size=COLUMNS))

    table = BlockTable(np.vstack([day() for _ in range(days)]), NAMES)
    told = fit_reference(table, NUMBERS, days=np.repeat(np.arange(days), ROWS))
    untold = fit_reference(table, NUMBERS)
    plan = Plan(rows=ROWS, alarms_per_month=3.0, draws=1000)
    nights = [day() for _ in range(100)]
    assert alarms(told, calibrate(told, plan), nights) <= 18
    assert alarms(untold, calibrate(untold, plan), nights) > 50


def test_the_shift_that_is_stated_is_found_and_a_third_of_it_is_not():
    rng = np.random.default_rng(7)
    whole = block(rng, 20_000)
    reference = fit_reference(BlockTable(whole, NAMES), NUMBERS)
    calibration = calibrate(reference, Plan(rows=ROWS, draws=1000))
    found = {1.0: 0, 0.3: 0}
    for night in range(120):
        at = 2 + night % 6
        for part in found:
            window = block(rng, ROWS)
            window[:, at] += part * calibration.columns[NAMES[at]].shift_found * whole[:, at].std()
            found[part] += alarms(reference, calibration, [window])
    assert found[1.0] >= 108  # 95 in 100 stated; 108 is three standard errors below
    assert found[0.3] <= 60


def test_the_missing_share_that_is_stated_is_found(reference, calibration, rows_of):
    share = calibration.columns["amount"].missing_found
    hits = 0
    for night in range(60):
        window = rows_of(1000, 100 + night)
        window.loc[np.random.default_rng(night).random(1000) < share, "amount"] = np.nan
        drifted = compare(reference, calibration, FrameTable(window)).drifted
        hits += any(m.name == "drift.missing.amount" for m in drifted)
    assert hits >= 52


def test_the_same_seed_gives_the_same_thresholds_and_another_seed_others(reference):
    plans = [Plan(rows=500, draws=300, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (calibrate(reference, plan, workers=2) for plan in plans)
    assert first == again
    assert first.critical != other.critical


@pytest.mark.parametrize(("few", "many"), [(200, 2000), (2000, 20_000)])
def test_more_rows_make_narrower_thresholds(reference, few, many):
    wide, narrow = (calibrate(reference, Plan(rows=rows, draws=300)) for rows in (few, many))
    for name, thresholds in wide.columns.items():
        assert thresholds.limits[Check.DISTRIBUTION] > narrow.columns[name].limits[Check.DISTRIBUTION]
        assert thresholds.shift_found >= narrow.columns[name].shift_found


def test_fewer_alarms_ask_for_wider_thresholds_and_say_when_these_are_extrapolated(reference):
    often, seldom = (calibrate(reference, Plan(rows=500, draws=300, alarms_per_month=r)) for r in (10.0, 0.05))
    assert not often.extrapolated
    assert seldom.extrapolated
    assert seldom.critical > often.critical


def test_a_calibration_survives_json(calibration):
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_the_store_keeps_a_calibration_for_its_reference_and_plan_only(tmp_path, reference, calibration, rows_of):
    store = CalibrationStore(tmp_path / "kept")
    assert store.find(reference, calibration.plan) is None
    path = store.keep(calibration)
    assert store.find(reference, calibration.plan) == calibration
    assert store.find(reference, Plan(rows=1001, labelled=400, draws=1000)) is None
    other = fit_reference(FrameTable(rows_of(5000, 9)), {"age": Kind.NUMBER})
    assert store.find(other, calibration.plan) is None
    path.write_text("{", encoding="utf-8")
    assert store.find(reference, calibration.plan) is None
