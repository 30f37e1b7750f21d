"""The generator, against a small server in a thread."""

import socket
import threading
import time

import pytest

from bench.serving.client import Load, arrivals, whole_length

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request of ``len(REQUEST)`` bytes, one at a time over all connections, after ``pause(number)``."""

    def __init__(self, reply, pause):
        self._reply, self._pause = reply, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._turn, self._served = threading.Lock(), 0
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            while self._whole_request(connection):
                with self._turn:
                    self._served += 1
                    time.sleep(self._pause(self._served))
                reply = self._reply(self._served)
                if reply is None:
                    return
                connection.sendall(reply)

    @staticmethod
    def _whole_request(connection):
        received = b""
        while len(received) < len(REQUEST):
            chunk = connection.recv(len(REQUEST) - len(received))
            if not chunk:
                return False
            received += chunk
        return True

    def close(self):
        self._listener.close()


@pytest.fixture
def serve():
    servers = []

    def serve(reply=lambda number: OK, pause=lambda number: 0.0):
        servers.append(Server(reply, pause))
        return servers[-1].address

    yield serve
    for server in servers:
        server.close()


def test_every_request_is_sent_and_answered(serve):
    load = Load(serve(), REQUEST)
    load.warm(2)
    load.run([0.001 * n for n in range(50)], grace_s=10)
    assert (len(load.latencies), load.errors) == (50, 0)


@pytest.mark.parametrize(
    ("reply", "refused"),
    [(BUSY.replace(b"\r\n\r\n", b"\r\nRetry-After: 1\r\n\r\n"), 10), (BUSY, 0)],
    ids=["is told", "is not"],
)
def test_a_refusal_is_one_only_where_the_caller_is_told_when_to_come_back(serve, reply, refused):
    load = Load(serve(reply=lambda number: reply), REQUEST)
    load.run([0.001 * n for n in range(10)], grace_s=10)
    assert (load.latencies, load.refused, load.errors) == ([], refused, 10 - refused)


def test_a_server_that_stalls_is_charged_with_every_request_that_waited(serve):
    # All are due within 50 ms; the first one holds the server for 300 ms, so each of them waits for 250 ms at least.
    load = Load(serve(pause=lambda number: 0.3 if number == 1 else 0.0), REQUEST)
    load.run([0.005 * n for n in range(10)], grace_s=10)
    assert len(load.latencies) == 10
    assert min(load.latencies) > 0.2


def test_a_refusal_is_an_error_not_a_latency(serve):
    load = Load(serve(reply=lambda number: BUSY if number % 2 else OK), REQUEST)
    load.run([0.0] * 10, grace_s=10)
    assert (len(load.latencies), load.errors) == (5, 5)


def test_a_connection_that_breaks_is_an_error(serve):
    load = Load(serve(reply=lambda number: None), REQUEST)
    load.run([0.0], grace_s=10)
    assert (load.latencies, load.errors) == ([], 1)


def test_what_is_not_answered_in_time_is_lost_not_waited_for(serve):
    load = Load(serve(pause=lambda number: 2.0), REQUEST)
    load.run([0.0, 0.0], grace_s=0.1)
    assert (load.latencies, load.errors) == ([], 2)


def test_arrivals_are_the_same_for_the_same_seed_and_have_the_rate():
    moments = arrivals(100, 50, seed=3)
    assert moments == arrivals(100, 50, seed=3) != arrivals(100, 50, seed=4)
    assert moments == sorted(moments)
    assert 4_700 < len(moments) < 5_300


@pytest.mark.parametrize(
    ("received", "expected"),
    [(b"HTTP/1.1 200 OK\r\nconte", 0), (OK, len(OK)), (OK[:-2], len(OK))],
    ids=["half a head", "whole", "no body yet"],
)
def test_a_response_is_as_long_as_its_head_says(received, expected):
    assert whole_length(received) == expected
