"""Real releases through a real scheduler: what reaches production, what is stopped where, and who keeps serving."""

import json
import subprocess
import time

import httpx
import pytest

from slipway.cli.clients import start_run
from slipway.cli.follow import follow_run
from slipway.core.evidence import REQUIRED_CHECKS
from tests.integration.release.versions import CRASH, SLEEP, Trainer

pytestmark = pytest.mark.alone

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"
CHECKS = {check.value for check in REQUIRED_CHECKS}


@pytest.fixture(scope="module")
def trainers(site, champions):
    return {model: Trainer(site, model) for model in champions}


def stopped_by(site, model, version):
    """What stopped a version, with the reasons, so that a failure tells what happened."""
    return [
        f"{e['check']} {e['outcome']}: {'; '.join(e['reasons'])}"
        for e in site.evidence(model, version)
        if e["outcome"] != "PASSED"
    ]


@pytest.mark.parametrize("model", [TUMOR, DIABETES])
def test_a_release_reaches_production_with_complete_evidence(site, champions, model):
    assert site.champion(model) == 1
    found = {e["check"]: e for e in site.evidence(model, 1)}
    assert set(found) == CHECKS
    assert {e["outcome"] for e in found.values()} == {"PASSED"}
    assert {e["runtime"] for e in found.values()} == {site.runtime}
    digests = {e["subject"]["image_digest"] for e in found.values()} - {None}
    assert len(digests) == 1
    assert all(report["sha256"].startswith("sha256:") for e in found.values() for report in e["reports"])


@pytest.mark.parametrize("model", [TUMOR, DIABETES])
def test_production_runs_with_the_options_that_were_tuned_and_under_load(site, champions, model):
    options = {e["check"]: e["details"].get("options") for e in site.evidence(model, 1)}
    deployed = next(e for e in site.entries(model) if e["kind"] == "deployment" and e["version"] == 1)
    assert options["tune_serving"] is not None
    assert options["tune_serving"] == options["load_test"] == deployed["payload"]["options"]


@pytest.mark.parametrize("model", [TUMOR, DIABETES])
def test_the_champion_answers_at_the_gateway_what_the_reference_answers(site, champions, model, tmp_path):
    golden = json.loads(next(p for p in site.settings.reports.rglob("golden.json") if model in str(p)).read_text())
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(golden["rows"][:20]))
    reply = site.json("predict", model, "--file", str(rows))
    assert reply["version"] == 1
    assert reply["predictions"] == pytest.approx(golden["answers"][:20])


def test_a_person_approved_the_medium_tier_and_policy_the_low_one(site, champions):
    by = {m: [e["actor"] for e in site.entries(m) if e["kind"] == "approval"] for m in (TUMOR, DIABETES)}
    assert by == {TUMOR: ["officer"], DIABETES: ["policy"]}


def test_at_least_a_thousand_scenario_requests_were_sent(site, champions):
    scenarios = next(e for e in site.evidence(TUMOR, 1) if e["check"] == "run_scenarios")
    (requests,) = [m for m in scenarios["measurements"] if m["name"] == "scenarios.requests"]
    assert requests["value"] >= requests["threshold"] == 1000


def test_a_report_opens_behind_airflows_login_only(site, champions):
    report = next(r["path"] for e in site.evidence(TUMOR, 1) for r in e["reports"] if r["path"].endswith(".html"))
    url = f"{site.settings.airflow_url}/slipway/reports/{report}"
    assert httpx.get(url).status_code == 401
    login = {"username": site.settings.airflow_user, "password": site.settings.airflow_password}
    token = httpx.post(f"{site.settings.airflow_url}/auth/token", json=login).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert "<html" in httpx.get(url, headers=headers).text.lower()
    outside = f"{site.settings.airflow_url}/slipway/reports/..%2f..%2fstack.json"
    assert httpx.get(outside, headers=headers).status_code == 404


FAULTS = {
    "a snapshot column in another unit": (TUMOR, lambda t: t.broken_column("mean_area"), "validate_data"),
    "two features swapped in what is served": (
        TUMOR,
        lambda t: t.swapped("symmetry_error", "fractal_dimension_error"),
        "run_scenarios",
    ),
    "a crash on a missing value": (TUMOR, lambda t: t.wrapped(CRASH), "run_scenarios"),
    "400 ms asleep at each request": (DIABETES, lambda t: t.wrapped(SLEEP), "run_scenarios"),
}


@pytest.mark.parametrize(("model", "make", "gate"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_version_is_stopped_at_the_right_gate(site, clients, trainers, model, make, gate):
    version = make(trainers[model])
    code, said = site.release(model, version)
    assert code == 1, said
    found = site.evidence(model, version)
    assert [e["check"] for e in found][-1] == gate, said
    assert found[-1]["outcome"] == "FAILED", said
    assert {e["outcome"] for e in found[:-1]} <= {"PASSED"}
    assert site.champion(model) == 1
    assert not [e for e in site.entries(model) if e["kind"] in ("promotion", "deployment") and e["version"] == version]
    assert clients[model].failed == []


def spoil(site, image):
    """Change an image behind the release's back."""
    if image["runtime"] == "docker":
        subprocess.run(["docker", "rmi", "--force", image["reference"]], check=True, capture_output=True)
    else:
        served = next(p for p in (site.var / "images").rglob("serving.json") if image["digest"][7:] in str(p))
        served.chmod(0o644)
        served.write_text(served.read_text() + " ")


def test_an_image_changed_after_its_tests_is_not_promoted(site, clients):
    version = site.train(TUMOR, seed=3)

    def change():
        built = next(e for e in site.evidence(TUMOR, version) if e["check"] == "build_image")
        spoil(site, built["details"]["image"])

    code, said = site.release(TUMOR, version, while_waiting=change)
    assert code == 1, said
    assert stopped_by(site, TUMOR, version) == []
    assert site.champion(TUMOR) == 1
    assert clients[TUMOR].failed == []


def test_a_rejected_version_is_not_promoted_whoever_tries(site, clients):
    version, tried = site.train(TUMOR, seed=4), []

    def others():
        tried.append(site.run("approve", TUMOR, "--as", "admin", "--comment", "mine", check=False))
        tried.append(site.run("reject", TUMOR, "--as", "scientist", check=False))

    code, said = site.release(TUMOR, version, while_waiting=others, decision="reject")
    assert code == 1, said
    assert stopped_by(site, TUMOR, version) == []
    assert "rejected by officer" in said
    assert [done.returncode for done in tried] == [1, 1]
    assert "another person must decide" in " ".join(tried[0].stderr.split())
    assert "needs a comment" in " ".join(tried[1].stderr.split())
    attempts = [e for e in site.entries(TUMOR) if e["kind"] == "attempt" and e["version"] == version]
    assert [(e["actor"], e["payload"]["what"]) for e in attempts] == [("admin", "approve"), ("scientist", "reject")]
    mark_approved(site, version)
    assert site.champion(TUMOR) == 1
    assert [e["kind"] for e in site.entries(TUMOR) if e["version"] == version][-2:] == ["refusal", "release_ended"]


def mark_approved(site, version):
    """Mark the approval as successful over Airflow's API, as its user may, so that the promotion runs."""
    settings = site.settings
    login = {"username": settings.airflow_user, "password": settings.airflow_password}
    dag = f"{settings.airflow_url}/api/v2/dags/{TUMOR}.release"
    with httpx.Client(timeout=30, trust_env=False) as client:
        token = client.post(f"{settings.airflow_url}/auth/token", json=login).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        runs = client.get(f"{dag}/dagRuns", params={"order_by": "-run_after", "limit": 1}).json()["dag_runs"]
        run = runs[0]["dag_run_id"]
        assert run.startswith(f"release-v{version}-")
        client.patch(f"{dag}/dagRuns/{run}/taskInstances/approve", json={"new_state": "success"}).raise_for_status()
        again = {"dry_run": False, "dag_run_id": run, "task_ids": ["promote"], "only_failed": False}
        client.post(f"{dag}/clearTaskInstances", json=again).raise_for_status()
        for _ in range(60):
            time.sleep(1)
            if client.get(f"{dag}/dagRuns/{run}").json()["state"] in ("success", "failed"):
                return
    raise AssertionError("the run did not end")


def test_a_second_version_takes_over_and_a_rollback_puts_the_first_back(site, clients):
    version = site.train(DIABETES, seed=5)
    code, said = site.release(DIABETES, version)
    assert stopped_by(site, DIABETES, version) == []
    assert code == 0, said
    assert site.champion(DIABETES) == version
    site.run("rollback", DIABETES, "--reason", "the test")
    assert site.champion(DIABETES) == 1
    assert [e["kind"] for e in site.entries(DIABETES)][-1] == "rollback"
    assert clients[DIABETES].failed == []


def test_the_champions_served_throughout_without_a_failed_request(site, clients):
    for client in clients.values():
        assert client.failed == []
        assert client.answered > 100


def audited(site, run_id):
    """Run the audit's DAG to its end; whether it was green. Its own schedule must not come in between."""
    to_the_next = 900 - time.time() % 900
    if to_the_next < 60:
        time.sleep(to_the_next + 20)
    start_run(site.settings, "fleet.audit", run_id=run_id, conf={})
    return follow_run(site.settings, "fleet.audit", run_id)


def test_an_alias_that_somebody_moved_is_put_back_by_the_audit_and_told(site, clients):
    from mlflow import MlflowClient

    assert audited(site, "before"), site.json("ledger", "verify")
    store = MlflowClient(tracking_uri=site.settings.tracking_uri, registry_uri=site.settings.tracking_uri)
    store.set_registered_model_alias(DIABETES, "champion", "2")
    assert not audited(site, "moved")
    assert site.champion(DIABETES) == 1
    (told,) = [e for e in site.entries(DIABETES) if e["kind"] == "audit"]
    assert (told["payload"]["finding"]["kind"], told["payload"]["finding"]["put_right"]) == ("alias_moved", True)
    assert (site.settings.reports / told["payload"]["report"]).is_file()
    assert audited(site, "after")
    found = site.json("ledger", "verify")
    assert (found["outcome"], found["beyond_last_anchor"], found["findings"]) == ("PASSED", 0, [])


def test_the_ledgers_chain_holds_over_all_of_it(site, clients):
    assert site.json("ledger", "verify")["entries"] > 40
