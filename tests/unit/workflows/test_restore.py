"""After a stop and a start every champion serves again, and what cannot be restored is told and stops no other."""

import httpx
import pytest
import yaml

from slipway.core.identity import digest_bytes
from slipway.core.service import RuntimeName
from slipway.core.serving_options import ServingOptions
from slipway.errors import EvidenceError
from slipway.ledger import EntryKind
from slipway.workflows import embedded
from slipway.workflows.approve import record_decision
from slipway.workflows.deploy import deploy
from slipway.workflows.embedded import fleet_status, start_embedded
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.restore import ACTOR, Restoration, restore_champions
from slipway.workflows.rollback import previous_deployment, rollback
from tests.fakes.specs import declared
from tests.unit.deploy.fakes import Behaviour
from tests.unit.workflows.conftest import TUNED

IMAGES = {version: digest_bytes(f"image {version}".encode()) for version in (1, 2)}


@pytest.fixture
def served(bench, gateway, complete):
    """Release version 1, then version 2; then everything is stopped, as ``slipway stop`` does."""
    for version in (1, 2):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        complete(version=version, release_id=release.id, image=IMAGES[version])
        record_decision(bench, release, approved=True, by="bob")
        promote(bench, release)
        deploy(bench, release)
    return lambda: [bench.runtime.stop(handle) for handle in bench.runtime.list()]


def restored(bench):
    return restore_champions(bench, {RuntimeName.DOCKER: bench.runtime})


def answers(gateway):
    reply = httpx.post(
        f"{gateway.model_url('churn')}/invocations", json={"dataframe_records": [{"x": 3}]}, trust_env=False
    )
    return reply.json()["predictions"] if reply.status_code == 200 else reply.status_code


def test_a_champion_that_was_stopped_serves_again_from_the_same_image(bench, gateway, served):
    served()
    assert answers(gateway) == 503
    (one,) = restored(bench)
    assert (one.model, one.version, one.outcome) == ("churn", 2, Restoration.RESTORED)
    assert answers(gateway) == [32]
    (handle,) = bench.runtime.list()
    assert handle.image_digest == IMAGES[2]
    spec = bench.runtime.specs[handle.id]
    assert ServingOptions.from_env(spec.env) == TUNED
    assert spec.prediction_log == bench.settings.var / "predictions" / "churn" / "2"
    assert bench.said[-1] == "churn version 2 serves again"


def test_the_ledger_says_what_serves_since_the_start(bench, gateway, served):
    served()
    restored(bench)
    entry = bench.ledger.entries()[-1]
    assert (entry.kind, entry.version, entry.actor) == (EntryKind.DEPLOYMENT, 2, ACTOR)
    assert (entry.payload["release"], entry.payload["reason"]) == ("r2", "after a stop")
    assert entry.payload["service"] == bench.runtime.list()[0].to_json()


def test_a_rollback_is_restored_as_what_it_was_and_stays_one(bench, gateway, served):
    rollback(bench, "churn", actor="ada", reason="complaints", run_id="back")
    served()
    (one,) = restored(bench)
    assert (one.version, answers(gateway)) == (1, [31])
    assert previous_deployment(bench, "churn", run_id="back").version == 1, "the same run again changes nothing"
    with pytest.raises(EvidenceError, match="no other champion before"):
        previous_deployment(bench, "churn", run_id="further")


def test_a_champion_that_runs_is_not_touched(bench, gateway, served):
    before, entries = bench.runtime.list(), len(bench.ledger.entries())
    (one,) = restored(bench)
    assert one.outcome is Restoration.SERVED_ALREADY
    assert (bench.runtime.list(), len(bench.ledger.entries())) == (before, entries)


def test_a_project_without_a_champion_restores_nothing(bench):
    assert restored(bench) == ()


FAULTS = {
    "does not start": (lambda bench: bench.runtime.behaviours.update({2: Behaviour(starts=False)}), "did not start"),
    "answers wrongly": (lambda bench: bench.runtime.behaviours.update({2: Behaviour(wrong_from=1)}), "smoke test"),
    "has another image now": (lambda bench: bench.changed.add(IMAGES[2]), "was changed"),
    "has other files now": (lambda bench: bench.registry.tamper("churn", 2), "have changed since they served"),
    "has no registry": (lambda bench: setattr(bench.registry, "down", True), "did not answer"),
}


@pytest.mark.parametrize(("break_it", "says"), FAULTS.values(), ids=FAULTS)
def test_a_champion_that_cannot_serve_is_told_and_gets_no_traffic(bench, gateway, served, break_it, says):
    served()
    break_it(bench)
    (one,) = restored(bench)
    assert one.outcome is Restoration.FAILED
    assert says in one.problem
    assert says in bench.said[-1]
    assert answers(gateway) == 503
    assert bench.runtime.list() == []


def test_a_runtime_that_does_not_answer_is_told(bench, gateway, served):
    served()
    (one,) = restore_champions(bench, {})
    assert one.outcome is Restoration.FAILED
    assert "start the docker daemon" in one.problem


def test_one_that_fails_does_not_stop_the_others(bench, gateway, served):
    served()
    folder = bench.settings.models / "a_broken_one"
    folder.mkdir()
    (folder / "model.yaml").write_text(yaml.safe_dump(declared(name="a_broken_one") | {"risk_tier": "huge"}))
    last = bench.ledger.entries(kinds=[EntryKind.DEPLOYMENT])[-1]
    for model in ("a_broken_one", "gone"):
        subject = last.payload["subject"] | {"model": model}
        payload = dict(last.payload) | {"subject": subject}
        bench.ledger.append(EntryKind.DEPLOYMENT, model=model, version=2, actor="ada", payload=payload)
    bench.ledger.append(EntryKind.DEPLOYMENT, model="of_old", version=1, actor="ada", payload={"release": "r0"})
    found = {one.model: one.outcome for one in restored(bench)}
    failed = dict.fromkeys(("a_broken_one", "gone", "of_old"), Restoration.FAILED)
    assert found == {**failed, "churn": Restoration.RESTORED}
    assert answers(gateway) == [32]


def test_the_status_marks_a_server_that_is_dead(bench, gateway, served, monkeypatch):
    monkeypatch.setattr(embedded, "_runtimes", lambda settings: [bench.runtime])
    alive = {r["version"]: r["alive"] for r in fleet_status(bench.settings)["routes"]}
    assert alive == {1: True, 2: True}
    served()
    alive = {r["version"]: r["alive"] for r in fleet_status(bench.settings)["routes"]}
    assert alive == {1: False, 2: False}


def test_a_start_restores_at_the_addresses_that_the_services_have_now(bench, gateway, served, monkeypatch):
    served()
    addresses = {"tracking_uri": "http://m", "gateway_url": gateway.url, "gateway_admin_url": "http://g"}
    monkeypatch.setattr(embedded, "start_stack", lambda *_given, **_named: stack_at(**addresses))
    monkeypatch.setattr(embedded, "_runtimes", lambda settings: [bench.runtime])
    asked = []

    def workbench(settings, *, say):
        asked.append(settings)
        return bench

    monkeypatch.setattr(embedded, "Workbench", workbench)
    started = start_embedded(bench.settings, progress=str)
    assert {name: getattr(asked[0], name) for name in addresses} == addresses
    assert [champion.outcome for champion in started.champions] == [Restoration.RESTORED]
    assert started.healthy
    assert answers(gateway) == [32]


def stack_at(**addresses):
    from slipway.stack.state import Addresses, StackState

    return StackState(addresses=Addresses(**addresses))
