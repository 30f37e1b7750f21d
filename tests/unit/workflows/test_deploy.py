"""Deployment and rollback through the gateway: the new version takes the traffic, or all is as it was."""

import httpx
import pytest

from slipway.core.evidence import Check
from slipway.core.serving_options import ServingOptions
from slipway.errors import EvidenceError, GatewayError, ServiceError
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision
from slipway.workflows.deploy import deploy
from slipway.workflows.predict import sample_rows
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.rollback import rollback
from tests.unit.deploy.fakes import Behaviour
from tests.unit.workflows.conftest import TUNED

IMAGES = {version: "sha256:" + str(version) * 64 for version in (1, 2)}


@pytest.fixture
def promoted(bench, gateway, complete):
    """Take a version through its gates and its approval to the champion's alias; returns its release."""

    def through(version):
        if version > 1:
            bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        complete(version=version, release_id=release.id, image=IMAGES[version])
        record_decision(bench, release, approved=True, by="bob")
        promote(bench, release)
        return release

    return through


@pytest.fixture
def served(bench, promoted):
    """Release version 1, then version 2."""
    deploy(bench, promoted(1))
    deploy(bench, promoted(2))


def aliases(bench):
    return [bench.registry.alias("churn", name) for name in ("champion", "previous")]


def answers(gateway):
    reply = httpx.post(
        f"{gateway.model_url('churn')}/invocations", json={"dataframe_records": [{"x": 3}]}, trust_env=False
    )
    return reply.json()["predictions"] if reply.status_code == 200 else reply.status_code


def test_what_was_promoted_serves_and_the_ledger_says_so(bench, gateway, promoted, kinds):
    deployment = deploy(bench, promoted(1))
    assert (deployment.version, answers(gateway), aliases(bench)) == (1, [31], [1, None])
    assert kinds()[-2:] == ["deployment", "release_ended"]
    entry = bench.ledger.entries()[-2]
    assert entry.payload["service"] == deployment.handle.to_json()
    assert entry.payload["image"]["digest"] == IMAGES[1]


def test_deploying_again_changes_nothing(bench, gateway, promoted):
    release = promoted(1)
    first, second = deploy(bench, release), deploy(bench, release)
    assert first.handle == second.handle
    assert answers(gateway) == [31]


def started_as(bench, handle):
    spec = bench.runtime.specs[handle.id]
    return ServingOptions.from_env(spec.env), spec.prediction_log


def test_what_is_deployed_runs_with_the_tuned_options_and_a_prediction_log(bench, gateway, promoted):
    deployment = deploy(bench, promoted(1))
    assert started_as(bench, deployment.handle) == (TUNED, bench.settings.var / "predictions" / "churn" / "1")
    assert bench.ledger.entries()[-2].payload["options"] == TUNED.to_json()


def test_a_rollback_starts_a_version_that_is_cold_with_the_options_it_served_with(bench, gateway, served):
    old = bench.runtime.find("slipway-churn-v1")
    bench.runtime.stop(old)
    deployment = rollback(bench, "churn", actor="ada", reason="", run_id="back")
    assert deployment.handle.id != old.id
    assert started_as(bench, deployment.handle) == (TUNED, bench.settings.var / "predictions" / "churn" / "1")


def test_a_version_from_before_there_was_a_tuning_rolls_back_with_the_default_options(
    bench, gateway, served, monkeypatch
):
    entry = bench.ledger.entries(kinds=[EntryKind.DEPLOYMENT])[0]
    del entry.payload["options"]
    monkeypatch.setattr("slipway.workflows.rollback.previous_deployment", lambda *args, **given: entry)
    bench.runtime.stop(bench.runtime.find("slipway-churn-v1"))
    deployment = rollback(bench, "churn", actor="ada", reason="", run_id="back")
    assert started_as(bench, deployment.handle)[0] == ServingOptions()
    assert bench.ledger.entries()[-1].payload["options"] == ServingOptions().to_json()


def test_a_service_that_serves_already_is_recorded_with_the_options_that_it_runs_with(bench, gateway, promoted, put):
    first = deploy(bench, release := promoted(1))
    for check in (Check.TUNE_SERVING, Check.LOAD_TEST):
        put(check, release_id=release.id, image=IMAGES[1], options=ServingOptions(threads=2))
    again = deploy(bench, release)
    assert again.handle == first.handle
    assert bench.ledger.entries()[-2].payload["options"] == TUNED.to_json()
    assert any("keeps its serving options" in line for line in bench.said)


def test_what_was_not_promoted_in_this_release_is_not_deployed(bench, gateway, release, complete):
    complete()
    record_decision(bench, release, approved=True, by="bob")
    with pytest.raises(EvidenceError, match="not promoted in this release"):
        deploy(bench, release)
    assert bench.runtime.running() == []


BROKEN = {
    "does not start": Behaviour(starts=False),
    "is not ready": Behaviour(becomes_ready=False),
    "answers wrongly": Behaviour(wrong_from=1),
    "fails under traffic": Behaviour(fails_from=3),
}


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
def test_the_champion_is_back_after_a_version_that(bench, gateway, promoted, kinds, behaviour):
    deploy(bench, promoted(1))
    second = promoted(2)
    bench.runtime.behaviours[2] = behaviour
    with pytest.raises(ServiceError):
        deploy(bench, second)
    assert aliases(bench)[0] == 1
    assert answers(gateway) == [31]
    assert bench.runtime.running() == [1]
    assert kinds()[-2:] == ["refusal", "release_ended"]
    refusal, ended = bench.ledger.entries()[-2:]
    assert (refusal.payload["what"], refusal.payload["serving"]) == ("deployment", 1)
    assert (ended.payload["step"], ended.payload["outcome"]) == ("deploy", "FAILED")


def test_a_first_version_that_fails_leaves_no_champion(bench, gateway, promoted):
    release = promoted(1)
    bench.runtime.behaviours[1] = Behaviour(wrong_from=1)
    with pytest.raises(ServiceError):
        deploy(bench, release)
    assert aliases(bench) == [None, None]
    assert bench.runtime.running() == []


def test_a_failed_version_is_deployed_only_after_it_was_promoted_again(bench, gateway, promoted):
    deploy(bench, promoted(1))
    second = promoted(2)
    bench.runtime.behaviours[2] = Behaviour(becomes_ready=False)
    with pytest.raises(ServiceError):
        deploy(bench, second)
    bench.runtime.behaviours.clear()
    with pytest.raises(EvidenceError, match="taken back"):
        deploy(bench, second)
    assert (answers(gateway), aliases(bench)[0]) == ([31], 1)
    promote(bench, second)
    deploy(bench, second)
    assert (answers(gateway), aliases(bench)) == ([32], [2, 1])


def test_an_unreachable_gateway_leaves_the_champion_as_it_was(bench, gateway, promoted):
    deploy(bench, promoted(1))
    second = promoted(2)
    gateway._admin = type(gateway._admin)("http://127.0.0.1:1", timeout_s=0.2)
    with pytest.raises(GatewayError):
        deploy(bench, second)
    assert (answers(gateway), aliases(bench)[0]) == ([31], 1)
    assert bench.runtime.running() == [1]


def test_a_rollback_puts_the_version_before_back(bench, gateway, served, kinds):
    assert answers(gateway) == [32]
    deployment = rollback(bench, "churn", actor="ada", reason="complaints", run_id="back")
    assert (deployment.version, answers(gateway), aliases(bench)) == (1, [31], [1, 2])
    entry = bench.ledger.entries()[-1]
    assert (entry.kind.value, entry.version, entry.actor, entry.payload["reason"]) == (
        "rollback",
        1,
        "ada",
        "complaints",
    )


def test_a_rollback_that_is_run_again_stays_where_it_went(bench, gateway, served):
    for _ in range(2):
        rollback(bench, "churn", actor="ada", reason="", run_id="back")
    assert (answers(gateway), aliases(bench)[0]) == ([31], 1)


def test_what_was_rolled_back_is_not_what_another_rollback_puts_back(bench, gateway, served):
    rollback(bench, "churn", actor="ada", reason="", run_id="back")
    with pytest.raises(EvidenceError, match="no other champion before"):
        rollback(bench, "churn", actor="ada", reason="", run_id="further")
    assert (answers(gateway), aliases(bench)[0]) == ([31], 1)


def change_image(bench):
    bench.changed.add(IMAGES[1])


def change_artifact(bench):
    bench.registry.tamper("churn", 1)


@pytest.mark.parametrize("change", [change_image, change_artifact])
def test_a_rollback_refuses_bytes_that_changed_since_they_served(bench, gateway, served, kinds, change):
    change(bench)
    with pytest.raises(EvidenceError, match="changed"):
        rollback(bench, "churn", actor="ada", reason="", run_id="back")
    assert (answers(gateway), aliases(bench)) == ([32], [2, 1])
    assert "rollback" not in kinds()


def test_sample_rows_are_the_golden_ones_of_what_serves(bench, gateway, served, monkeypatch):
    monkeypatch.setattr("slipway.workflows.workbench.Workbench", lambda settings: bench)
    assert sample_rows(bench.settings, "churn", count=2) == [{"x": 0}, {"x": 1}]


def test_there_is_no_sample_of_what_never_served(bench):
    with pytest.raises(GatewayError, match="never deployed"):
        sample_rows(bench.settings, "churn", count=1)


def test_a_promotion_that_only_says_so_deploys_nothing(bench, gateway, complete, kinds):
    subject = complete(image=IMAGES[1])
    release = Release(id="r1", model="churn", version=1, requester="ada")
    payload = {"release": "r1", "subject": subject.to_json(), "before": None, "approvals": []}
    bench.ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)
    with pytest.raises(EvidenceError, match="no approval that holds"):
        deploy(bench, release)
    assert kinds()[-1] == "attempt"
    assert bench.ledger.entries()[-1].payload["what"] == "deployment"


def test_a_rollback_to_what_no_release_promoted_is_refused_and_recorded(bench, gateway, served, promoted, kinds):
    bench.registry.add("churn", 3, b"model 3")
    subject = bench.registry.files("churn", 3).subject.with_image("sha256:" + "3" * 64)
    last = bench.ledger.entries(kinds=[EntryKind.DEPLOYMENT])[-1]
    for version, about in ((3, subject.to_json()), (2, last.payload["subject"])):
        payload = {**last.payload, "subject": about}
        bench.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=version, actor="eve", payload=payload)
    with pytest.raises(EvidenceError, match="no release has ever promoted it"):
        rollback(bench, "churn", actor="eve", reason="mine", run_id="back")
    assert kinds()[-1] == "attempt"
    assert (answers(gateway), aliases(bench)) == ([32], [2, 1])
