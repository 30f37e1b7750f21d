"""What serves, shadows or runs is seen, and what cannot be seen is a reason to let everything be."""

import pytest

from slipway.core.service import ServiceSpec
from slipway.deploy.routes import Backend, Mirror, Role
from slipway.errors import GatewayError
from slipway.ledger import EntryKind
from slipway.workflows.retention_state import observe
from tests.unit.deploy.fakes import image, subject


def seen(bench):
    return {state.version: state for state in observe(bench, "churn").states}


def start(bench, name, version):
    return bench.runtime.start(ServiceSpec(name=name, image=image(version), subject=subject(version)))


@pytest.fixture
def two(bench):
    bench.registry.add("churn", 2)
    return bench


def test_a_version_nobody_knows_anything_about_stands_nowhere(two):
    assert seen(two)[1].stands == seen(two)[2].stands == ()


def test_every_backend_of_the_route_stands_and_so_does_a_shadow(two, gateway):
    one, other = start(two, "svc-a", 1), start(two, "svc-b", 2)
    gateway.set_route(
        "churn",
        [
            Backend(version=1, weight=100, role=Role.CHAMPION, handle=one),
            Backend(version=2, weight=0, role=Role.CANDIDATE, handle=other),
        ],
        mirror=Mirror(role=Role.CANDIDATE),
    )
    found = seen(two)
    assert "is in the gateway's route as champion" in found[1].stands
    assert "is in the gateway's route as candidate" in found[2].stands
    assert "serves as shadow" in found[2].stands


@pytest.mark.parametrize("name", ["slipway-churn-v1", "slipway-churn-v1-candidate", "slipway-churn-v1-0a1b2c3d"])
def test_a_service_that_runs_under_any_of_its_names_stands(two, name):
    start(two, name, 1)
    assert seen(two)[1].stands == (f"runs as {name}",)
    assert seen(two)[2].stands == ()


def test_a_service_of_another_model_or_version_is_not_its(two):
    start(two, "slipway-churn_eu-v1", 1)
    start(two, "slipway-churn-v12", 12)
    assert seen(two)[1].stands == ()


def test_a_service_of_its_image_stands_whatever_it_is_called(two):
    served = {"release": "r0", "subject": subject(1).to_json(), "image": image(1).to_json()}
    two.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=1, actor="ada", payload=served)
    start(two, "somebodys-own", 1)
    assert seen(two)[1].stands == ("runs as somebodys-own",)


def test_what_served_before_stands_since_a_rollback_would_put_it_back(two):
    for version in (1, 2):
        payload = {"release": f"r{version}", "subject": {}}
        two.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=version, actor="ada", payload=payload)
    assert seen(two)[1].stands == ("is what a rollback would put back",)


def test_a_release_stands_from_its_start_to_its_end(two):
    two.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=1, actor="ada", payload={"release": "r1"})
    assert seen(two)[1].stands == ("is in release r1, which has not ended",)
    two.ledger.append(EntryKind.RELEASE_ENDED, model="churn", version=1, actor="ada", payload={"release": "r1"})
    assert seen(two)[1].stands == ()


def test_a_gateway_or_a_runtime_that_cannot_be_read_makes_every_version_unknown(two, monkeypatch):
    def broken(*args):
        raise GatewayError("the state is damaged", remedy="restore it")

    with monkeypatch.context() as patched:
        patched.setattr(two.gateway, "route", broken)
        assert all("the state is damaged" in state.unknown for state in seen(two).values())
    monkeypatch.setattr(two.runtime, "list", broken)
    assert all("the state is damaged" in state.unknown for state in seen(two).values())
