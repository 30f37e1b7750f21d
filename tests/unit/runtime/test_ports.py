"""Ports and readiness."""

import http.server
import socket
import threading

import pytest

from slipway.errors import ServiceError
from slipway.runtime.ports import FIRST_PORT, LAST_PORT, answers_ready, free_port, poll_ready

HOST = "127.0.0.1"


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        ready = self.path == "/v2/health/ready" and self.server.asked > self.server.not_ready
        self.send_response(200 if ready else 503)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    server = http.server.ThreadingHTTPServer((HOST, 0), Answering)
    server.asked, server.not_ready = 0, 3
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_free_port_can_be_bound_and_lies_below_the_kernels_own_range():
    port = free_port(HOST)
    assert FIRST_PORT <= port <= LAST_PORT
    with socket.socket() as probe:
        probe.bind((HOST, port))


def test_an_address_of_another_machine_is_an_error():
    with pytest.raises(ServiceError, match="not an address of this machine"):
        free_port("192.0.2.1")


def test_only_a_200_is_ready(service):
    assert [answers_ready(HOST, service.server_port) for _ in range(4)] == [False, False, False, True]


def test_nobody_listening_is_not_ready():
    assert not answers_ready(HOST, free_port(HOST))


def test_waiting_ends_when_it_is_ready(service):
    assert poll_ready(HOST, service.server_port, timeout_s=20, check_alive=lambda: None) > 0


def test_waiting_ends_when_time_has_passed():
    assert poll_ready(HOST, free_port(HOST), timeout_s=0.2, check_alive=lambda: None) is None


def test_waiting_ends_when_it_has_died():
    def dead():
        raise ServiceError("it died", remedy="look")

    with pytest.raises(ServiceError, match="it died"):
        poll_ready(HOST, free_port(HOST), timeout_s=20, check_alive=dead)
