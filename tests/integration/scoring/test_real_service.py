"""A partition scored by the real serving program; and one whose worker is killed again and again."""

import http.client
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.batch import data, kills
from slipway.runtime.ports import free_port
from slipway.scoring import Job, Limits, ScoringStopped, Stamp, open_source, plan_partitions, score_partition
from slipway.scoring.parquet_sink import ParquetSink
from tests.integration.scoring.served import NUMBERS, SIGNATURE, SUBJECT
from tests.unit.scoring.fakes import DAY, STAMP, FakeService, at, write

ROWS = 400


def ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@pytest.fixture
def serve():
    """A function that starts the program and returns its URL."""
    started = []

    def start(kind, seconds=0.0, **env):
        port = free_port("127.0.0.1")
        program = Path(__file__).with_name("served.py")
        command = [sys.executable, str(program), str(port), str(seconds), kind]
        started.append(subprocess.Popen(command, env=os.environ | env))
        deadline = time.monotonic() + 60
        while not ready(port):
            assert time.monotonic() < deadline, "it did not get ready"
            time.sleep(0.02)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.kill()
        process.wait(20)


def table(**columns):
    given = {
        "id": pa.array(range(ROWS)),
        "day": pa.array([at(1)] * ROWS, pa.timestamp("us", tz="UTC")),
        "a": pa.array([n % 12 + 0.5 for n in range(ROWS)]),
        "word": pa.array([None if n % 3 == 0 else "w" for n in range(ROWS)]),
        "yes": pa.array([n % 2 == 0 for n in range(ROWS)]),
    }
    return pa.table({**given, **columns})


def run(tmp_path, url, signature):
    job = Job(
        source=open_source(str(tmp_path / "in"), time_column="day"),
        sink=ParquetSink(tmp_path / "out"),
        quarantine=ParquetSink(tmp_path / "aside"),
        url=url,
        signature=signature,
        keys=("id",),
        stamp=Stamp(subject=SUBJECT, run_id="r", scored_at=STAMP.scored_at),
        limits=Limits(max_set_aside=0.2),
    )
    for one in plan_partitions(job.source, DAY, 100):
        score_partition(one, job)
    parts = [pq.ParquetFile(path).read() for path in sorted((tmp_path / "out").rglob("part-*"))]
    return pa.concat_tables(parts).sort_by("id")


def test_numbers_texts_and_bools_are_answered_missing_ones_too(tmp_path, serve):
    write(tmp_path / "in", table())
    found = run(tmp_path, serve("mixed"), SIGNATURE)
    assert found["y"].to_pylist() == [n % 12 + 0.5 + (n % 2 == 0) + 50 * (n % 3 == 0) for n in range(ROWS)]


def test_rows_that_the_model_refuses_are_found_one_by_one(tmp_path, serve):
    a = [13.0 if n in (0, 5, 399) else 1.0 for n in range(ROWS)]
    write(tmp_path / "in", table(a=pa.array(a)))
    found = run(tmp_path, serve("numbers"), NUMBERS)
    assert found["id"].to_pylist() == [n for n in range(ROWS) if a[n] != 13]
    aside = [pq.ParquetFile(path).read() for path in sorted((tmp_path / "aside").rglob("part-*"))]
    told = pa.concat_tables(aside)
    assert sorted(told["id"].to_pylist()) == [0, 5, 399]
    assert "does not fit" in told["quarantine_reason"][0].as_py()


def test_a_model_that_answers_nonsense_stops_the_partition(tmp_path, serve):
    write(tmp_path / "in", table(a=pa.array([99.0] * ROWS)))
    with pytest.raises(ScoringStopped, match="status 500"):
        run(tmp_path, serve("numbers"), NUMBERS)


def test_another_version_stops_the_partition(tmp_path, serve):
    write(tmp_path / "in", table())
    url = serve("numbers")
    job_subject = replace(SUBJECT, artifact_sha256="sha256:" + "9" * 64)
    job = Job(
        source=open_source(str(tmp_path / "in"), time_column="day"),
        sink=ParquetSink(tmp_path / "out"),
        quarantine=ParquetSink(tmp_path / "aside"),
        url=url,
        signature=NUMBERS,
        keys=("id",),
        stamp=Stamp(subject=job_subject, run_id="r", scored_at=STAMP.scored_at),
    )
    (one,) = plan_partitions(job.source, DAY, 10_000)
    with pytest.raises(ScoringStopped, match="x-slipway-artifact"):
        score_partition(one, job)


def test_a_service_that_has_no_room_for_two_is_given_one(tmp_path, serve, monkeypatch):
    monkeypatch.setattr("slipway.scoring.score.MOST_ROWS", 50)
    monkeypatch.setattr("slipway.scoring.score.FEWEST_ROWS", 50)
    write(tmp_path / "in", table())
    found = run(tmp_path, serve("numbers", 0.05, SLIPWAY_SERVING_QUEUE_BUDGET_MS="1"), NUMBERS)
    assert len(found) == ROWS


@pytest.mark.slow
def test_a_worker_that_is_killed_again_and_again_leaves_every_row_once(tmp_path):
    service = FakeService()
    source = data.provide(4000, folder=tmp_path, say=print, group_rows=200)
    inputs = [{"name": "mean_radius", "dtype": "float"}, {"name": "mean_texture", "dtype": "float"}]
    described = {
        "source": str(source),
        "quarantine": str(tmp_path / "aside"),
        "staging": str(tmp_path / "staging"),
        "url": service.url,
        "subject": STAMP.subject.to_json(),
        "signature": {"inputs": inputs, "output": {"name": "p_leaves"}},
        "run_id": "r",
        "scored_at": STAMP.scored_at.isoformat(),
        "rows": 200,
    }
    jobs = [{**described, "sink": str(tmp_path / name)} for name in ("peace", "killed")]
    try:
        found = kills.kill_and_compare(*jobs, kills=4, seed=1, read=kills.read_folder)
    finally:
        service.close()
    assert (found.kills, found.rows, found.wrong) == (4, 4000, 0)
