"""One partition after another, through a service over real HTTP, to Parquet."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.core.verdict import Outcome, decide
from slipway.scoring import (
    Interval,
    Limits,
    ScoringStopped,
    SinkError,
    SourceError,
    Superseded,
    interval_measurements,
    plan_partitions,
    score_partition,
)
from slipway.scoring.parquet_source import ParquetSource
from slipway.scoring.score import Result
from tests.unit.scoring.fakes import DAY, STAMP, SUBJECT, at, rows, write


def run(job, wanted=250, interval=DAY):
    partitions = plan_partitions(job.source, interval, wanted)
    for place in (job.sink, job.quarantine):
        place.begin(job.stamp.target(interval), partitions)
    return partitions, [score_partition(partition, job) for partition in partitions]


def answers(folder):
    found = pq.read_table(folder, partitioning=None)
    return found.sort_by("customer")


def by_name(result):
    return {m.name: m for m in result.measurements}


def test_every_row_is_answered_once_and_stamped(tmp_path, job):
    write(tmp_path / "in", rows(1000))
    partitions, results = run(job())
    found = answers(tmp_path / "out")
    assert len(partitions) == 5
    assert found["customer"].to_pylist() == list(range(1000))
    assert found["p_leaves"].to_pylist() == [n % 100 / 100 for n in range(1000)]
    assert found.drop(["customer", "day", "p_leaves", "data_partition"]).to_pylist()[0] == {
        "model": "churn",
        "model_version": 3,
        "image_digest": SUBJECT.image_digest,
        "run_id": STAMP.run_id,
        "data_interval_start": DAY.start,
        "data_interval_end": DAY.end,
        "scored_at": STAMP.scored_at,
    }
    assert all(result.committed for result in results)
    assert decide(interval_measurements(partitions, results, job())).outcome is not Outcome.FAILED


def test_only_rows_of_the_half_open_interval_are_read(tmp_path, job):
    write(tmp_path / "in", rows(4, day=pa.array([at(-0.001), at(0), at(23.999), at(24)], pa.timestamp("us", tz="UTC"))))
    run(job())
    assert answers(tmp_path / "out")["customer"].to_pylist() == [1, 2]


def test_bad_rows_are_set_aside_with_their_reason_and_all_columns(tmp_path, job):
    tenure = [5.0, None, 101.0, float("inf"), float("nan"), 50.0]
    calls = [1.0, 2.0, 3.0, 4.0, 5.0, 2.5]
    write(tmp_path / "in", rows(6, tenure=pa.array(tenure), calls=pa.array(calls)))
    _, (result,) = run(job(limits=Limits(max_set_aside=1)))
    assert answers(tmp_path / "out")["customer"].to_pylist() == [0]
    aside = pq.read_table(tmp_path / "aside", partitioning=None)
    assert aside["customer"].to_pylist() == [1, 2, 3, 4, 5]
    assert aside["quarantine_reason"].to_pylist() == [
        "tenure: is missing",
        "tenure: 101 is outside of [0, 100]",
        "tenure: inf is not finite",
        "tenure: is missing",
        "calls: 2.5 is not of type int",
    ]
    assert aside["name"].to_pylist() == ["n1", "n2", "n3", "n4", "n5"]
    assert (result.counts.read, result.counts.written, result.counts.set_aside) == (6, 1, 5)


def test_rows_set_aside_can_be_replayed_once_they_are_corrected(tmp_path, job):
    write(tmp_path / "in", rows(100, tenure=pa.array([200.0 if n == 7 else 1.0 for n in range(100)])))
    run(job())
    aside = pq.read_table(tmp_path / "aside", partitioning=None)
    place = aside.schema.get_field_index("tenure")
    write(tmp_path / "corrected", aside.set_column(place, "tenure", pa.array([20.0])))
    source = ParquetSource(tmp_path / "corrected", time_column="day")
    again = job(source=source, stamp=replace(STAMP, subject=replace(SUBJECT, version=3)))
    hour = Interval(at(1), at(2))
    with pytest.raises(SinkError, match="overlaps"):
        run(again, interval=hour)
    other = job(
        source=source, sink=type(again.sink)(tmp_path / "replayed"), quarantine=type(again.sink)(tmp_path / "q")
    )
    run(other)
    assert answers(tmp_path / "replayed").select(["customer", "p_leaves"]).to_pylist() == [
        {"customer": 7, "p_leaves": 0.2}
    ]


def test_missing_values_that_the_policy_allows_are_sent_as_null(tmp_path, job, service):
    calls = pa.array([None if n % 3 == 0 else n for n in range(10)], pa.int64())
    write(tmp_path / "in", rows(10, calls=calls))
    run(job())
    assert answers(tmp_path / "out")["p_leaves"].to_pylist() == [n / 100 for n in range(10)]
    kinds = sorted(headers["Content-Type"] for _, headers, _ in service.requests)
    assert kinds == ["application/json", "application/octet-stream"]


@pytest.mark.parametrize("names_rows", [True, False], ids=["the refusal names rows", "it names none"])
def test_rows_that_the_service_refuses_are_found_and_set_aside_with_its_reason(tmp_path, job, service, names_rows):
    service.refuse, service.names_rows = (lambda tenure: tenure in (13, 77)), names_rows
    write(tmp_path / "in", rows(200))
    run(job())
    aside = pq.read_table(tmp_path / "aside", partitioning=None)
    assert sorted(aside["customer"].to_pylist()) == [13, 77, 113, 177]
    assert all("refused by the service" in reason for reason in aside["quarantine_reason"].to_pylist())
    assert len(answers(tmp_path / "out")) == 196
    assert len(service.requests) < 60


def test_a_further_check_sets_rows_aside_beside_the_signature(tmp_path, job):
    def check(batch):
        odd = np.flatnonzero(batch.column("customer").to_numpy() % 50 == 49)
        return {int(row): "the contract: customer is odd" for row in odd}

    write(tmp_path / "in", rows(100))
    run(job(check=check))
    aside = pq.read_table(tmp_path / "aside", partitioning=None)
    assert aside["customer"].to_pylist() == [49, 99]
    assert len(answers(tmp_path / "out")) == 98


def test_when_every_row_is_bad_nothing_is_sent(tmp_path, job, service):
    write(tmp_path / "in", rows(10, tenure=pa.array([-1.0] * 10)))
    _, (result,) = run(job(limits=Limits(max_set_aside=1)))
    assert result.counts.set_aside == 10
    assert not service.requests
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_an_empty_interval_has_no_partitions_and_takes_back_what_was_written(tmp_path, job):
    write(tmp_path / "in", rows(10))
    run(job())
    write(tmp_path / "in", rows(10, start=24, hours=1, day=pa.array([at(30)] * 10, pa.timestamp("us", tz="UTC"))))
    partitions, results = run(job())
    assert (partitions, results) == ((), [])
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_too_many_bad_rows_leave_the_sink_as_it_was_and_the_quarantine_to_look_at(tmp_path, job):
    write(tmp_path / "in", rows(100))
    run(job())
    before = answers(tmp_path / "out")
    write(tmp_path / "in", rows(100, tenure=pa.array([-1.0] * 10 + [1.0] * 90)))
    made = job()
    (partition,) = plan_partitions(made.source, DAY, 250)
    made.quarantine.begin(STAMP.target(DAY), [partition])
    result = score_partition(partition, made)
    assert not result.committed
    assert by_name(result)["rows.set_aside"].outcome is Outcome.FAILED
    assert answers(tmp_path / "out").equals(before)
    assert len(pq.read_table(tmp_path / "aside", partitioning=None)) == 10


def test_answers_outside_of_the_declared_range_are_not_written(tmp_path, job, service):
    service.answer = lambda tenures: tenures / 50
    write(tmp_path / "in", rows(100))
    _, (result,) = run(job())
    assert by_name(result)["answers.outside"].outcome is Outcome.FAILED
    assert not list((tmp_path / "out").rglob("part-*"))


NONSENSE = {
    "too few answers": {"answer": lambda tenures: tenures[1:] / 100},
    "too many answers": {"answer": lambda tenures: np.append(tenures, 0.5) / 100},
    "not a number": {"answer": lambda tenures: np.where(tenures == 3, np.nan, 0.5)},
    "another version": {
        "headers": {"x-slipway-model": "churn", "x-slipway-version": "4", "x-slipway-artifact": "a" * 12}
    },
    "another artifact": {
        "headers": {"x-slipway-model": "churn", "x-slipway-version": "3", "x-slipway-artifact": "f" * 12}
    },
    "no headers at all": {"headers": {}},
    "an error of its own": {"early": [(500, {})] * 9},
    "not found": {"early": [(404, {})] * 9},
}


@pytest.mark.parametrize("behaviour", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_service_that_answers_wrongly_stops_the_partition_and_nothing_is_written(tmp_path, job, service, behaviour):
    for name, value in behaviour.items():
        setattr(service, name, value)
    write(tmp_path / "in", rows(100))
    with pytest.raises(ScoringStopped):
        run(job())
    assert not list((tmp_path / "out").rglob("part-*"))
    assert not list((tmp_path / "out").rglob("*.unfinished"))


SOURCES = {
    "a column has become text": ({"tenure": pa.array([str(n) for n in range(10)])}, "is string, not float"),
    "a column is gone": ({"tenure": None}, "is not there"),
    "the time column is a number": ({"day": pa.array(range(10))}, "time column"),
}


@pytest.mark.parametrize(("columns", "said"), SOURCES.values(), ids=SOURCES.keys())
def test_a_schema_that_changed_upstream_stops_the_partition(tmp_path, job, columns, said):
    table = rows(10, **{name: values for name, values in columns.items() if values is not None})
    write(tmp_path / "in", table.drop([name for name, values in columns.items() if values is None]))
    with pytest.raises(SourceError, match=said):
        run(job())


def test_a_column_that_may_be_missing_may_be_gone(tmp_path, job):
    write(tmp_path / "in", rows(10).drop(["calls"]))
    run(job())
    assert len(answers(tmp_path / "out")) == 10


def test_a_file_that_changed_after_planning_stops_the_partition(tmp_path, job):
    write(tmp_path / "in", rows(100))
    made = job()
    (partition,) = plan_partitions(made.source, DAY, 250)
    write(tmp_path / "in", rows(100, start=1))
    with pytest.raises(SourceError, match="has changed since"):
        score_partition(partition, made)


def test_scoring_again_changes_nothing(tmp_path, job):
    write(tmp_path / "in", rows(1000))
    run(job())
    before = answers(tmp_path / "out")
    run(job())
    assert answers(tmp_path / "out").equals(before)


def test_another_partitioning_replaces_all_rows_of_its_interval_and_version(tmp_path, job):
    write(tmp_path / "in", rows(1000))
    run(job(), wanted=100)
    run(job(), wanted=700)
    assert answers(tmp_path / "out")["customer"].to_pylist() == list(range(1000))
    assert len(list((tmp_path / "out").rglob("part-*"))) == 2


def test_rows_of_another_version_and_another_day_stay(tmp_path, job, service):
    write(tmp_path / "in", rows(200))
    write(
        tmp_path / "in", rows(100, start=200, day=pa.array([at(30)] * 100, pa.timestamp("us", tz="UTC"))), "b.parquet"
    )
    newer = replace(SUBJECT, version=4)
    run(job())
    run(job(), interval=Interval(at(24), at(48)))
    service.headers["x-slipway-version"] = "4"
    run(job(stamp=replace(STAMP, subject=newer)), wanted=100)
    run(job(stamp=replace(STAMP, subject=newer)), wanted=1000)
    found = answers(tmp_path / "out").to_pandas()
    assert found.groupby(["model_version", "data_interval_start"]).size().to_list() == [200, 100, 200]


def test_an_interval_that_overlaps_written_ones_is_refused(tmp_path, job):
    write(tmp_path / "in", rows(100))
    run(job())
    with pytest.raises(SinkError, match="twice"):
        run(job(), interval=Interval(at(12), at(36)))


def test_a_straggler_of_an_older_cut_writes_nothing(tmp_path, job):
    write(tmp_path / "in", rows(1000))
    made = job()
    old = plan_partitions(made.source, DAY, 100)
    run(made, wanted=500)
    with pytest.raises(Superseded):
        score_partition(old[0], made)
    assert answers(tmp_path / "out")["customer"].to_pylist() == list(range(1000))


def test_two_triggers_at_the_same_time_double_nothing(tmp_path, job):
    write(tmp_path / "in", rows(1000))
    errors = []

    def trigger():
        try:
            run(job(), wanted=100)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            errors.append(error)

    threads = [threading.Thread(target=trigger) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert answers(tmp_path / "out")["customer"].to_pylist() == list(range(1000))


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path, job):
    write(tmp_path / "in", rows(100))
    folder = job().sink.folder_of(STAMP.target(DAY))
    folder.mkdir(parents=True)
    (folder / ".part-00000-of-00001.abc.unfinished").write_bytes(b"half")
    run(job())
    assert sorted(p.name for p in folder.iterdir()) == ["_plan.json", "part-00000-of-00001.parquet"]


def test_a_partition_that_was_not_scored_leaves_rows_unaccounted_for(tmp_path, job):
    write(tmp_path / "in", rows(1000))
    made = job()
    partitions, results = run(made)
    (folder,) = (tmp_path / "out").rglob("part-00001*")
    folder.unlink()
    found = {m.name: m for m in interval_measurements(partitions, results, made)}
    assert found["rows.unaccounted"].outcome is Outcome.FAILED
    found = {m.name: m for m in interval_measurements(partitions, results[1:], made)}
    assert found["rows.unaccounted"].outcome is Outcome.FAILED


def test_a_result_survives_the_way_through_json(tmp_path, job):
    write(tmp_path / "in", rows(100))
    _, (result,) = run(job())
    assert Result.from_json(result.to_json()) == result


def test_the_time_of_scoring_is_kept_in_utc():
    assert STAMP.scored_at == datetime(2026, 3, 2, 1, tzinfo=UTC)


def test_the_distribution_against_the_last_runs_decides_once_there_are_enough(tmp_path, job, service):
    write(tmp_path / "in", rows(1000))
    _, results = run(job(), wanted=10_000)
    history = (results[0].summary,) * 3
    _, (same,) = run(job(history=history), wanted=10_000)
    assert by_name(same)["answers.shift"].outcome is Outcome.PASSED
    _, (early,) = run(job(history=history[:2]), wanted=10_000)
    assert by_name(early)["answers.shift"].outcome is Outcome.INCONCLUSIVE
    assert early.committed
    service.answer = lambda tenures: tenures / 200
    _, (moved,) = run(job(history=history), wanted=10_000)
    assert by_name(moved)["answers.shift"].outcome is Outcome.FAILED
    assert not moved.committed
