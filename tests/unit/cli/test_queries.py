"""What the program answers: tables for people, whole JSON for programs, and nothing else on standard output."""

import pytest
import sqlalchemy as sa

from slipway.core.verdict import Outcome
from slipway.ledger import EntryKind
from tests.unit.cli.conftest import WIDE


def test_evidence_is_a_list_of_what_each_gate_found(slipway, evidence):
    item = evidence()
    ran = slipway("evidence", "churn", "--json")
    (found,) = ran.json
    assert found["check"] == "load_test"
    assert found["outcome"] == "FAILED"
    assert found["subject"] == {
        "model": "churn",
        "version": 1,
        "artifact_sha256": item.subject.artifact_sha256,
        "image_digest": item.subject.image_digest,
    }
    assert found["runtime"] == "docker"
    p95 = {key: found["measurements"][0][key] for key in ("name", "value", "threshold", "unit", "n")}
    assert p95 == {"name": "latency.p95", "value": 480.5, "threshold": 170, "unit": "ms", "n": 600}
    assert {key: found["reports"][0][key] for key in ("path", "sha256")} == {
        "path": "churn/v1/r1/load_test/load_test.html",
        "sha256": item.reports[0].sha256,
    }
    assert (found["started_at"], found["ended_at"]) == ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:21+00:00")
    assert found["reasons"] == [WIDE]
    assert ran.err == ""


def test_evidence_is_of_one_version_where_one_is_named(slipway, evidence):
    evidence(version=1)
    evidence(version=2)
    assert [found["subject"]["version"] for found in slipway("evidence", "churn", "--version", 2, "--json").json] == [2]


def test_evidence_for_people_keeps_brackets_and_does_not_break_reasons(slipway, evidence):
    evidence()
    said = slipway("evidence", "churn").out
    assert WIDE in said
    assert "slice.[a]>50.errors" in said
    assert "load_test FAILED churn" in said
    assert "churn/v1/r1/load_test/load_test.html" in said


@pytest.mark.parametrize(
    ("words", "says"), [((), "no evidence on churn yet"), (("--version", 9), "no evidence on churn version 9 yet")]
)
def test_no_evidence_is_said_and_is_an_empty_list(slipway, words, says):
    assert says in slipway("evidence", "churn", *words).out
    assert slipway("evidence", "churn", *words, "--json").json == []


def test_models_are_listed_with_what_serves(slipway, registry, ledger):
    ended = {"release": "r1", "outcome": "PASSED"}
    entry = ledger.append(EntryKind.RELEASE_ENDED, model="churn", version=1, actor="ada", payload=ended)
    assert slipway("models", "--json").json == [
        {
            "name": "churn",
            "purpose": "Tells who will leave.",
            "owner": "growth",
            "risk_tier": "low",
            "champion": 1,
            "newest": 2,
            "last_release": entry.at.isoformat(),
            "last_outcome": "PASSED",
            "problem": None,
        }
    ]
    said = slipway("models").out.split()
    assert [word for word in ("churn", "growth", "low", "v1", "v2") if word not in said] == []


def test_a_model_without_a_version_is_listed(slipway, registry, project):
    project(registered_model="not_yet")
    (line,) = slipway("models", "--json").json
    assert (line["champion"], line["newest"]) == (None, None)
    assert "never" in slipway("models").out


@pytest.mark.parametrize("words", [("models",), ("models", "--json")], ids=" ".join)
def test_a_broken_declaration_is_told_and_hides_no_other_model(slipway, registry, settings, words):
    (settings.models / "broken_one").mkdir()
    (settings.models / "broken_one" / "model.yaml").write_text("name: [")
    ran = slipway(*words)
    assert ran.code == 1
    assert "broken_one: " in ran.err
    assert "is not YAML" in ran.paragraph()
    if "--json" in words:
        assert [(m["name"], m["problem"] is None) for m in ran.json] == [("broken_one", False), ("churn", True)]
    else:
        assert [word for word in ("broken_one", "broken", "churn", "growth") if word not in ran.out.split()] == []


def test_the_chain_is_walked_and_its_head_named(slipway, evidence, ledger):
    evidence()
    head = ledger.head()
    assert slipway("ledger", "verify", "--json").json == {"entries": 1, "head": {"seq": 1, "hash": head.hash}}
    assert f"1 entries, head {head.hash}" in slipway("ledger", "verify").out


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_broken_chain_names_its_entry_and_fails(slipway, evidence, settings, words):
    evidence()
    evidence()
    with sa.create_engine(settings.ledger_url).begin() as connection:
        connection.execute(sa.text("DROP TRIGGER IF EXISTS slipway_no_update"))
        for (name,) in connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(sa.text(f'DROP TRIGGER "{name}"'))
        connection.execute(sa.text("UPDATE ledger_entries SET actor = 'eve' WHERE seq = 1"))
    ran = slipway("ledger", "verify", *words)
    assert "LedgerBroken" in ran.paragraph()
    assert "entry 1" in ran.err
    assert ran.out == ""


def test_entries_are_shown_newest_last_and_limited(slipway, evidence):
    for _ in range(3):
        evidence(outcome=Outcome.PASSED)
    shown = slipway("ledger", "show", "--limit", 2, "--json").json
    assert [entry["seq"] for entry in shown] == [2, 3]
    assert shown[1]["previous"] == shown[0]["hash"]
    assert slipway("ledger", "show", "--model", "other", "--json").json == []
    assert "evidence" in slipway("ledger", "show").out


def test_a_ledger_that_cannot_be_read_is_told(slipway, settings):
    settings.var.mkdir()
    (settings.var / "ledger.db").write_text("this is no database, and longer than a header would be" * 10)
    assert "Ledger" in slipway("ledger", "verify").paragraph()


def test_what_waits_for_a_person_is_listed(slipway, airflow, waiting):
    (told,) = slipway("approvals", "--json").json
    assert {name: told[name] for name in ("dag_id", "run_id", "subject", "body")} == {
        "dag_id": "churn.release",
        "run_id": "r1",
        "subject": "Release?",
        "body": "| a |",
    }
    assert (told["task_id"], told["assigned"]) == ("approve", ["officer"])
    shown = slipway("approvals").out
    assert "Release?" in shown and "officer" in shown


def test_nothing_waits(slipway, airflow):
    assert slipway("approvals", "--json").json == []


def test_the_status_of_nothing_is_five_services_that_are_down(slipway):
    ran = slipway("status", "--json")
    assert {s["name"]: s["healthy"] for s in ran.json["services"]} == dict.fromkeys(
        ("mlflow", "gateway", "airflow-api", "airflow-scheduler", "airflow-dag-processor"), False
    )
    assert (ran.json["servers"], ran.json["routes"], ran.code, ran.err) == ([], [], 0, "")
    assert "down" in slipway("status").out


def test_stopping_nothing_is_fine(slipway):
    ran = slipway("stop")
    assert (ran.code, ran.out) == (0, "nothing was running\n")
