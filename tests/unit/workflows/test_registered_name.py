"""A model goes by its own name everywhere; what MLflow calls it is said to the registry, and nowhere else."""

import json

import httpx
import pandas as pd
import pytest

from slipway.core.evidence import Check, Findings
from slipway.core.service import RuntimeName
from slipway.core.verdict import Bound, Measurement
from slipway.errors import EvidenceError
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision, request_approval
from slipway.workflows.candidate import PROFILE
from slipway.workflows.champion import champion_beside
from slipway.workflows.crash import Crash, end_crashed
from slipway.workflows.deploy import deploy
from slipway.workflows.evaluate import evaluate
from slipway.workflows.inventory import inventory
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.release_report import publish_release_report, release_story, report_path
from slipway.workflows.restore import Restoration, restore_champions
from slipway.workflows.rollback import rollback
from slipway.workflows.standing import put_alias_right, standing
from slipway.workflows.validate_data import validate_data
from tests.unit.workflows.conftest import REGISTERED

PASSED = Measurement(name="m", value=1.0, threshold=1.0, bound=Bound.MIN)
BY_HAND = {Check.VALIDATE_DATA, Check.EVALUATE}


@pytest.fixture
def compared(monkeypatch):
    """Put the data and the quality gate's judges into memory; yields the champions that they are given."""
    found = []

    def check_data(*, out, champion, **_rest):
        found.append(champion and champion.subject)
        rows = out / "quarantine.parquet"
        pd.DataFrame({"quarantine_file": [], "quarantine_row": [], "reason": []}).to_parquet(rows)
        return Findings(measurements=(PASSED,), reports={str(rows): "Rows set aside"})

    def judge_quality(*, out, champion, **_rest):
        found.append(champion and champion.subject)
        (out / "evaluate.html").write_text("<p>")
        return Findings(measurements=(PASSED,), reports={str(out / "evaluate.html"): "Model evaluation"})

    monkeypatch.setattr("slipway.quality.validate.validate_data", check_data)
    monkeypatch.setattr("slipway.quality.evaluate.evaluate", judge_quality)
    return found


@pytest.fixture
def judged(bench, gateway, compared, put):
    """Take a version through its gates, the first two by their workflows; returns its release."""

    def through(version):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        validate_data(bench, release)
        evaluate(bench, release)
        for check in Check:
            if check not in BY_HAND:
                put(check, version=version, release_id=release.id, image="sha256:" + str(version) * 64)
        return release

    return through


@pytest.fixture
def promoted(bench, judged):
    """Take a version through its gates and its approval to the champion's alias; returns its release."""

    def through(version):
        release = judged(version)
        request_approval(bench, release)
        record_decision(bench, release, approved=True, by="bob")
        promote(bench, release)
        return release

    return through


@pytest.fixture
def served(bench, promoted):
    """Release version 1, then version 2."""
    deploy(bench, promoted(1))
    deploy(bench, promoted(2))


@pytest.fixture(autouse=True)
def one_name(bench):
    """What every test leaves behind: MLflow's name is in no entry, no report's path, no service and no route."""
    yield
    entries = bench.ledger.entries()
    assert {entry.model for entry in entries} <= {"churn"}
    assert REGISTERED not in json.dumps([entry.payload for entry in entries])
    assert REGISTERED not in " ".join(str(path) for path in bench.settings.reports.rglob("*"))
    assert REGISTERED not in " ".join(handle.name for handle in bench.runtime.list())
    assert REGISTERED not in "".join(p.read_text() for p in bench.settings.gateway.rglob("*") if p.is_file())
    assert {name for name, _ in bench.registry.aliases} <= {REGISTERED}


def mlflow(bench, alias):
    """What a person sees in MLflow."""
    return bench.registry.aliases.get((REGISTERED, alias))


def answers(gateway):
    reply = httpx.post(
        f"{gateway.model_url('churn')}/invocations", json={"dataframe_records": [{"x": 3}]}, trust_env=False
    )
    return reply.json()["predictions"] if reply.status_code == 200 else reply.status_code


def test_a_release_begins_and_is_judged_under_the_models_own_name(bench, release, compared, kinds):
    assert validate_data(bench, release).subject.model == "churn"
    assert kinds() == ["release_started", "evidence"]
    assert bench.begun(release).version == 1
    assert bench.files(release).subject.model == "churn"


def test_the_newest_version_is_the_registered_models(bench):
    bench.registry.add("churn", 5)
    assert bench.version(Release(id="r5", model="churn", requester="ada")) == 5


def test_a_version_is_compared_with_the_champion_that_mlflow_names(bench, release, compared):
    older = bench.registry.add("churn", 7, b"older").subject
    bench.registry.aliases[REGISTERED, "champion"] = 7
    validate_data(bench, release)
    assert evaluate(bench, release).details["standing"]["version"] == 7
    assert compared == [older, older]


def test_an_approved_version_is_promoted_in_mlflow_and_in_the_ledger(bench, judged):
    release = judged(1)
    request_approval(bench, release)
    assert mlflow(bench, "challenger") == 1
    record_decision(bench, release, approved=True, by="bob")
    assert promote(bench, release).model == "churn"
    assert (mlflow(bench, "champion"), mlflow(bench, "challenger")) == (1, None)
    assert bench.registry.tags[REGISTERED, 1]["slipway.release"] == "r1"
    assert standing(bench, "churn").recorded


def test_files_that_were_changed_in_mlflow_are_found_at_the_promotion(bench, judged):
    release = judged(1)
    record_decision(bench, release, approved=True, by="bob")
    (bench.registry.root / REGISTERED / "1" / "model" / "MLmodel").write_bytes(b"something else")
    with pytest.raises(EvidenceError, match="no build_image has PASSED for churn version 1"):
        promote(bench, release)
    assert mlflow(bench, "champion") is None


def test_what_is_deployed_serves_at_the_models_own_route_and_is_recorded(bench, gateway, served):
    assert answers(gateway) == [32]
    assert [(e.model, e.version) for e in bench.ledger.entries(model="churn", kinds=[EntryKind.DEPLOYMENT])] == [
        ("churn", 1),
        ("churn", 2),
    ]
    assert [mlflow(bench, name) for name in ("champion", "previous")] == [2, 1]
    handle = bench.runtime.find("slipway-churn-v2")
    assert bench.runtime.specs[handle.id].prediction_log == bench.settings.var / "predictions" / "churn" / "2"


def test_a_deployment_that_does_not_hold_gives_the_alias_back(bench, gateway, promoted, monkeypatch):
    deploy(bench, promoted(1))
    release = promoted(2)
    bench.runtime.start = lambda *_given, **_named: 1 / 0
    with pytest.raises(ZeroDivisionError):
        deploy(bench, release)
    assert (mlflow(bench, "champion"), standing(bench, "churn").version, answers(gateway)) == (1, 1, [31])


def test_a_gate_finds_the_champion_that_serves(bench, served):
    candidate = bench.registry.add("churn", 3, b"model 3").subject
    with champion_beside(bench, bench.spec("churn"), candidate, role=PROFILE) as beside:
        assert (beside.absent, beside.handle.image_digest) == ("", "sha256:" + "2" * 64)


def test_a_rollback_finds_what_served_before(bench, gateway, served):
    assert rollback(bench, "churn", actor="ada", reason="complaints", run_id="back").version == 1
    assert (answers(gateway), mlflow(bench, "champion"), standing(bench, "churn").version) == ([31], 1, 1)


def test_a_champion_serves_again_after_a_stop(bench, gateway, served):
    for handle in bench.runtime.list():
        bench.runtime.stop(handle)
    (one,) = restore_champions(bench, {RuntimeName.DOCKER: bench.runtime})
    assert (one.model, one.outcome, one.problem, answers(gateway)) == ("churn", Restoration.RESTORED, "", [32])


def test_an_alias_that_was_moved_in_mlflow_is_found_and_put_right(bench, served):
    bench.registry.aliases[REGISTERED, "champion"] = 9
    with pytest.raises(EvidenceError, match="version 9 of churn is champion") as told:
        standing(bench, "churn")
    assert "slipway champion churn --as-recorded" in told.value.remedy
    assert put_alias_right(bench, "churn", actor="ada").version == mlflow(bench, "champion") == 2


def test_a_release_has_its_page_and_the_page_is_stored_with_the_version(bench, served):
    story = release_story(bench, "churn")
    assert (story.release, story.version, story.champion, story.serving) == ("r2", 2, 1, 2)
    assert [gate.check for gate in story.gates] == list(Check)
    bench.registry.logged.clear()
    assert publish_release_report(bench, "churn", release="r2") == bench.settings.reports / report_path(
        "churn", 2, "r2"
    )
    assert bench.registry.logged == [("run-churn-2", "slipway/r2", ["release.html"])]


def test_the_inventory_lists_the_registered_models_champion_and_newest_version(bench, served):
    bench.registry.add("churn", 3)
    (line,) = inventory(bench)
    assert {name: line[name] for name in ("name", "champion", "newest", "last_outcome")} == {
        "name": "churn",
        "champion": 2,
        "newest": 3,
        "last_outcome": "PASSED",
    }


def test_a_crash_ends_the_release_that_was_begun(bench, release, compared):
    subject = validate_data(bench, release).subject
    assert end_crashed(bench, Crash(model="churn", release="r1", step="build_image", error="OSError: no room"))
    entry = bench.ledger.entries(model="churn")[-1]
    assert (entry.kind, entry.version, entry.actor) == (EntryKind.RELEASE_ENDED, 1, "ada")
    assert entry.payload["subject"] == subject.to_json()
    assert bench.registry.logged[-1] == ("run-churn-1", "slipway/r1", ["release.html"])
