"""Batch scoring around the service: who answers, what each task is told, and what is entered into the ledger."""

import json
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from slipway.core.service import BuiltImage, RuntimeName
from slipway.errors import EvidenceError, GateStopped, SpecError
from slipway.ledger import EntryKind
from slipway.scoring import Counts, Interval, Result, Summary, Target
from slipway.scoring.faults import SourceError
from slipway.workflows.check_scores import check_scores
from slipway.workflows.plan_partitions import plan_partitions
from slipway.workflows.score_partition import InTurn
from slipway.workflows.scoring_run import Assignment, ScoringRun, answering_now, last_summaries, sink_of
from tests.unit.workflows.conftest import IMAGE, TUNED, Bench

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SCORING = {
    "source": {"folder": "data/inputs"},
    "sink": {"folder": "data/scores"},
    "keys": ["row_id"],
    "partition_rows": 100,
    "max_set_aside": 0.1,
}


def no_connection(name):
    raise AssertionError(f"nobody asked for {name}")


def a_run(day=0, run_id="score-1"):
    start = DAY + timedelta(days=day)
    interval = Interval(start, start + timedelta(days=1))
    return ScoringRun(id=run_id, model="churn", interval=interval, connect=no_connection)


@pytest.fixture
def bench(project):
    found = Bench(project(scoring=SCORING))
    found.registry.add("churn", 1)
    yield found
    found.runtime.close()


@pytest.fixture
def serving(bench):
    """Version 1 is in production."""
    subject = bench.registry.files("churn", 1).subject.with_image(IMAGE)
    image = BuiltImage(
        digest=IMAGE, reference=IMAGE, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=IMAGE
    )
    payload = {"release": "r1", "subject": subject.to_json(), "image": image.to_json(), "options": TUNED.to_json()}
    bench.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=1, actor="ada", payload=payload)
    return subject


@pytest.fixture
def rows(bench):
    """Write a day's rows to the source."""

    def write(count, day=0):
        start = DAY + timedelta(days=day)
        frame = pd.DataFrame(
            {
                "row_id": [f"{day}-{n}" for n in range(count)],
                "at": pd.date_range(start, periods=count, freq="s"),
                "tenure": 1.0,
                "spend": 2.0,
            }
        )
        folder = bench.settings.var / "data" / "inputs"
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / f"{day}.parquet", row_group_size=50)

    return write


def result(index=0, *, read=10, aside=0, committed=True, total=5.0):
    written = read - aside
    summary = Summary(rows=written, total=total, low=0.1, high=0.9, bins={50: written})
    counts = Counts(read=read, written=written, set_aside=aside)
    return Result(partition=index, counts=counts, summary=summary, measurements=(), committed=committed)


def test_a_day_is_cut_into_assignments_that_name_the_version_and_how_it_is_started(bench, serving, rows):
    rows(250)
    made = plan_partitions(bench, a_run())
    assert [one.partition.rows for one in made] == [100, 100, 50]
    assert {one.answering.subject for one in made} == {serving}
    assert {one.answering.options for one in made} == {TUNED}


def test_an_assignment_goes_from_task_to_task_as_json(bench, serving, rows):
    rows(10)
    (made,) = plan_partitions(bench, a_run())
    assert Assignment.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_service_has_one_name_however_often_its_task_is_tried(bench, serving, rows):
    rows(150)
    first, second = plan_partitions(bench, a_run(run_id="scheduled__2026-03-02T00:00:00+00:00"))
    assert first.service_name != second.service_name
    assert first.service_name == Assignment.from_json(first.to_json()).service_name
    assert set(first.service_name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_nobody_scores_before_a_version_was_deployed(bench, rows):
    rows(10)
    with pytest.raises(EvidenceError, match="never deployed"):
        plan_partitions(bench, a_run())


CHANGES = {
    "the image": lambda bench: bench.changed.add(IMAGE),
    "the artifact": lambda bench: bench.registry.tamper("churn", 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_bytes_that_changed_since_they_were_judged_score_nothing(bench, serving, rows, change):
    rows(10)
    change(bench)
    with pytest.raises(EvidenceError, match="changed"):
        plan_partitions(bench, a_run())


def test_a_release_in_mid_run_changes_nothing_in_it(bench, serving, rows):
    rows(10)
    (before,) = plan_partitions(bench, a_run())
    bench.registry.add("churn", 2, content=b"newer")
    newer = bench.registry.files("churn", 2).subject.with_image(IMAGE)
    payload = {"release": "r2", "subject": newer.to_json(), "image": before.answering.image.to_json(), "options": {}}
    bench.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=2, actor="ada", payload=payload)
    assert answering_now(bench, "churn").subject.version == 2
    assert before.stamp.target(a_run().interval) == Target("churn", 1, a_run().interval)


def test_a_source_that_is_not_there_is_told_from_a_day_without_rows(bench, serving, rows):
    with pytest.raises(SourceError, match="no folder"):
        plan_partitions(bench, a_run())
    rows(10, day=5)
    assert plan_partitions(bench, a_run()) == ()


def test_a_model_without_the_declaration_says_what_to_add(bench, project):
    project()
    with pytest.raises(SpecError, match="declares no batch scoring"):
        plan_partitions(Bench(project()), a_run())


def test_a_day_without_rows_is_entered_as_that(bench, serving, rows):
    rows(10, day=5)
    summary = check_scores(bench, a_run(), plan_partitions(bench, a_run()), [])
    assert summary["outcome"] == "INCONCLUSIVE"
    (entry,) = bench.ledger.entries(kinds=[EntryKind.SCORING])
    assert (entry.version, entry.payload["rows"]["read"], entry.payload["partitions"]) == (1, 0, 0)


def written(bench, made, counts):
    """Put as many rows into the sink as each partition is said to have."""
    sink = sink_of(bench, a_run())
    for one, count in zip(made, counts, strict=True):
        target = one.stamp.target(one.partition.interval)
        with sink.stage(target, one.partition) as file:
            file.write(pa.RecordBatch.from_pydict({"p_leaves": [0.5] * count}))
            file.finish()
            sink.commit(file, target, one.partition)


def test_an_interval_that_reconciles_is_entered_once_however_often_it_is_checked(bench, serving, rows):
    rows(150)
    made = plan_partitions(bench, a_run())
    written(bench, made, [100, 50])
    scored = [result(0, read=100), result(1, read=50)]
    assert check_scores(bench, a_run(), made, scored)["rows"] == {"read": 150, "written": 150, "set_aside": 0}
    check_scores(bench, a_run(), made, scored)
    (entry,) = bench.ledger.entries(kinds=[EntryKind.SCORING])
    assert entry.payload["subject"]["image_digest"] == IMAGE


FAULTS = {
    "a partition without a result": ([100, 50], [result(0, read=100)], "rows.unaccounted"),
    "rows that are not in the sink": ([100, 40], [result(0, read=100), result(1, read=50)], "rows.unaccounted"),
    "too many set aside": ([100, 20], [result(0, read=100), result(1, read=50, aside=30)], "rows.set_aside"),
}


@pytest.mark.parametrize(("counts", "scored", "says"), FAULTS.values(), ids=FAULTS)
def test_an_interval_does_not_hold_with(bench, serving, rows, counts, scored, says):
    rows(150)
    made = plan_partitions(bench, a_run())
    written(bench, made, counts)
    with pytest.raises(GateStopped, match=says):
        check_scores(bench, a_run(), made, scored)
    (entry,) = bench.ledger.entries(kinds=[EntryKind.SCORING])
    assert entry.payload["outcome"] == "FAILED"


def test_answers_are_compared_with_those_of_the_days_before(bench, serving):
    for day in (3, 1, 2):
        payload = {"interval": a_run(day).interval.to_json(), "summary": result(total=float(day)).summary.to_json()}
        bench.ledger.append(EntryKind.SCORING, model="churn", version=1, actor="slipway score", payload=payload)
    assert [summary.total for summary in last_summaries(bench, a_run(3))] == [1.0, 2.0]


def test_bad_rows_of_a_partition_are_told_batch_by_batch():
    check = InTurn({1: "b", 5: "f", 6: "g"})
    sizes = (2, 3, 4)
    told = [check(pa.RecordBatch.from_pydict({"x": [date(2026, 3, 1)] * size})) for size in sizes]
    assert told == [{1: "b"}, {}, {0: "f", 1: "g"}]
