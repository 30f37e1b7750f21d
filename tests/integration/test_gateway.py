"""Deployments through a real Envoy, under a client that asks without pause."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from slipway.deploy import Gateway, Mirror, Role, deploy, rollback, write_bootstrap
from slipway.errors import GatewayError, ServiceError
from tests.unit.deploy.fakes import Behaviour, FakeRuntime, Hammer, golden, image, spec, subject

pytestmark = pytest.mark.alone


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Envoy:
    """A real Envoy on free ports, started from the gateway's own start file."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.admin_port = free_ports(2)
        self.process = None

    def start(self):
        beside = Path(sys.executable).parent / "envoy"
        binary = str(beside) if beside.exists() else shutil.which("envoy")
        assert binary, "no envoy program: install the project's requirements"
        start_file = write_bootstrap(self.folder, port=self.port, admin_port=self.admin_port)
        self.process = subprocess.Popen(
            [binary, "--disable-hot-restart", "--concurrency", "2", "-l", "error", "-c", str(start_file)],
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, "Envoy did not start"
            try:
                if httpx.get(f"http://127.0.0.1:{self.admin_port}/ready", trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)

    def kill(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None


@pytest.fixture
def envoy(tmp_path):
    server = Envoy(tmp_path / "gateway")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def gateway(envoy):
    return Gateway(envoy.folder, url=f"http://127.0.0.1:{envoy.port}", admin_url=f"http://127.0.0.1:{envoy.admin_port}")


@pytest.fixture
def runtime():
    fake = FakeRuntime()
    yield fake
    fake.close()


@pytest.fixture
def put(runtime, gateway):
    def run(version, *, act=deploy, **how):
        return act(
            runtime=runtime,
            gateway=gateway,
            image=image(version),
            subject=subject(version),
            spec=spec(**{"watch_seconds": 1, **how}),
            golden=golden(version),
        )

    return run


def ask(gateway, model="churn"):
    return httpx.post(
        f"{gateway.model_url(model)}/invocations", json={"dataframe_records": [{"x": 3}]}, trust_env=False
    )


def test_versions_change_under_load_and_no_request_fails(put, gateway, runtime):
    put(1)
    with Hammer(gateway.model_url("churn"), threads=4) as load:
        put(2)
        assert ask(gateway).headers["x-slipway-version"] == "2"
        put(3, strategy="canary", canary_steps=[10, 50])
        put(2, act=rollback)
    assert load.failures == []
    assert load.count > 200 and {"1", "2", "3"} <= set(load.versions)
    assert load.versions[-1] == "2"
    assert runtime.running() == [2]


def test_requests_that_are_on_their_way_are_answered_when_their_version_goes(put, gateway, runtime):
    runtime.behaviours = {version: Behaviour(seconds=0.4) for version in (1, 2, 3)}
    put(1)
    with Hammer(gateway.model_url("churn"), threads=4) as load:
        put(2)
        put(1, act=rollback)
        put(3)
    assert load.failures == [] and load.versions[-1] == "3"


BAD = {
    "wrong_answers": Behaviour(wrong_from=60),
    "errors": Behaviour(fails_from=60),
    "dies": Behaviour(dies_at=60),
}


@pytest.mark.parametrize("how", [{}, {"strategy": "canary", "canary_steps": [20]}], ids=["switch", "canary"])
@pytest.mark.parametrize("behaviour", BAD.values(), ids=BAD)
def test_a_version_that_turns_bad_is_taken_out_and_the_champion_fails_no_request(put, gateway, runtime, behaviour, how):
    put(1)
    runtime.behaviours[2] = behaviour
    with Hammer(gateway.model_url("churn"), threads=2) as load:
        with pytest.raises(ServiceError, match="failed its watch"):
            put(2, watch_seconds=20, **how)
        taken_out = time.monotonic()
        time.sleep(0.5)
    # Only requests that the bad version was given failed; none of the champion's, and none begun since it was taken
    # out. One that was on its way then may still be on its last try.
    assert not [begun for begun in load.failed_at if begun > taken_out]
    assert not [failure for failure in load.failures if "churn-v1" in str(failure) or "'1'" in str(failure)]
    assert load.versions[-1] == "1" and runtime.running() == [1]
    assert gateway.route("churn").champion.weight == 100


def test_a_version_that_fails_its_smoke_test_costs_no_request(put, gateway, runtime):
    put(1)
    runtime.behaviours[2] = Behaviour(wrong_from=1)
    with Hammer(gateway.model_url("churn")) as load, pytest.raises(ServiceError, match="got no traffic"):
        put(2)
    assert load.failures == [] and set(load.versions) == {"1"}


def test_an_envoy_that_was_killed_comes_back_with_the_same_routes(put, gateway, envoy):
    put(1)
    put(2)
    envoy.kill()
    with pytest.raises(GatewayError, match="start Envoy"):
        put(3)
    envoy.start()
    assert ask(gateway).headers["x-slipway-backend"].startswith("churn-v2-")
    assert gateway.route("churn").champion.version == 2


def test_files_that_a_crash_left_half_written_are_healed(put, gateway, envoy):
    put(1)
    envoy.kill()
    (envoy.folder / "xds" / "rds.json").write_text('{"version_info": "x", "resour')
    envoy.start()
    assert ask(gateway).status_code == 200
    (envoy.folder / "xds" / "cds.json").write_text("{}")
    gateway.heal()
    assert ask(gateway).status_code == 200


def test_unknown_models_and_models_without_a_service_are_told_apart_in_json(gateway):
    gateway.set_route("churn", [])
    gone, unknown = ask(gateway), ask(gateway, "fraud")
    assert (gone.status_code, gone.json()) == (503, {"error": "model churn has no service", "status": 503})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "there is no such model here")


def test_the_open_inference_protocol_keeps_its_path(put, gateway):
    put(1)
    found = httpx.get(f"{gateway.url}/v2/models/churn/ready", trust_env=False)
    assert (found.status_code, found.json()) == (200, {"ready": True})
    assert httpx.get(f"{gateway.url}/v2/models/churning/ready", trust_env=False).status_code == 404


def test_a_shadow_is_asked_and_never_answers(put, gateway, runtime):
    put(1)
    put(2)
    route = gateway.route("churn")
    shadow = runtime.services[route.previous.handle.id]
    before = shadow.requests
    gateway.set_route("churn", route.backends, mirror=Mirror(role=Role.PREVIOUS))
    assert {ask(gateway).headers["x-slipway-version"] for _ in range(20)} == {"2"}
    deadline = time.monotonic() + 10
    while shadow.requests < before + 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert shadow.requests == before + 20


def test_draining_waits_for_the_last_answer(put, gateway, runtime):
    done = put(1)
    put(2)
    route = gateway.route("churn")
    old, new = route.previous, route.champion
    runtime.services[done.handle.id].behaviour = Behaviour(seconds=1.0)
    gateway.set_route("churn", [replace(old, weight=100), replace(new, weight=0)])
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, gateway)
        while runtime.services[done.handle.id].busy == 0:
            time.sleep(0.01)
        gateway.set_route("churn", route.backends)
        assert not gateway.drain("churn", old, timeout_s=0.05)
        assert gateway.drain("churn", old, timeout_s=10)
        assert slow.result().headers["x-slipway-version"] == "1"


def test_a_request_that_a_service_has_read_is_never_sent_again(put, gateway, runtime):
    done = put(1)
    service = runtime.services[done.handle.id]
    service.behaviour = replace(service.behaviour, dies_at=service.requests + 1)
    before = service.requests
    assert ask(gateway).status_code == 503
    assert service.requests == before + 1
