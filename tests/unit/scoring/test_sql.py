"""Tables as sources and sinks, on SQLite; what only PostgreSQL does is tested with a server of its own."""

import sqlite3
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from slipway.core.verdict import Outcome
from slipway.errors import SpecError
from slipway.scoring import (
    Limits,
    Partition,
    SinkError,
    SourceError,
    Superseded,
    interval_measurements,
    open_sink,
    open_source,
    plan_partitions,
    score_partition,
)
from slipway.scoring.rows import UNTYPED
from tests.unit.scoring.fakes import DAY, STAMP, SUBJECT, rows, write

TABLE = "CREATE TABLE people (customer INTEGER, day TIMESTAMP, tenure REAL, calls INTEGER, name TEXT)"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "data.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
    return path


def fill(path, values):
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", values)


def people(count, *, moment="2026-03-01 06:00:00"):
    return [(n, moment, float(n % 100), n % 7, f"n{n}") for n in range(count)]


def source_of(path, keys=("customer",)):
    return open_source(f"sqlite:///{path}#people", time_column="day", keys=keys)


def sink_of(tmp_path, table="answers"):
    return open_sink(f"sqlite:///{tmp_path}/out.db", staging=tmp_path / "staging", table=table)


def stored(tmp_path, columns="customer, p_leaves", table="answers"):
    with sqlite3.connect(tmp_path / "out.db") as connection:
        return connection.execute(f"SELECT {columns} FROM {table} ORDER BY customer").fetchall()


def run(job, wanted=250):
    partitions = plan_partitions(job.source, DAY, wanted)
    for place in (job.sink, job.quarantine):
        place.begin(job.stamp.target(DAY), partitions)
    return partitions, [score_partition(partition, job) for partition in partitions]


def test_rows_of_one_moment_are_cut_at_their_keys_and_none_is_lost(tmp_path, database, job):
    fill(database, people(1000))
    made = job(source=source_of(database), sink=sink_of(tmp_path), keys=("customer",))
    partitions, results = run(made)
    assert [one.rows for one in partitions] == [250] * 4
    assert stored(tmp_path) == [(n, n % 100 / 100) for n in range(1000)]
    checks = interval_measurements(partitions, results, made)
    assert not [m for m in checks if m.outcome is Outcome.FAILED]


def test_without_a_key_that_can_cut_rows_of_one_moment_stay_together(database):
    fill(database, people(10) + people(10, moment="2026-03-01 07:00:00"))
    assert [one.rows for one in plan_partitions(source_of(database, keys=()), DAY, 3)] == [10, 10]


def test_repeated_keys_stay_in_one_partition(database):
    fill(database, [*people(10), *people(10), *people(10)])
    source = source_of(database)
    partitions = plan_partitions(source, DAY, 4)
    read = [row for one in partitions for batch in source.batches(one, rows=7) for row in batch["customer"].to_pylist()]
    assert sorted(read) == sorted(list(range(10)) * 3)
    assert sum(one.rows for one in partitions) == 30


MOMENTS = {
    "at the start, without a fraction": ("2026-03-01 00:00:00", 1),
    "at the start, with a T": ("2026-03-01T00:00:00", 1),
    "at the start, with a zone": ("2026-03-01T01:00:00+01:00", 1),
    "a millisecond before the end": ("2026-03-01 23:59:59.999", 1),
    "at the end": ("2026-03-02 00:00:00", 0),
    "the day alone": ("2026-03-01", 1),
    "no time at all": ("yesterday", 0),
    "missing": (None, 0),
}


@pytest.mark.parametrize(("moment", "expected"), MOMENTS.values(), ids=MOMENTS.keys())
def test_a_time_is_read_in_every_form_in_which_it_is_kept(tmp_path, moment, expected):
    path = tmp_path / "data.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE.replace("TIMESTAMP", "TEXT"))
    fill(path, people(1, moment=moment))
    source = source_of(path)
    assert sum(one.rows for one in plan_partitions(source, DAY, 10)) == expected
    assert source.untimed() == (moment in ("yesterday", None))


def test_a_value_that_is_not_of_its_columns_type_is_set_aside_as_it_was(tmp_path, database, job):
    values = people(5)
    values[2] = (2, "2026-03-01 06:00:00", "a lot", 1, "n2")
    fill(database, values)
    made = job(source=source_of(database), keys=("customer",), limits=Limits(max_set_aside=1))
    _, (result,) = run(made)
    assert (result.counts.written, result.counts.set_aside) == (4, 1)
    (aside,) = (pq.read_table(path) for path in (tmp_path / "aside").rglob("part-*"))
    assert aside["quarantine_reason"].to_pylist() == ["tenure: 'a lot' is not of type float; tenure: is missing"]
    assert aside[UNTYPED].to_pylist() == ['{"tenure": "a lot"}']


def test_a_value_of_a_wrong_type_is_no_missing_value(tmp_path, database, job):
    fill(database, [(1, "2026-03-01 06:00:00", 5.0, "often", "n1"), (2, "2026-03-01 06:00:00", 5.0, None, "n2")])
    made = job(source=source_of(database), sink=sink_of(tmp_path), keys=("customer",), limits=Limits(max_set_aside=1))
    _, (result,) = run(made)
    assert result.counts.set_aside == 1
    assert stored(tmp_path) == [(2, 0.05)]


def test_scoring_again_with_another_partitioning_replaces_the_rows(tmp_path, database, job):
    fill(database, people(1000))
    made = job(source=source_of(database), sink=sink_of(tmp_path), keys=("customer",))
    run(made, wanted=100)
    run(made, wanted=100)
    run(made, wanted=700)
    assert stored(tmp_path) == [(n, n % 100 / 100) for n in range(1000)]


def test_rows_of_another_version_stay(tmp_path, database, job, service):
    fill(database, people(10))
    made = job(source=source_of(database), sink=sink_of(tmp_path), keys=("customer",))
    run(made)
    service.headers["x-slipway-version"] = "4"
    run(replace(made, stamp=replace(STAMP, subject=replace(SUBJECT, version=4))))
    made.sink.begin(STAMP.target(DAY), ())
    assert set(stored(tmp_path, "model_version, customer")) == {(4, n) for n in range(10)}


def test_a_straggler_of_an_older_cut_writes_nothing(tmp_path, database, job):
    fill(database, people(100))
    made = job(source=source_of(database), sink=sink_of(tmp_path), keys=("customer",))
    old = plan_partitions(made.source, DAY, 10)
    made.sink.begin(STAMP.target(DAY), plan_partitions(made.source, DAY, 50))
    with pytest.raises(Superseded):
        score_partition(old[0], made)


def test_answers_carry_their_stamps(tmp_path, job):
    write(tmp_path / "in", rows(3))
    run(job(sink=sink_of(tmp_path)))
    assert stored(tmp_path, "model, model_version, image_digest, run_id, data_interval_start, data_partition")[0] == (
        "churn",
        3,
        SUBJECT.image_digest,
        STAMP.run_id,
        "2026-03-01 00:00:00.000000",
        0,
    )


def test_a_table_that_is_none_of_answers_is_not_touched(tmp_path, job):
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    write(tmp_path / "in", rows(3))
    with pytest.raises(SinkError, match="not one of answers"):
        run(job(sink=sink_of(tmp_path, "orders")))


def test_a_table_with_other_keys_is_refused(tmp_path, job):
    write(tmp_path / "in", rows(3))
    run(job(sink=sink_of(tmp_path)))
    with pytest.raises(SinkError, match="has no column name"):
        run(job(sink=sink_of(tmp_path), keys=("customer", "name")), wanted=1)


def test_a_partition_of_a_table_survives_the_way_through_json(database):
    fill(database, people(10))
    for one in plan_partitions(source_of(database), DAY, 3):
        assert Partition.from_json(one.to_json()) == one


WRONG = {
    "no such table": ({"url": "#gone", "time_column": "day", "keys": ()}, "no table"),
    "no such key": ({"url": "#people", "time_column": "day", "keys": ("id",)}, "no column id"),
    "a time that is a number": ({"url": "#people", "time_column": "tenure", "keys": ()}, "time column"),
}


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_source_that_is_not_as_declared_says_so(database, given, said):
    source = open_source(f"sqlite:///{database}{given['url']}", time_column=given["time_column"], keys=given["keys"])
    with pytest.raises(SourceError, match=said):
        plan_partitions(source, DAY, 10)


def test_rows_without_a_key_are_not_lost_in_silence(database):
    fill(database, [*people(3), (None, "2026-03-01 06:00:00", 1.0, 1, "x")])
    with pytest.raises(SourceError, match=r"1 rows of .* have no value in customer"):
        plan_partitions(source_of(database), DAY, 10)


@pytest.mark.parametrize("url", ["mysql://host/db#t", "nonsense://x#t", "sqlite://#t"])
def test_a_database_that_rows_cannot_be_kept_in_is_refused(url):
    with pytest.raises(SourceError):
        open_source(url, time_column="day")


@pytest.mark.parametrize("url", ["relative/folder", "sqlite:////a.db", "parquet://relative"])
def test_a_url_that_names_no_place_is_refused(url):
    with pytest.raises(SpecError):
        open_source(url, time_column="day")
