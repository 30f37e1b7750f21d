"""The order of things, on small programs that stand for the real services."""

import os
import signal
import socket
import sys
import time

import psutil
import pytest

from slipway.errors import StackError
from slipway.stack import airflow, envoy, mlflow, ports, processes, stack, state
from slipway.stack.service import Service

SERVER = """
import http.server, sys
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Fakes:
    """Two HTTP servers under the names of MLflow and the gateway; what is declared of them can be changed."""

    def __init__(self):
        self.broken = frozenset()
        self.label = "first"

    def declare(self, settings, chosen, gateway_config):
        return tuple(self._service(settings, name, chosen[port]) for name, port in self.names())

    def names(self):
        return ((mlflow.NAME, "mlflow"), (envoy.NAME, "gateway"))

    def _service(self, settings, name, port):
        program = "print('cannot go on'); raise SystemExit(3)" if name in self.broken else SERVER
        label = self.label if name == mlflow.NAME else "first"
        return Service(
            name=name,
            command=lambda: (sys.executable, "-c", program, str(port)),
            env=os.environ,
            identity=(name, str(port), label),
            folder=settings.var / name,
            port=port,
            url=f"http://127.0.0.1:{port}",
        )


@pytest.fixture
def fakes(monkeypatch, settings):
    fakes = Fakes()
    monkeypatch.setattr(stack, "_declare", fakes.declare)
    monkeypatch.setattr(stack, "_healthy", lambda record, listening: stack.mlflow.answers(record.url))
    monkeypatch.setattr(stack, "SETTLE_S", 5.0)
    yield fakes
    stack.stop(settings, progress=str)


@pytest.fixture
def start(settings, fakes):
    def start(**options):
        said = []
        result = stack.start(settings, progress=said.append, gateway_config=None, **options)
        return {record.name: record.pid for record in result.services}, result, said

    return start


def test_a_start_brings_everything_up_and_says_where(start, settings):
    pids, result, said = start()
    assert set(pids) == {mlflow.NAME, envoy.NAME}
    assert result.addresses.tracking_uri == f"http://127.0.0.1:{result.ports['mlflow']}"
    assert result.addresses.airflow_user == "admin"
    assert state.read(settings.var) == result
    assert any("mlflow: healthy at http://127.0.0.1:" in line for line in said)


def test_a_second_start_keeps_what_is_well(start):
    first, _, _ = start()
    second, _, said = start()
    assert second == first
    assert f"mlflow: already running (pid {first[mlflow.NAME]})" in said


def test_a_killed_service_is_started_again_on_its_port_and_the_others_are_kept(start):
    first, before, _ = start()
    os.kill(first[mlflow.NAME], signal.SIGKILL)
    _wait_until(lambda: not _runs(first[mlflow.NAME]))
    second, after, _ = start()
    assert second[mlflow.NAME] != first[mlflow.NAME]
    assert second[envoy.NAME] == first[envoy.NAME]
    assert after.ports == before.ports


def test_a_service_that_would_be_started_differently_is_replaced(start, fakes):
    first, _, _ = start()
    fakes.label = "second"
    second, _, said = start()
    assert second[mlflow.NAME] != first[mlflow.NAME]
    assert second[envoy.NAME] == first[envoy.NAME]
    assert "mlflow: stopped" in said
    assert not _runs(first[mlflow.NAME])


def test_a_failed_start_ends_what_it_started_and_shows_the_log(start, fakes, settings):
    fakes.broken = {mlflow.NAME}
    with pytest.raises(StackError, match=r"mlflow ended before it was healthy[\s\S]*cannot go on[\s\S]*mlflow.log"):
        start()
    assert state.read(settings.var).services == ()
    assert state.read(settings.var).addresses == state.Addresses()


def test_a_failed_start_leaves_running_what_ran_before(start, fakes, settings):
    first, _, _ = start()
    fakes.broken, fakes.label = {mlflow.NAME}, "second"
    with pytest.raises(StackError):
        start()
    left = state.read(settings.var)
    assert [record.pid for record in left.services] == [first[envoy.NAME]]
    assert _runs(first[envoy.NAME])
    assert left.addresses.gateway_url and not left.addresses.tracking_uri


def test_a_port_that_is_asked_for_and_taken_stops_the_start_before_anything_runs(start, settings):
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        with pytest.raises(StackError, match="is held by"):
            start(ports={"mlflow": server.getsockname()[1]})
    assert state.read(settings.var).services == ()


def test_a_service_that_never_answers_is_an_error(start, fakes, monkeypatch, settings):
    monkeypatch.setattr(stack, "_healthy", lambda record, listening: False)
    monkeypatch.setattr(stack, "START_TIMEOUT_S", 0.3)
    with pytest.raises(StackError, match="was not healthy within"):
        start()
    assert state.read(settings.var).services == ()


def test_a_stop_ends_everything_keeps_the_ports_and_can_be_repeated(start, settings):
    first, before, _ = start()
    assert set(stack.stop(settings, progress=str)) == set(first)
    assert not any(_runs(pid) for pid in first.values())
    assert state.read(settings.var) == state.StackState(ports=before.ports)
    assert stack.stop(settings, progress=str) == []
    _, again, _ = start()
    assert again.ports == before.ports


def test_a_stop_where_nothing_was_started_changes_nothing(settings):
    assert stack.stop(settings, progress=str) == []
    assert not settings.var.exists()


def test_a_stop_leaves_a_process_alone_that_only_has_the_pid(start, settings):
    _, result, _ = start()
    stranger = processes.spawn(["sleep", "60"], env=os.environ, log=settings.var / "s.log", cwd=settings.root)
    try:
        record = result.services[0]
        claimed = state.ServiceRecord(
            name=airflow.SCHEDULER,
            pid=stranger.pid,
            created=stranger.created - 500,
            port=0,
            url="",
            log="",
            fingerprint="",
        )
        state.write(settings.var, result.with_service(claimed))
        assert airflow.SCHEDULER not in stack.stop(settings, progress=str)
        assert processes.alive(stranger)
        assert not _runs(record.pid)
    finally:
        processes.end([stranger])


def test_the_status_tells_what_runs_and_what_does_not(start, settings):
    pids, _, _ = start()
    seen = {service.name: service for service in stack.status(settings).services}
    assert seen[mlflow.NAME].healthy and seen[mlflow.NAME].pid == pids[mlflow.NAME]
    assert seen[mlflow.NAME].since is not None
    assert not seen[airflow.SCHEDULER].healthy and seen[airflow.SCHEDULER].pid is None
    assert not stack.status(settings).healthy


def test_files_that_cannot_be_written_are_an_error_with_a_remedy(settings, fakes):
    settings.var.write_text("a file where a folder should be")
    with pytest.raises(StackError, match="its disk has room"):
        stack.start(settings, progress=str, gateway_config=None)
    settings.var.unlink()


def _runs(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _wait_until(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
