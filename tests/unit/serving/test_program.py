"""The program itself, as production starts it: a process of its own on a free loopback port."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from tests.unit.serving.samples import GOOD_ROW, SIGNATURE, SUBJECT

SECONDS = 90
BODY = json.dumps({"dataframe_records": [GOOD_ROW]})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def program(folder, model, *, port, config=None, **env):
    """Start the program; end it, by force if need be."""
    path = folder / "serving.json"
    subject = {key: value for key, value in SUBJECT.to_json().items() if key != "image_digest"}
    path.write_text(json.dumps(config or subject | {"signature": SIGNATURE.to_json()}))
    command = [sys.executable, "-m", "slipway.serving", "--config", path, "--model", model, "--port", str(port)]
    with (folder / "stdout").open("w") as stdout, (folder / "stderr").open("w") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=os.environ | env)
        try:
            yield process
        finally:
            process.kill()
            process.wait(SECONDS)


def ask(connection, method, path, body=None):
    connection.request(method, path, body=body)
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def wait_until_ready(process, port):
    """Return the statuses of readiness that were seen on the way."""
    seen = []
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            status, _, _ = ask(
                http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS), "GET", "/v2/health/ready"
            )
            seen.append(status)
        except ConnectionRefusedError:
            pass
        if seen and seen[-1] == 200:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"the program did not get ready: {process.poll()}, {seen[-3:]}")


class Caller(threading.Thread):
    """Sends requests on one connection, and opens a new one when told to, until the server takes no more."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.statuses: list[int] = []
        self.told_to_leave = threading.Event()
        self.stop = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            while not self.stop.is_set():
                status, headers, _ = ask(connection, "POST", "/invocations", BODY)
                self.statuses.append(status)
                if headers["connection"] == "close":
                    self.told_to_leave.set()
        except Exception as error:  # noqa: BLE001
            self.error = error


def test_sigterm_during_load_fails_no_request(tmp_path, sklearn_model):
    port = free_port()
    env = {
        "SLIPWAY_SERVING_DRAIN_SECONDS": "4",
        "SLIPWAY_SERVING_QUEUE_BUDGET_MS": "60000",
    }  # a slow host is no overload
    with program(tmp_path, sklearn_model, port=port, **env) as process:
        seen = wait_until_ready(process, port)
        callers = [Caller(port) for _ in range(4)]
        for caller in callers:
            caller.start()
        deadline = time.monotonic() + SECONDS
        while min(len(caller.statuses) for caller in callers) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        for caller in callers:  # each is told to leave, and is still answered on a new connection until it does
            assert caller.told_to_leave.wait(SECONDS)
            caller.stop.set()
        for caller in callers:
            caller.join(SECONDS)
        code = process.wait(SECONDS)
    assert set(seen[:-1]) <= {503}
    assert [caller.error for caller in callers] == [None] * 4
    assert {status for caller in callers for status in caller.statuses} == {200}
    assert code == 0
    lines = [json.loads(line) for line in (tmp_path / "stdout").read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    assert [line["backend"] for line in lines if line["message"] == "ready"] == ["frame"]


def test_a_model_that_cannot_be_loaded_ends_the_program_with_a_reason(tmp_path):
    with program(tmp_path, tmp_path, port=free_port()) as process:
        assert process.wait(SECONDS) == 1
    lines = [json.loads(line) for line in (tmp_path / "stdout").read_text().splitlines()]
    failure = next(line for line in lines if line["level"] == "error")
    assert "ArtifactError" in failure["traceback"]
    assert "remedy" in failure


BAD_STARTS = {
    "config": ({"model": "clinic"}, {}, "serving.json cannot be used"),
    "limit": (None, {"SLIPWAY_SERVING_MAX_ROWS": "many"}, "SLIPWAY_SERVING_MAX_ROWS"),
}


@pytest.mark.parametrize(("config", "env", "message"), BAD_STARTS.values(), ids=BAD_STARTS)
def test_a_bad_configuration_ends_the_program_with_a_reason(tmp_path, config, env, message):
    with program(tmp_path, tmp_path, port=free_port(), config=config, **env) as process:
        assert process.wait(SECONDS) == 1
    assert message in json.loads((tmp_path / "stdout").read_text())["message"]


def test_a_taken_port_ends_the_program(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with program(tmp_path, tmp_path, port=holder.getsockname()[1]) as process:
            assert process.wait(SECONDS) == 1
    assert "address already in use" in (tmp_path / "stdout").read_text()
