"""The whole application in process: protocols, headers, statuses, limits."""

import asyncio
import json
import logging
import threading
import time

import httpx
import numpy as np
import pytest

from slipway.core.serving_options import Mode, ServingOptions
from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.predictor import Predictor, load_predictor
from tests.unit.serving.samples import GOOD_ROW, SIGNATURE, SUBJECT, Client, half_size

ROWS = {"dataframe_records": [GOOD_ROW]}
INFER = "/v2/models/clinic/infer"
POOL = ServingOptions(mode=Mode.POOL)


def v2(rows) -> dict:
    types = {"size": "FP64", "age": "INT64", "dose": "FP64", "depth": "FP64"}
    columns = {name: [row[name] for row in rows] for name in types}
    return {
        "inputs": [
            {"name": name, "shape": [len(rows)], "datatype": types[name], "data": data}
            for name, data in columns.items()
        ]
    }


def test_both_protocols_give_the_models_answer(serve):
    client = serve()
    assert client.post("/invocations", json=ROWS).json() == {"predictions": [0.2]}
    assert client.post(INFER, json=v2([GOOD_ROW, GOOD_ROW | {"size": 10}])).json() == {
        "model_name": "clinic",
        "model_version": "3",
        "outputs": [{"name": "risk", "shape": [2], "datatype": "FP64", "data": [0.2, 0.5]}],
    }


def test_a_batch_answers_as_its_rows_one_by_one_with_the_real_model(serve, sklearn_model):
    client = serve(load=lambda: load_predictor(sklearn_model, SIGNATURE))
    rows = [GOOD_ROW | {"size": size, "dose": dose} for size in (0, 3.5, 10) for dose in (None, -1, 0.25)]
    batch = client.post("/invocations", json={"dataframe_records": rows}).json()["predictions"]
    single = [client.post(INFER, json=v2([row])).json()["outputs"][0]["data"][0] for row in rows]
    assert batch == single
    assert len(set(batch)) > 2


def test_flags_say_which_value_a_policy_decided_on(serve):
    client = serve()
    rows = [GOOD_ROW, GOOD_ROW | {"age": 200}]
    flags = [{"row": 1, "column": "age", "policy": "clip", "reason": "out_of_range"}]
    assert client.post("/invocations", json={"dataframe_records": rows}).json()["flags"] == flags
    assert client.post(INFER, json=v2(rows)).json()["parameters"] == {"flags": flags}


def test_metadata_health_and_readiness_follow_the_protocol(serve):
    client = serve()
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/clinic/ready").json() == {"name": "clinic", "ready": True}
    assert client.get("/v2").json()["name"] == "slipway"
    metadata = client.get("/v2/models/clinic").json()
    assert metadata["inputs"][1] == {"name": "age", "datatype": "INT64", "shape": [-1]}
    assert metadata["outputs"] == [{"name": "risk", "datatype": "FP64", "shape": [-1]}]


STATUSES = {
    "other_model": ("GET", "/v2/models/other", None, 404),
    "other_model_infer": ("POST", "/v2/models/other/infer", "{}", 404),
    "other_version": ("GET", "/v2/models/clinic/versions/4", None, 404),
    "own_version": ("GET", "/v2/models/clinic/versions/3", None, 200),
    "nothing_there": ("GET", "/nothing", None, 404),
    "nothing_of_the_model_there": ("GET", "/v2/models/clinic/nothing", None, 404),
    "no_profile_unless_asked_for": ("GET", "/debug/profile", None, 404),
    "no_profile_reset_unless_asked_for": ("POST", "/debug/profile/reset", None, 404),
    "no_time_unless_asked_for": ("POST", "/debug/profile/time", None, 404),
    "wrong_method": ("GET", "/invocations", None, 405),
    "head": ("HEAD", "/v2/health/live", None, 200),
    "not_json": ("POST", "/invocations", "{", 400),
    "nan_literal": ("POST", "/invocations", '{"instances": [[NaN, 1, 1, 1]]}', 422),
    "huge_int": ("POST", "/invocations", '{"instances": [[1, 1%s, 1, 1]]}' % ("0" * 5000), 422),
    "half_a_surrogate_pair": ("POST", "/invocations", '{"inputs": {"\\ud800": [1]}}', 400),
    "missing": ("POST", "/invocations", '{"instances": [[null, 1, 1, 1]]}', 422),
    "bool_for_a_number": ("POST", "/invocations", '{"instances": [[true, 1, 1, 1]]}', 422),
    "out_of_range": ("POST", "/invocations", '{"instances": [[11, 1, 1, 1]]}', 422),
    "extra_column": ("POST", "/invocations", '{"inputs": {"size": [1], "age": [1], "dose": [1], "z": [1]}}', 422),
    "no_rows": ("POST", "/invocations", '{"instances": []}', 422),
    "integral_float_for_an_int": ("POST", "/invocations", '{"instances": [[1, 2.0, 1, 1]]}', 200),
}


@pytest.mark.parametrize(("method", "path", "body", "status"), STATUSES.values(), ids=STATUSES)
def test_every_answer_has_its_status_and_says_who_answers(serve, method, path, body, status):
    answer = serve().call(method, path, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["x-slipway-model"] == "clinic"
    assert answer.headers["x-slipway-version"] == "3"
    assert answer.headers["x-slipway-artifact"] == "abababababab"
    assert len(answer.headers["x-request-id"]) == 32
    if status != 200:
        assert "What to do" in answer.json()["error"]


def test_a_rejection_names_row_column_problem_and_value(serve):
    rows = [GOOD_ROW, GOOD_ROW | {"size": 11.5}]
    answer = serve().post("/invocations", json={"dataframe_records": rows})
    assert answer.json()["problems"] == [
        {"row": 1, "column": "size", "problem": "is outside of [0, 10]", "value": 11.5}
    ]


IDS = {"sane": ("a-B.1:2_3", True), "too_long": ("a" * 129, False), "spaces": ("a b", False), "empty": ("", False)}


@pytest.mark.parametrize(("given", "echoed"), IDS.values(), ids=IDS)
def test_a_sane_request_id_is_echoed(serve, given, echoed):
    answer = serve().get("/v2/health/live", headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is echoed


def crash(columns):
    raise ValueError("no such leaf")


def exits(columns):
    raise SystemExit(3)


def crashes_with_half_a_surrogate_pair(columns):
    raise ValueError("\ud800")


BROKEN = {
    "crash": (crash, "the model crashed: ValueError: no such leaf"),
    "unprintable": (crashes_with_half_a_surrogate_pair, "the model crashed: ValueError: ?"),
    "exit": (exits, "the model crashed: SystemExit: 3"),
    "nan": (lambda columns: np.full((1, 2), np.nan), "model answered nonsense: an answer is not finite"),
    "none": (lambda columns: [[None, None]], "model answered nonsense: an answer is missing or is not a number"),
    "too_many": (lambda columns: np.zeros((2, 2)), "model answered nonsense: 2 answers for 1 rows"),
}


@pytest.mark.parametrize(("call", "error"), BROKEN.values(), ids=BROKEN)
def test_a_model_that_fails_gives_a_short_500_and_a_logged_traceback(serve, caplog, call, error):
    client = serve(call)
    answer = client.post("/invocations", json=ROWS, headers={"x-request-id": "r1"})
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(error)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [(record.fields["request_id"], bool(record.exc_info)) for record in errors] == [("r1", True)]
    assert client.get("/v2/health/live").status_code == 200


def test_a_body_at_the_limit_is_taken_and_one_beyond_is_not(serve):
    body = b'{"instances": [[1, 1, 1, 1]]}'
    assert serve(limits=Limits(max_bytes=len(body))).post("/invocations", content=body).status_code == 200
    refused = serve(limits=Limits(max_bytes=len(body) - 1)).post("/invocations", content=body)
    assert (refused.status_code, refused.headers["connection"]) == (413, "close")


async def chunks():
    for _ in range(40):
        yield b" " * 1000


def test_a_body_of_unknown_length_is_cut_off(serve):
    assert serve(limits=Limits(max_bytes=5000)).post("/invocations", content=chunks()).status_code == 413


def test_too_many_rows_are_refused(serve):
    answer = serve(limits=Limits(max_rows=2)).post("/invocations", json={"instances": [[1, 1, 1, 1]] * 3})
    assert answer.status_code == 413


def test_beyond_the_queue_limit_a_request_is_told_to_come_back(serve):
    release = threading.Event()

    def slow(columns):
        assert release.wait(20)
        return half_size(columns)

    client = serve(slow, limits=Limits(max_inflight=2), options=POOL)

    async def overload():
        transport = httpx.ASGITransport(app=client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as http:
            calls = [asyncio.create_task(http.post("/invocations", json=ROWS)) for _ in range(3)]
            done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED, timeout=20)
            health = await http.get("/v2/health/ready")
            release.set()
            return [task.result() for task in done], await asyncio.gather(*waiting), health

    refused, answered, health = asyncio.run(overload())
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in refused] == [(429, "1")]
    assert [answer.status_code for answer in answered] == [200, 200]
    assert health.status_code == 200


def test_a_request_whose_time_is_over_before_its_turn_is_not_computed(serve):
    release, seen = threading.Event(), []

    def slow(columns):
        seen.append(columns["size"].tolist())
        assert release.wait(20)
        return half_size(columns)

    client = serve(slow, options=POOL)

    async def call(http, size, **headers):
        return await http.post("/invocations", json={"instances": [[size, 40, 0.5, 0.5]]}, headers=headers)

    async def late():
        transport = httpx.ASGITransport(app=client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as http:
            first = asyncio.create_task(call(http, 1))
            while not seen:
                await asyncio.sleep(0.001)
            told = [
                await call(http, 2, **{"x-slipway-deadline-ms": "20"}),
                await call(http, 3, **{"x-envoy-expected-rq-timeout-ms": "20", "x-slipway-deadline-ms": "9000"}),
                await call(http, 4, **{"x-slipway-deadline-ms": "0"}),
            ]
            patient = asyncio.create_task(call(http, 5, **{"x-slipway-deadline-ms": "soon"}))
            await asyncio.sleep(0.01)
            release.set()
            return told, await asyncio.gather(first, patient)

    told, answered = asyncio.run(late())
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in told] == [(503, "1")] * 3
    assert [answer.status_code for answer in answered] == [200, 200]
    assert seen == [[1.0], [5.0]]


def test_before_the_model_is_loaded_the_server_lives_and_is_not_ready(serve):
    def fail():
        raise ValueError("damaged")

    client = serve(load=fail)
    assert client.app.failed
    assert client.get("/v2/health/live").status_code == 200
    assert client.get("/v2/health/ready").status_code == 503
    assert client.get("/v2/models/clinic/ready").status_code == 503
    assert client.post("/invocations", json=ROWS).headers["retry-after"] == "1"


def test_while_the_model_is_loading_a_request_is_refused_at_once():
    config, go_on = ServingConfig(subject=SUBJECT, signature=SIGNATURE), threading.Event()

    def load():
        go_on.wait(30)
        raise ValueError("nobody waits for it")

    app = App(config, load)
    body = json.dumps(ROWS).encode()
    messages = iter([{"type": "http.request", "body": body}])
    sent = []

    async def run():
        loading = asyncio.create_task(app.load())
        await asyncio.sleep(0)

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        await app({"type": "http", "path": "/invocations", "method": "POST", "headers": []}, receive, send)
        assert not loading.done()
        go_on.set()
        await loading

    asyncio.run(run())
    app.close()
    assert sent[0]["status"] == 503


def test_what_held_the_server_up_while_it_loaded_is_not_held_against_its_first_request():
    config = ServingConfig(subject=SUBJECT, signature=SIGNATURE)
    app = App(config, lambda: Predictor("test", half_size, SIGNATURE.output))
    app._lateness.seconds = 9.0
    asyncio.run(app.load())
    app.close()
    assert app._lateness.seconds == 0.0


def test_a_draining_server_answers_is_not_ready_and_tells_callers_to_leave(serve):
    client = serve()
    client.app.draining = True
    answer = client.post("/invocations", json=ROWS)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert client.get("/v2/health/ready").status_code == 503


def test_metrics_count_requests_phases_and_policy_hits(serve):
    client = serve()
    client.post("/invocations", json={"dataframe_records": [GOOD_ROW | {"age": 200}] * 3})
    client.post("/invocations", json={"dataframe_records": [GOOD_ROW | {"size": None}]})
    lines = client.get("/metrics").text.splitlines()
    assert 'slipway_requests_total{route="invocations",status="200"} 1.0' in lines
    assert 'slipway_requests_total{route="invocations",status="422"} 1.0' in lines
    assert 'slipway_policy_hits_total{column="age",policy="clip"} 3.0' in lines
    assert 'slipway_policy_hits_total{column="size",policy="reject"} 1.0' in lines
    assert 'slipway_phase_seconds_count{phase="decode"} 2.0' in lines
    assert 'slipway_phase_seconds_count{phase="validate"} 2.0' in lines
    assert 'slipway_phase_seconds_bucket{le="+Inf",phase="encode"} 1.0' in lines
    assert "slipway_queue_seconds_count 0.0" in lines
    assert "slipway_workers 1.0" in lines
    assert "slipway_prediction_log_lost_total 0.0" in lines
    assert 'slipway_phase_seconds_count{phase="predict"} 1.0' in lines
    assert "slipway_inflight_requests 0.0" in lines


def slow_leaf(columns):
    time.sleep(0.01)
    return half_size(columns)


def test_profile_mode_collects_the_whole_handling_and_can_be_reset(serve):
    client = serve(slow_leaf, profile=True)
    for _ in range(3):
        client.post("/invocations", json=ROWS)
    client.post("/invocations", content="{")
    profile = client.get("/debug/profile").json()
    found = {(entry["file"].rsplit("/", 1)[-1], entry["name"]): entry for entry in profile["functions"]}
    leaf = found["test_app.py", "slow_leaf"]
    assert profile["requests"] == 4
    assert profile["wall_seconds"] >= leaf["cumtime"] >= 0.03
    assert leaf["ncalls"] == leaf["primitive_calls"] == 3
    assert [caller["name"] for caller in leaf["callers"]] == ["_called"]
    assert found["codec.py", "parse"]["file"] == "slipway/serving/codec.py"
    assert found["codec.py", "parse"]["ncalls"] == 4
    assert client.post("/debug/profile/reset").status_code == 200
    assert client.get("/debug/profile").json() == {"requests": 0, "wall_seconds": 0.0, "functions": []}


def test_profile_mode_can_take_the_time_alone_until_it_is_reset(serve):
    client = serve(slow_leaf, profile=True)
    client.post("/invocations", json=ROWS)
    assert client.post("/debug/profile/time").json() == {"requests": 0, "wall_seconds": 0.0, "functions": []}
    for _ in range(3):
        client.post("/invocations", json=ROWS)
    told = client.get("/debug/profile").json()
    assert (told["requests"], told["functions"]) == (3, [])
    assert told["wall_seconds"] >= 0.03
    client.post("/debug/profile/reset")
    client.post("/invocations", json=ROWS)
    assert client.get("/debug/profile").json()["functions"]


def test_a_caller_that_leaves_in_the_middle_of_its_body_is_let_go(serve):
    client: Client = serve()
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
    asyncio.run(client.app(scope, receive, send))
    assert sent == []
