"""Which versions are registered, asked of a server as a watch asks."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from slipway.errors import RegistryError, RegistryUnreachable
from slipway.registry.listing import newest_versions


@contextmanager
def registry(answer, status=200):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(urlsplit(self.path))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_versions_that_are_ready_are_listed_oldest_first():
    versions = [
        {"version": "10", "status": "READY"},
        {"version": "9"},
        {"version": "11", "status": "PENDING_REGISTRATION"},
    ]
    with registry({"model_versions": versions}) as (url, asked):
        assert newest_versions(url, "leaver's forest") == (9, 10)
    (query,) = [parse_qs(one.query) for one in asked]
    assert query["filter"] == ["name='leaver''s forest'"]
    assert query["order_by"] == ["version_number DESC"]


def test_a_version_that_went_to_the_archive_or_came_back_from_it_is_no_new_one():
    versions = [
        {"version": "1", "tags": [{"key": "slipway.archived", "value": "sha256:1"}]},
        {"version": "2", "tags": [{"key": "owner", "value": "ada"}]},
        {"version": "3", "tags": [{"key": "slipway.restored_from", "value": "sha256:1"}]},
    ]
    with registry({"model_versions": versions}) as (url, _):
        assert newest_versions(url, "churn") == (2,)


def test_a_model_that_is_not_registered_has_no_versions():
    with registry({}) as (url, _):
        assert newest_versions(url, "churn") == ()


ANSWERS = {
    "a server in trouble": (b"", 503, RegistryUnreachable),
    "a refusal": (b"", 403, RegistryError),
    "another program": (b"<html>", 200, RegistryError),
    "another form": (["x"], 200, RegistryError),
}


@pytest.mark.parametrize(("answer", "status", "error"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_answer_is_an_error(answer, status, error):
    with registry(answer, status) as (url, _), pytest.raises(error):
        newest_versions(url, "churn")


def test_nobody_there_is_an_error():
    with registry({}) as (url, _):
        pass
    with pytest.raises(RegistryUnreachable, match="does not answer"):
        newest_versions(url, "churn")


def test_a_database_cannot_be_watched_and_that_is_said():
    with pytest.raises(RegistryUnreachable, match="none"):
        newest_versions("sqlite:////mlflow.db", "churn")
