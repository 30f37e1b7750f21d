"""Predictions through the gateway: an answer with its version, or an error that says what to do."""

from dataclasses import replace

import pytest

from slipway.errors import GatewayError, RequestRejected, SpecError
from slipway.workflows.predict import predict
from tests.unit.deploy.fakes import QuietHandler, Server

ROWS = [{"tenure": 1.5}]


@pytest.fixture
def serve(bench):
    """Put a gateway that answers in one way before the settings."""
    servers = []

    def answer(status, body, headers=None):
        class Gateway(QuietHandler):
            def do_POST(self):  # noqa: N802
                self.body()
                self.reply(status, body, headers)

        servers.append(Server(Gateway))
        return replace(bench.settings, gateway_url=f"http://127.0.0.1:{servers[-1].port}")

    yield answer
    for server in servers:
        server.kill()


def test_the_answer_names_its_version(serve):
    settings = serve(200, {"predictions": [0.5]}, {"x-slipway-version": "3"})
    assert predict(settings, "churn", ROWS) == {"model": "churn", "version": 3, "predictions": [0.5]}


def test_flags_are_handed_on(serve):
    flags = [{"row": 0, "column": "spend", "policy": "flag", "reason": "is missing"}]
    settings = serve(200, {"predictions": [0.5], "flags": flags}, {"x-slipway-version": "3"})
    assert predict(settings, "churn", ROWS)["flags"] == flags


ANSWERS = {
    "the model refuses the rows": (422, {"error": "tenure: -5 is below 0"}, {}, RequestRejected, "tenure: -5"),
    "the body is no request": (400, {"error": "not JSON"}, {}, RequestRejected, "not JSON"),
    "no version serves": (503, {"error": "no version"}, {}, GatewayError, "answered 503"),
    "the gateway does not know the model": (404, {"error": "no route"}, {}, GatewayError, "answered 404"),
    "something else listens there": (200, b"<html>hello</html>", {}, GatewayError, "as no version of ours"),
    "the version is not a number": (
        200,
        {"predictions": []},
        {"x-slipway-version": "x"},
        GatewayError,
        "no version of",
    ),
    "the answer is a list": (200, b"[1]", {"x-slipway-version": "1"}, GatewayError, "no version of"),
}


@pytest.mark.parametrize(("status", "body", "headers", "error", "says"), ANSWERS.values(), ids=ANSWERS)
def test_an_error_says_what_happened_when(serve, status, body, headers, error, says):
    with pytest.raises(error, match=says):
        predict(serve(status, body, headers), "churn", ROWS)


@pytest.mark.parametrize(
    ("url", "says"),
    [("", "no gateway is configured"), ("http://127.0.0.1:1", "did not answer"), ("http://[", "did not answer")],
    ids=["is not configured", "is down", "has no valid address"],
)
def test_an_error_says_so_when_the_gateway(bench, url, says):
    with pytest.raises(GatewayError, match=says):
        predict(replace(bench.settings, gateway_url=url), "churn", ROWS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()], ids=["nan", "infinity", "an object"])
def test_rows_that_json_cannot_hold_are_refused_before_they_are_sent(serve, value):
    with pytest.raises(RequestRejected, match="cannot be sent"):
        predict(serve(200, {}), "churn", [{"tenure": value}])


def test_an_unknown_model_is_told_before_anybody_is_asked(serve):
    with pytest.raises(SpecError, match="known: churn"):
        predict(serve(200, {}), "nope", ROWS)
