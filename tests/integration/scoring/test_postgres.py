"""Tables of a real PostgreSQL server, started for this file alone, as sources and as sinks."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.batch.postgres import server
from slipway.scoring import Partition, SinkError, Superseded, open_sink, open_source, plan_partitions, score_partition
from slipway.scoring.parquet_sink import ParquetSink
from slipway.scoring.score import Job
from tests.unit.scoring.fakes import DAY, SIGNATURE, STAMP, SUBJECT, FakeService, rows, write


@pytest.fixture(scope="module")
def url():
    with server() as made:
        yield made


@pytest.fixture
def connection(url):
    made = psycopg2.connect(url.replace("+psycopg2", ""))
    made.autocommit = True
    yield made
    with made.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    made.close()


@pytest.fixture
def service():
    made = FakeService()
    yield made
    made.close()


@pytest.fixture
def job(url, tmp_path, service, connection):
    def make(**changes):
        given = {
            "source": open_source(str(tmp_path / "in"), time_column="day"),
            "sink": open_sink(url, staging=tmp_path / "staging", table="answers"),
            "quarantine": ParquetSink(tmp_path / "aside"),
            "url": service.url,
            "signature": SIGNATURE,
            "keys": ("customer", "day", "name"),
            "stamp": STAMP,
        }
        return Job(**{**given, **changes})

    return make


def query(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


def run(job, wanted=250, only=None):
    partitions = plan_partitions(job.source, DAY, wanted)
    for place in (job.sink, job.quarantine):
        place.begin(job.stamp.target(DAY), partitions)
    return [score_partition(one, job) for one in partitions if only is None or one.index in only]


def customers(connection):
    return [row[0] for row in query(connection, "SELECT customer FROM answers ORDER BY customer")]


def test_answers_are_copied_as_they_are(tmp_path, job, connection):
    names = ["", None, 'say "no"', "a,b\nc", "é\u2028"]
    write(tmp_path / "in", rows(5, name=pa.array(names), tenure=pa.array([0.1, 1 / 3, 1e-7, 99.99999999999999, 0.0])))
    run(job())
    found = query(connection, "SELECT name, p_leaves, day, scored_at FROM answers ORDER BY customer")
    assert [row[0] for row in found] == names
    assert [row[1] for row in found] == [n / 100 for n in (0.1, 1 / 3, 1e-7, 99.99999999999999, 0.0)]
    assert found[0][2] == datetime(2026, 3, 1, tzinfo=UTC)
    assert found[0][3] == STAMP.scored_at


def test_another_partitioning_replaces_the_rows_and_another_version_stays(tmp_path, job, connection, service):
    write(tmp_path / "in", rows(1000))
    run(job(), wanted=100)
    run(job(), wanted=700)
    service.headers["x-slipway-version"] = "4"
    run(job(stamp=replace(STAMP, subject=replace(SUBJECT, version=4))), wanted=300)
    assert customers(connection) == sorted([*range(1000), *range(1000)])
    assert query(connection, "SELECT model_version, count(*) FROM answers GROUP BY 1 ORDER BY 1") == [
        (3, 1000),
        (4, 1000),
    ]


def test_triggers_at_the_same_time_double_nothing(tmp_path, job, connection):
    write(tmp_path / "in", rows(1000))
    errors = []

    def trigger():
        try:
            run(job(), wanted=100)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            errors.append(error)

    threads = [threading.Thread(target=trigger) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors
    assert customers(connection) == list(range(1000))


def test_a_straggler_of_an_older_cut_writes_nothing(tmp_path, job, connection):
    write(tmp_path / "in", rows(1000))
    made = job()
    old = plan_partitions(made.source, DAY, 100)
    run(made, wanted=700)
    with pytest.raises(Superseded):
        score_partition(old[0], made)
    assert customers(connection) == list(range(1000))


def test_a_copy_that_the_table_refuses_leaves_the_rows_that_were_there(tmp_path, job, connection):
    write(tmp_path / "in", rows(10))
    run(job())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE answers ADD CONSTRAINT few CHECK (customer <> 5) NOT VALID")
    with pytest.raises(SinkError, match="did not take the rows"):
        run(job())
    assert customers(connection) == list(range(10))


def test_a_table_is_read_in_ranges_of_its_keys(tmp_path, job, url, connection):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE people AS SELECT n AS customer, timestamptz '2026-03-01 00:00:00+00' "
            "+ (n / 100) * interval '1 hour' AS day, (n % 100)::float8 AS tenure, n % 7 AS calls, 'n' || n AS name "
            "FROM generate_series(0, 2499) n"
        )
    source = open_source(f"{url}#public.people", time_column="day", keys=("customer",))
    partitions = plan_partitions(source, DAY, 300)
    assert [one.rows for one in partitions] == [300] * 8
    assert [Partition.from_json(one.to_json()) for one in partitions] == list(partitions)
    run(job(source=source), wanted=300)
    assert customers(connection) == list(range(2400))


def test_an_address_that_nobody_answers_at_says_so(tmp_path, job):
    write(tmp_path / "in", rows(10))
    nobody = open_sink("postgresql+psycopg2://nobody@127.0.0.1:1/x#answers", staging=tmp_path)
    with pytest.raises(SinkError, match="start the database"):
        run(job(sink=nobody))


def test_what_was_set_aside_stays_a_file(tmp_path, job, connection):
    write(tmp_path / "in", rows(100, tenure=pa.array([-1.0] + [1.0] * 99)))
    run(job())
    assert customers(connection) == list(range(1, 100))
    assert pq.read_table(tmp_path / "aside", partitioning=None)["customer"].to_pylist() == [0]
