"""Changing routes: all or nothing, confirmed, healed."""

import json
import os
import subprocess
import sys

import httpx
import pytest

from slipway.core.service import RuntimeName, ServiceHandle
from slipway.deploy import Backend, Gateway, Role, write_bootstrap
from slipway.deploy.files import GatewayFiles
from slipway.errors import GatewayError

DIGEST = "sha256:" + "1" * 64


def backend(version=1, weight=100, role=Role.CHAMPION):
    handle = ServiceHandle(
        runtime=RuntimeName.PROCESS, name="n", id=str(version), host="127.0.0.1", port=version, image_digest=DIGEST
    )
    return Backend(version=version, weight=weight, role=role, handle=handle)


def live(folder):
    """Cluster names, and those that routes lead to, as Envoy reads them."""
    cds, rds = (json.loads((folder / "xds" / name).read_text()) for name in ("cds.json", "rds.json"))
    routes = rds["resources"][0]["virtual_hosts"][0]["routes"]
    used = {s["name"] for r in routes if "route" in r for s in r["route"]["weighted_clusters"]["clusters"]}
    return sorted(c["name"] for c in cds["resources"]), sorted(used)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "gateway"


def test_a_route_that_envoy_takes_is_the_state(gateway, folder):
    route = gateway.set_route("churn", [backend()])
    assert gateway.route("churn") == route
    assert gateway.route("fraud") is None
    assert live(folder) == (["churn-v1-11111111"], ["churn-v1-11111111"])


def test_a_cluster_that_no_route_needs_any_more_goes(gateway, folder):
    gateway.set_route("churn", [backend(1)])
    gateway.set_route("churn", [backend(2)])
    assert live(folder) == (["churn-v2-11111111"], ["churn-v2-11111111"])


def test_models_do_not_touch_each_other(gateway, folder):
    gateway.set_route("churn", [backend(1)])
    gateway.set_route("fraud", [backend(2)])
    gateway.remove_route("churn")
    gateway.remove_route("never_there")
    assert list(gateway.routes()) == ["fraud"]
    assert live(folder)[0] == ["fraud-v2-11111111"]


MOODS = {"deaf": "did not take the change", "refuses": "a field that it does not know"}


@pytest.mark.parametrize(("mood", "said"), MOODS.items(), ids=MOODS)
def test_a_change_that_envoy_does_not_take_is_taken_back(gateway, folder, envoy, mood, said):
    before = gateway.set_route("churn", [backend(1)])
    envoy.take()
    envoy.mood = mood
    with pytest.raises(GatewayError, match=said):
        gateway.set_route("churn", [backend(2)])
    assert gateway.route("churn") == before
    assert live(folder) == (["churn-v1-11111111"], ["churn-v1-11111111"])


def test_a_gateway_that_is_down_is_named_and_nothing_changes(folder, gateway):
    before = gateway.set_route("churn", [backend(1)])
    down = Gateway(folder, url="http://127.0.0.1:9", admin_url="http://127.0.0.1:9")
    with pytest.raises(GatewayError, match="start Envoy"):
        down.set_route("churn", [backend(2)])
    assert gateway.route("churn") == before
    assert live(folder)[1] == ["churn-v1-11111111"]


def test_a_full_disk_is_named_and_nothing_changes(folder, gateway, monkeypatch):
    before = gateway.set_route("churn", [backend(1)])

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GatewayError, match=r"No space left on device.*free disk space"):
        gateway.set_route("churn", [backend(2)])
    monkeypatch.undo()
    assert gateway.route("churn") == before
    assert live(folder) == (["churn-v1-11111111"], ["churn-v1-11111111"])


class Killed(BaseException):
    """What a kill -9 looks like from inside: nothing after it runs."""


@pytest.mark.parametrize("puts", range(4))
def test_a_change_that_is_killed_between_two_steps_is_healed_by_the_next(folder, gateway, monkeypatch, puts):
    before = gateway.set_route("churn", [backend(1)])
    real, done = GatewayFiles.put, []

    def put(self, staged, target):
        if len(done) == puts:
            raise Killed
        done.append(target.name)
        real(self, staged, target)

    monkeypatch.setattr(GatewayFiles, "put", put)
    with pytest.raises(Killed):
        gateway.set_route("churn", [backend(2)])
    monkeypatch.undo()
    committed = "state.json" in done
    assert (gateway.route("churn") == before) is not committed
    gateway.heal()
    name = "churn-v2-11111111" if committed else "churn-v1-11111111"
    assert live(folder) == ([name], [name])


def test_the_start_files_are_written_from_the_state(folder, gateway):
    gateway.set_route("churn", [backend(1)])
    (folder / "xds" / "rds.json").write_text("half a fi")
    (folder / "xds" / "cds.json").unlink()
    start = write_bootstrap(folder, port=1, admin_port=2)
    assert json.loads(start.read_text())["static_resources"]
    assert live(folder) == (["churn-v1-11111111"], ["churn-v1-11111111"])


def test_a_state_that_cannot_be_read_is_named_and_not_overwritten(folder, gateway):
    gateway.set_route("churn", [backend(1)])
    (folder / "state.json").write_text('{"routes": {"churn": {}}}')
    with pytest.raises(GatewayError, match="move the file aside"):
        gateway.set_route("churn", [backend(2)])
    assert live(folder)[1] == ["churn-v1-11111111"]


def test_two_deployments_of_one_model_cannot_run_at_once(gateway):
    with gateway.deploying("churn"):
        with pytest.raises(GatewayError, match="another change"), gateway.deploying("churn", timeout_s=0.05):
            pass
        with gateway.deploying("fraud", timeout_s=0.05):
            pass
    with gateway.deploying("churn", timeout_s=0.05):
        pass


SETTER = """
import sys
from pathlib import Path
from slipway.core.service import RuntimeName, ServiceHandle
from slipway.deploy import Backend, Gateway, Role
folder, admin, model = sys.argv[1:]
gateway = Gateway(Path(folder), url="http://127.0.0.1:9", admin_url=admin)
for version in range(1, 11):
    handle = ServiceHandle(runtime=RuntimeName.PROCESS, name="n", id="i", host="127.0.0.1", port=version,
                           image_digest="sha256:" + "1" * 64)
    gateway.set_route(model, [Backend(version=version, weight=100, role=Role.CHAMPION, handle=handle)])
"""


def test_processes_that_change_routes_at_once_lose_nothing(folder, gateway, envoy):
    models = ["alpha", "beta", "gamma"]
    setters = [subprocess.Popen([sys.executable, "-c", SETTER, folder, envoy.admin_url, model]) for model in models]
    try:
        assert [setter.wait(60) for setter in setters] == [0, 0, 0]
    finally:
        for setter in setters:
            setter.kill()
            setter.wait()
    assert {model: route.champion.version for model, route in gateway.routes().items()} == dict.fromkeys(models, 10)


def test_an_unknown_model_and_one_without_a_service_are_told_apart(gateway, envoy):
    gateway.set_route("churn", [])
    assert httpx.post(gateway.model_url("churn") + "/invocations", json={}).status_code == 503
    assert httpx.post(gateway.model_url("fraud") + "/invocations", json={}).status_code == 404
