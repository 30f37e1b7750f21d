"""Events are the standard's, and never cost the caller more than some seconds."""

import json
import socket
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from openlineage.client import event_v2 as ol
from openlineage.client.serde import Serde

from slipway.core.identity import digest_bytes
from slipway.lineage.events import DIGESTS, Data, Field, Happening, Owner, State, to_open_lineage
from slipway.lineage.send import send

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DIGEST = digest_bytes(b"model")
VERSION = Data(
    name="churn/versions/3",
    version=DIGEST,
    fields=(Field(name="tenure", kind="float", description="days"),),
    documentation="Tells who will leave.",
    owner=Owner(name="growth", contact="growth@example.org"),
    digests={"artifact": DIGEST},
)


def happening(state=State.COMPLETE, **changes):
    given = {"job": "churn.release", "run": "manual__1", "state": state, "at": NOW, "inputs": (VERSION,)}
    return Happening(**given | changes)


def test_an_event_has_the_standards_form():
    event = to_open_lineage(happening(outputs=(Data(name="scores", rows=5),), interval=(NOW, NOW), error="why"))
    assert isinstance(event, ol.RunEvent)
    said = Serde.to_dict(event)
    assert said["eventType"] == "COMPLETE"
    assert said["schemaURL"].startswith("https://openlineage.io/spec/")
    assert (said["job"]["namespace"], said["job"]["name"]) == ("slipway", "churn.release")
    assert uuid.UUID(said["run"]["runId"]).version == 5
    assert datetime.fromisoformat(said["eventTime"]) == NOW
    assert said["run"]["facets"]["errorMessage"]["message"] == "why"
    assert said["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 5
    facets = said["inputs"][0]["facets"]
    assert facets["version"]["datasetVersion"] == DIGEST
    assert facets["schema"]["fields"][0] | {} == {**facets["schema"]["fields"][0], "name": "tenure", "type": "float"}
    assert facets["documentation"]["description"] == "Tells who will leave."
    assert facets["ownership"]["owners"][0]["name"] == "growth"
    assert facets[DIGESTS]["digests"] == {"artifact": DIGEST}
    assert all({"_producer", "_schemaURL"} <= set(facet) for facet in facets.values())


def test_a_start_and_its_end_are_one_run_and_another_run_is_not():
    start, end, other = (
        to_open_lineage(happening(State(s), run=r)) for s, r in (("START", "a"), ("FAIL", "a"), ("START", "b"))
    )
    assert start.run.runId == end.run.runId != other.run.runId


def test_events_are_appended_to_a_file(tmp_path):
    for state in State:
        assert send("file:var/events.jsonl", [happening(state)], root=tmp_path) == ""
    lines = (tmp_path / "var" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["eventType"] for line in lines] == ["START", "COMPLETE", "FAIL"]


def test_an_absolute_file_is_where_it_says(tmp_path):
    assert send(f"file://{tmp_path}/here.jsonl", [happening()], root=tmp_path / "elsewhere") == ""
    assert (tmp_path / "here.jsonl").is_file()


@contextmanager
def catalogue(status):
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, self.headers.get("authorization"), json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_gets_the_event_and_the_key(tmp_path):
    with catalogue(201) as (url, got):
        assert send(url, [happening()], root=tmp_path, key="secret", budget_s=60) == ""
    ((path, key, body),) = got
    assert path == "/api/v1/lineage"
    assert key == "Bearer secret"
    assert body["job"]["name"] == "churn.release"


def test_a_server_that_refuses_loses_the_event_and_is_asked_once(tmp_path):
    with catalogue(503) as (url, got):
        assert "503" in send(url, [happening()], root=tmp_path, budget_s=60)
    assert len(got) == 1


def test_nobody_there_loses_the_event(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert send(f"http://127.0.0.1:{free.getsockname()[1]}", [happening()], root=tmp_path, budget_s=60)


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = send(f"http://127.0.0.1:{silent.getsockname()[1]}", [happening()], root=tmp_path, budget_s=0.2)
    assert said == "no answer within 0.2 s"


def test_a_file_that_cannot_be_written_loses_the_event(tmp_path):
    (tmp_path / "events").mkdir()
    assert "Error" in send("file:events", [happening()], root=tmp_path)


@pytest.mark.parametrize("state", State)
def test_every_state_is_one_of_the_standards(state):
    assert to_open_lineage(happening(state)).eventType is ol.RunState[state.value]
