"""What is answered can be read again, whatever happened to the writer or its disk."""

import errno
import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from slipway.core.signature import Action, Column, DType, Output, Signature
from slipway.serving import logwriter
from slipway.serving.codec import Table
from slipway.serving.config import LogLimits
from slipway.serving.logwriter import PredictionLog
from slipway.serving.policies import Flag
from slipway.serving.predictionlog import Encoder, Header, read_log
from tests.unit.serving.samples import GOOD_ROW, SIGNATURE, SUBJECT

MIXED = Signature(
    inputs=(
        Column(name="x", dtype=DType.FLOAT),
        Column(name="colour", dtype=DType.STRING),
        Column(name="n", dtype=DType.INT),
        Column(name="new", dtype=DType.BOOL),
    ),
    output=Output(name="y"),
)
HEADER = Header.of(SUBJECT, SIGNATURE)
MATRIX = np.array([[1.0, 2.0, 3.0, 4.0]])
ANSWER = np.array([0.5])


@pytest.fixture
def log(tmp_path):
    started = []

    def start(header=HEADER, **limits):
        started.append(PredictionLog(tmp_path / "log", header, limits=LogLimits(**limits)))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_matrix_reads_back_as_it_was_sent(log, tmp_path):
    writer = log()
    before = datetime.now(UTC)
    sent = np.array([[0.1, -0.0, 1e308, 5e-324], [1, 2, 3, np.nan]])
    writer.record(b"r-1", sent, np.array([0.25, 1.0]))
    writer.close()
    (read,) = read_log(tmp_path / "log")
    assert read.numbers.tobytes() == sent.tobytes()
    assert read.answers.tolist() == [0.25, 1.0]
    assert (read.request_id, read.model, read.version, read.rows) == ("r-1", "clinic", 3, 2)
    assert read.columns == ("size", "age", "dose", "depth")
    assert before - timedelta(seconds=1) <= read.time <= datetime.now(UTC) + timedelta(seconds=1)
    assert writer.counts() == (1, 0)


def test_whole_numbers_that_no_double_holds_read_back(log, tmp_path):
    writer = log()
    writer.record(b"r-1", MATRIX, np.array([2**53 + 1]))
    writer.record(b"r-2", MATRIX, np.array([7]))
    writer.close()
    assert [one.answers.tolist() for one in read_log(tmp_path / "log")] == [[2**53 + 1], [7]]


def test_columns_of_all_types_read_back_with_their_gaps_and_flags(log, tmp_path):
    writer = log(Header.of(SUBJECT, MIXED))
    table = Table(rows=2, columns={"x": [1.5, None], "colour": ["é", None], "new": [None, True]})
    flags = (Flag(1, "x", Action.FLAG, "missing"),)
    writer.record(b"r-1", table, np.array(["a", "ü"], dtype=object), flags)
    writer.close()
    (read,) = read_log(tmp_path / "log")
    assert read.columns == ("x", "n")
    assert np.array_equal(read.numbers, [[1.5, np.nan], [np.nan, np.nan]], equal_nan=True)
    assert (read.strings, read.bools) == ({"colour": ["é", None]}, {"new": [None, True]})
    assert read.answers.tolist() == ["a", "ü"]
    assert read.flags == ((1, "x", "flag", "missing"),)


def test_the_server_logs_what_was_sent_before_any_policy(serve, log, tmp_path):
    writer = log()
    client = serve(log=writer)
    client.post("/invocations", json={"dataframe_records": [GOOD_ROW | {"age": 200}]}, headers={"x-request-id": "a"})
    client.post("/invocations", json={"dataframe_records": [GOOD_ROW | {"size": 99}]})
    writer.close()
    (read,) = read_log(tmp_path / "log")
    assert (read.request_id, read.numbers.tolist(), read.answers.tolist()) == ("a", [[4.0, 200.0, 0.5, 0.75]], [0.2])
    assert read.flags == ((0, "age", "clip", "out_of_range"),)


def test_the_short_way_is_logged_too(serve, log, tmp_path):
    writer = log()
    client = serve(log=writer, matrix=lambda matrix: np.stack([matrix[:, 0], matrix[:, 0] / 20], axis=1))
    client.post("/invocations", json={"dataframe_records": [GOOD_ROW]}, headers={"x-request-id": "a"})
    writer.close()
    (read,) = read_log(tmp_path / "log")
    assert (read.request_id, read.numbers.tolist(), read.answers.tolist()) == ("a", [[4.0, 40.0, 0.5, 0.75]], [0.2])


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def test_a_torn_line_is_left_out_and_counted(log, tmp_path):
    writer = log()
    for name in (b"a", b"b"):
        writer.record(name, MATRIX, ANSWER)
    writer.close()
    (segment,) = (tmp_path / "log").iterdir()
    whole = lines(segment)
    segment.write_bytes(b"".join(whole) + whole[1][:-20])
    (tmp_path / "log" / "empty.jsonl").write_bytes(b"")
    (tmp_path / "log" / "other.jsonl").write_bytes(b'{"no": "header"}\n{}\n')
    read = read_log(tmp_path / "log")
    assert [request.request_id for request in read] == ["a", "b"]
    assert read.damaged == 2


def test_a_span_of_time_is_read_and_no_folder_is_no_requests(tmp_path):
    encoder = Encoder(HEADER)
    start = datetime(2026, 1, 31, 12, tzinfo=UTC)
    for name, offsets in (("a", (0, 2, 4)), ("b", (1, 3))):
        entries = [((start + timedelta(hours=hour)).timestamp(), b"%d" % hour, MATRIX, ANSWER, ()) for hour in offsets]
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join([encoder.first, *encoder.block(entries)]))
    assert [request.request_id for request in read_log(tmp_path)] == ["0", "1", "2", "3", "4"]
    span = read_log(tmp_path, since=start + timedelta(hours=1), until=start + timedelta(hours=3))
    assert [(request.request_id, request.time.hour) for request in span] == [("1", 13), ("2", 14)]
    assert list(read_log(tmp_path / "nothing")) == []


def test_segments_are_begun_anew_by_size_and_the_oldest_go(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logwriter, "_EVERY_S", 0.01)
    writer = log(segment_bytes=2000, folder_bytes=10_000)
    total = 0
    while total < 200:
        for _ in range(10):
            writer.record(b"%d" % total, MATRIX, ANSWER)
            total += 1
        until(lambda total=total: writer.written == total)
    writer.close()
    segments = sorted((tmp_path / "log").iterdir())
    assert len(segments) > 2
    assert sum(path.stat().st_size for path in segments) <= 10_000 + 4000
    assert [json.loads(lines(path)[0]) for path in segments] == [json.loads(json.dumps(HEADER.to_json()))] * len(
        segments
    )
    names = [int(request.request_id) for request in read_log(tmp_path / "log")]
    assert names == list(range(names[0], 200))
    assert names[0] > 0
    assert writer.counts() == (200, 0)


def test_segments_are_begun_anew_by_age(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logwriter, "_EVERY_S", 0.01)
    writer = log(segment_seconds=0.0)
    for total in (1, 2):
        writer.record(b"a", MATRIX, ANSWER)
        until(lambda total=total: writer.written == total)
    assert len(list((tmp_path / "log").iterdir())) == 2


def until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_removed_folder_is_made_again(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logwriter, "_EVERY_S", 0.01)
    writer = log()
    writer.record(b"a", MATRIX, ANSWER)
    until(lambda: writer.written == 1)
    shutil.rmtree(tmp_path / "log")
    writer.record(b"b", MATRIX, ANSWER)
    until(lambda: writer.written == 2)
    assert [request.request_id for request in read_log(tmp_path / "log")] == ["b"]


class Disk:
    """What is written to; when it is full it takes a last piece, and then nothing."""

    def __init__(self) -> None:
        self.room = 10**9
        self.write = os.write

    def __call__(self, file, pieces):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = self.write(file, b"".join(pieces)[: self.room])
        self.room -= done
        return done


def test_a_full_disk_loses_requests_counts_them_and_is_got_over(log, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(logwriter, "_EVERY_S", 0.01)
    disk = Disk()
    monkeypatch.setattr(logwriter.os, "writev", disk)
    writer = log()
    writer.record(b"a", MATRIX, ANSWER)
    until(lambda: writer.written == 1)
    disk.room = 10
    for _ in range(2):
        writer.record(b"b", MATRIX, ANSWER)
    until(lambda: writer.lost == 2)
    disk.room = 10**9
    writer.record(b"c", MATRIX, ANSWER)
    until(lambda: writer.written == 2)
    read = read_log(tmp_path / "log")
    assert [request.request_id for request in read] == ["a", "c"]
    assert (read.damaged, writer.counts()) == (1, (2, 2))
    assert "No space left on device" in str([record.__dict__ for record in caplog.records])


def test_a_folder_that_cannot_be_made_loses_requests_and_nothing_else(log, tmp_path):
    (tmp_path / "log").write_text("a file")
    writer = log()
    writer.record(b"a", MATRIX, ANSWER)
    writer.close()
    assert writer.counts() == (0, 1)


def test_what_does_not_fit_into_the_queue_is_lost_and_counted(log, monkeypatch):
    monkeypatch.setattr(logwriter, "_EVERY_S", 60)
    writer = log(entries=3, queue_bytes=10_000)
    for _ in range(5):
        writer.record(b"a", MATRIX, ANSWER)
    assert writer.lost == 2
    writer.close()
    assert writer.counts() == (3, 2)
    large = log(queue_bytes=10_000)
    for _ in range(3):
        large.record(b"a", np.zeros((150, 4)), np.zeros(150))
    assert large.lost == 1
    large.close()
    assert large.counts() == (2, 1)


def test_what_waits_is_written_when_the_log_is_closed(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logwriter, "_EVERY_S", 60)
    writer = log()
    for number in range(500):
        writer.record(b"%d" % number, MATRIX, ANSWER)
    writer.close()
    assert [int(request.request_id) for request in read_log(tmp_path / "log")] == list(range(500))


def test_a_request_that_cannot_be_written_costs_no_other_its_place(log, tmp_path):
    writer = log()
    writer.record(b"first", MATRIX, ANSWER)
    writer.record(b"odd", MATRIX[:, :2], ANSWER)
    writer.record(b"last", MATRIX, ANSWER)
    writer.close()
    assert [request.request_id for request in read_log(tmp_path / "log")] == ["first", "last"]
    assert writer.counts() == (2, 1)
