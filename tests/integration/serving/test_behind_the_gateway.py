"""The real server behind a real Envoy: what is measured without the gateway is what production does."""

import contextlib
import threading
import time

import httpx
import pytest

from slipway.core.service import RuntimeName, ServiceHandle
from slipway.core.serving_options import Mode, ServingOptions
from slipway.deploy.routes import Backend, Role
from slipway.serving.app import App
from slipway.serving.config import ServingConfig
from slipway.serving.predictor import Predictor
from slipway.serving.server import DrainingServer
from tests.integration.test_gateway import envoy, free_ports, gateway  # noqa: F401 - fixtures
from tests.unit.serving.samples import GOOD_ROW, SIGNATURE, SUBJECT, half_size

pytestmark = pytest.mark.alone


@pytest.fixture
def served():
    """A server in a thread, and how many requests went the usual way."""
    usual = []

    class Counted(App):
        async def __call__(self, scope, receive, send):
            usual.append(scope.get("path"))
            await super().__call__(scope, receive, send)

    def load():
        columns = SIGNATURE.names
        return Predictor(
            "test", half_size, SIGNATURE.output, lambda matrix: half_size(dict(zip(columns, matrix.T, strict=True)))
        )

    app = Counted(ServingConfig(subject=SUBJECT, signature=SIGNATURE), load, options=ServingOptions(mode=Mode.INLINE))
    (port,) = free_ports(1)
    server = DrainingServer(app, host="127.0.0.1", port=port, drain_seconds=0)
    server.capture_signals = contextlib.nullcontext  # they are the test program's
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while app._pipeline.predictor is None and time.monotonic() < deadline:
        time.sleep(0.02)
    yield port, usual
    server.should_exit = True
    thread.join(10)


def test_a_small_request_through_the_gateway_is_answered_directly(gateway, served):  # noqa: F811 - the fixture
    port, usual = served
    handle = ServiceHandle(
        id="one",
        name="clinic",
        image_digest=f"sha256:{'a' * 64}",
        host="127.0.0.1",
        port=port,
        runtime=RuntimeName.PROCESS,
    )
    gateway.set_route("clinic", [Backend(version=3, weight=100, role=Role.CHAMPION, handle=handle)])
    usual.clear()
    url = f"{gateway.model_url('clinic')}/invocations"
    answers = [httpx.post(url, json={"dataframe_records": [GOOD_ROW]}, trust_env=False) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert usual == []
    flagged = httpx.post(url, json={"dataframe_records": [GOOD_ROW | {"dose": None}]}, trust_env=False)
    assert (flagged.status_code, len(usual)) == (200, 1)
