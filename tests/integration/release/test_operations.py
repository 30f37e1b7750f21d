"""After a release: days are scored by the image that passed the gates, watched at night, and a drift is told once."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from slipway.cli.demo_monitoring import MODEL
from slipway.monitoring import tables
from slipway.monitoring.store import MonitoringStore
from slipway.quality.snapshot import read_table
from slipway.replay.files import write_days
from slipway.replay.generator import Replay
from slipway.replay.shifts import Shift, ShiftKind
from slipway.workflows.workbench import Workbench

pytestmark = [pytest.mark.slow, pytest.mark.alone]

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS, DRIFTS_ON, ROWS = 4, 3, 400
DRIFTING = "worst_texture"
OUTPUT = "p_malignant"


def day(number):
    return (FIRST + timedelta(days=number - 1)).date().isoformat()


@pytest.fixture(scope="module")
def inputs(site, champions):
    """Four days of rows below the site's folder, drifting from the third; the folder."""
    bench = Workbench(site.settings)
    files = bench.registry.files(MODEL, site.champion(MODEL))
    replay = Replay(
        spec=bench.spec(MODEL),
        base=pd.concat([read_table(files.train), read_table(files.holdout)], ignore_index=True),
        first_day=FIRST.date(),
        rows_per_day=ROWS,
        label_delay_days=1,
        shifts=(Shift(ShiftKind.MEAN, DRIFTING, 1.5, from_day=DRIFTS_ON),),
    )
    folder = site.var / "data" / MODEL
    write_days(replay, range(1, DAYS + 1), folder)
    return folder / "inputs"


@pytest.fixture(scope="module")
def scored(site, inputs):
    """All days scored; two rows of the second were spoilt on the way."""
    second = inputs / f"{day(2)}.parquet"
    frame = pd.read_parquet(second)
    frame.loc[7, "mean_radius"] = None
    frame.loc[9, "worst_area"] = 1.0
    frame.to_parquet(second)
    for number in range(1, DAYS + 1):
        site.run("score", MODEL, "--from", day(number))
    return site.var / "data" / MODEL / "scores"


def answers(scored, number):
    return pd.concat(
        [pd.read_parquet(path) for path in scored.rglob(f"{day(number).replace('-', '')}T*/part-*.parquet")]
    )


def entries(site, kind):
    return [entry for entry in site.entries(MODEL) if entry["kind"] == kind]


def test_every_row_is_answered_by_the_image_that_was_judged_and_carries_its_stamp(site, scored):
    found, version = answers(scored, 1), site.champion(MODEL)
    assert len(found) == found["row_id"].nunique() > 0.95 * ROWS
    assert found[OUTPUT].between(0, 1).all()
    assert set(found["model_version"]) == {version}
    judged = {e["subject"]["image_digest"] for e in site.evidence(MODEL, version)} - {None}
    assert set(found["image_digest"]) <= judged


def test_the_answers_are_those_of_the_gateway(site, scored, inputs):
    rows = pd.read_parquet(inputs / f"{day(1)}.parquet")
    rows = rows[rows["row_id"].isin(answers(scored, 1)["row_id"])].head(5)
    names = [column.name for column in Workbench(site.settings).spec(MODEL).to_signature().inputs]
    file = site.var / "five.json"
    file.write_text(rows[names].to_json(orient="records", double_precision=15))
    told = site.json("predict", MODEL, "--file", str(file))["predictions"]
    kept = answers(scored, 1).set_index("row_id").loc[rows["row_id"], OUTPUT]
    assert kept.tolist() == pytest.approx(told, rel=1e-9)


def test_bad_rows_are_set_aside_with_their_reason_and_the_others_are_answered(site, scored, inputs):
    (path,) = (site.var / "scoring" / "quarantine" / MODEL).rglob(f"{day(2).replace('-', '')}T*/part-*.parquet")
    aside = pd.read_parquet(path)
    reasons = aside.set_index("row_id")["quarantine_reason"]
    spoilt = pd.read_parquet(inputs / f"{day(2)}.parquet").loc[[7, 9], "row_id"]
    assert "mean_radius" in reasons[spoilt[7]] and "worst_area" in reasons[spoilt[9]]
    assert reasons.notna().all()
    answered = answers(scored, 2)["row_id"]
    assert set(answered).isdisjoint(reasons.index)
    assert len(answered) + len(aside) == ROWS


def test_an_interval_that_is_scored_again_replaces_its_own_rows_and_no_others(site, scored):
    before = answers(scored, 3).set_index("row_id")[OUTPUT]
    site.run("score", MODEL, "--from", day(3))
    after = answers(scored, 3).set_index("row_id")[OUTPUT]
    assert after.sort_index().equals(before.sort_index())


def test_a_day_without_rows_ends_well_and_is_recorded(site, scored):
    site.run("score", MODEL, "--from", "2026-05-01")
    assert entries(site, "scoring")[-1]["payload"]["rows"] == {"read": 0, "written": 0, "set_aside": 0}


def test_a_source_that_is_not_there_fails_with_what_to_do(site, scored):
    folder, before = site.var / "data" / MODEL, len(answers(scored, 1))
    (folder / "inputs").rename(folder / "away")
    try:
        done = site.run("score", MODEL, "--from", day(1), check=False)
    finally:
        (folder / "away").rename(folder / "inputs")
    assert done.returncode == 1
    assert "What to do" in done.stdout + done.stderr
    assert len(answers(scored, 1)) == before


@pytest.fixture(scope="module")
def watched(site, scored):
    """Every day judged, one night after the other; the open alerts after each."""
    told = []
    for number in range(1, DAYS + 1):
        site.run("monitor", MODEL, "--day", day(number))
        told.append(site.json("alerts", MODEL))
    return told


def test_quiet_days_raise_no_alert_and_a_drift_raises_one(watched):
    assert [len(alerts) for alerts in watched[: DRIFTS_ON - 1]] == [0, 0]
    drift = [alert for alert in watched[-1] if alert["cause"] == f"drift.{DRIFTING}"]
    assert len(drift) == 1
    assert drift[0]["severity"] == "page"
    assert drift[0]["first_seen"] == day(DRIFTS_ON)
    assert drift[0]["next_step"]


def test_inputs_are_compared_with_all_rows_and_answers_with_those_that_were_held_out(site, watched):
    version = site.champion(MODEL)
    files = Workbench(site.settings).registry.files(MODEL, version)
    fitted, held_out = pd.read_parquet(files.train), pd.read_parquet(files.holdout)
    (kept,) = (site.var / "monitoring" / MODEL).glob(f"reference-v{version}-*")
    inputs, answers = pd.read_parquet(kept / "inputs.parquet"), pd.read_parquet(kept / "answers.parquet")
    assert len(fitted) < len(inputs) <= len(fitted) + len(held_out)
    assert 0.9 * len(held_out) < len(answers) <= len(held_out)
    assert (list(answers), OUTPUT in inputs) == ([OUTPUT], False)


def test_a_night_done_twice_says_nothing_twice(site, watched):
    def notices():
        told = sa.select(tables.notices.c.key, tables.notices.c.route, tables.notices.c.attempts)
        with sa.create_engine(site.settings.monitoring_url).connect() as database:
            return sorted(tuple(row) for row in database.execute(told))

    before = notices()
    assert before
    site.run("monitor", MODEL, "--day", day(DAYS))
    assert notices() == before
    assert site.json("alerts", MODEL) == watched[-1]


def test_the_pages_of_a_night_are_there(site, watched):
    folder = site.settings.reports / MODEL / "monitoring"
    trend = (folder / "trend.html").read_text()
    assert DRIFTING in trend
    version = site.champion(MODEL)
    night = folder / day(DAYS)
    for name in (f"drift-v{version}.html", f"evidently-drift-v{version}.html"):
        assert (night / name).stat().st_size > 10_000
    assert (night / f"evidently-prediction-drift-v{version}.html").stat().st_size > 10_000
    said = (night / f"prediction-drift-v{version}.html").read_text()  # of one column, so a small one
    assert "<h1>Prediction drift" in said
    assert "<code>prediction</code>" in said
    assert f'href="evidently-prediction-drift-v{version}.html"' in said


def test_labels_that_came_late_are_judged(site, watched):
    store = MonitoringStore(site.settings.monitoring_url)
    runs = store.runs(MODEL, since=FIRST.date(), until=FIRST.date() + timedelta(days=DAYS))
    judged = {run.day.isoformat() for run in runs if run.check == "performance" and run.outcome is not None}
    assert judged == {day(number) for number in range(1, DAYS)}


def test_nothing_that_scored_or_watched_is_left_running(site, watched):
    names = [handle.name for handle in Workbench(site.settings).runtime.list()]
    assert not [name for name in names if "-score-" in name or name.endswith("-watch")]
    site.run("ledger", "verify")
