import socket
import threading
from contextlib import contextmanager

import pytest

from slipway.scenarios import client as client_module
from slipway.scenarios.client import Client


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    [length] = [line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"Content-Length")] or [0]
    while len(body) < int(length):
        body += connection.recv(65536)
    return head


@contextmanager
def raw_server(*replies):
    """Accept connections one after another and answer each request with the next of ``replies``; None: never."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = []

    def run():
        left = list(replies)
        while left:
            connection, _ = listener.accept()
            accepted.append(connection)
            while left and read_request(connection):
                reply = left.pop(0)
                if reply is None:
                    return
                connection.sendall(reply)
                if b"content-length" not in reply:
                    connection.close()
                    break

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", accepted
    finally:
        listener.close()
        for connection in accepted:
            connection.close()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Slipway-Version: 3\r\n\r\n{}"


def test_a_connection_serves_many_requests():
    with raw_server(OK, OK, OK) as (url, accepted), Client(url) as client:
        replies = [client.post("/invocations", b"{}") for _ in range(3)]
    assert [(r.status, r.body, r.headers["x-slipway-version"]) for r in replies] == [(200, b"{}", "3")] * 3
    assert len(accepted) == 1


def test_a_chunked_reply_is_read_whole():
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    with raw_server(chunked) as (url, _), Client(url) as client:
        assert client.post("/", b"").body == b"{}"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(b"nonsense\r\n\r\n", "BadStatusLine", id="no-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "IncompleteRead", id="cut-off"),
    ],
)
def test_what_is_no_reply_is_an_error_and_no_exception(reply, error):
    with raw_server(reply) as (url, _), Client(url) as client:
        answer = client.post("/", b"{}")
    assert answer.status == 0
    assert error in answer.error


def test_a_service_that_hangs_is_given_up():
    with raw_server(None) as (url, _), Client(url, timeout_s=0.3) as client:
        answer = client.post("/", b"{}")
    assert answer.timed_out
    assert answer.error == "no answer within 0.3 s"


def test_nobody_there_is_an_error():
    with Client("http://127.0.0.1:9") as client:
        assert "ConnectionRefusedError" in client.post("/", b"{}").error


def test_a_reply_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(client_module, "MAX_BODY", 1000)
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000) as (url, _), Client(url) as client:
        assert "more than 1000 bytes" in client.post("/", b"{}").error
