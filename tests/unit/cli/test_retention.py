"""What is kept, as a person asks for it."""

from datetime import UTC, datetime

import pytest

from slipway.ledger import EntryKind

OLD = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def versions(project, registry):
    """Versions 1 to 4, years old; 1 is champion, so that only 2 goes."""
    project(retention={"keep_versions": 2, "keep_days": 30})
    for version in (1, 2, 3, 4):
        registry.add("churn", version, f"model {version}".encode())
        registry.created[version] = OLD
    return registry


def test_without_apply_the_plan_is_shown_and_nothing_changed(slipway, versions):
    ran = slipway("retention", "churn")
    assert ran.code == 0
    assert "has the alias champion" in " ".join(ran.out.split())
    assert "would reclaim" in ran.out
    assert versions.stored_files("churn", 2)


def test_json_tells_each_version_and_the_plan(slipway, versions):
    told = slipway("retention", "--json").json
    assert [(row["version"], row["action"]) for row in told["rows"]] == [
        (1, "keep"),
        (2, "remove"),
        (3, "keep"),
        (4, "keep"),
    ]
    assert told["plan"].startswith("sha256:")
    assert told["applied"] is False


def test_an_earlier_plan_is_carried_out_and_the_version_comes_back(slipway, versions):
    digest = versions.artifact_digest("churn", 2)
    plan = slipway("retention", "--json").json["plan"]
    told = slipway("retention", "--apply", "--plan", plan, "--json").json
    assert [removal["version"] for removal in told["removals"]] == [2]
    assert told["reclaimed"] == told["would_reclaim"] > 0
    assert versions.stored_files("churn", 2) == {}
    assert slipway("restore", "churn", "--version", 2, "--json").json["artifact_sha256"] == digest
    assert versions.artifact_digest("churn", 2) == digest


def test_a_no_changes_nothing(slipway, versions, monkeypatch):
    monkeypatch.setattr("typer.confirm", lambda text, abort: (_ for _ in ()).throw(SystemExit(1)))
    assert slipway("retention", "--apply").code == 1
    assert versions.stored_files("churn", 2)
    assert slipway("retention", "--apply", "--yes").code == 0
    assert versions.stored_files("churn", 2) == {}


def test_a_hold_is_put_on_and_lifted_with_who_and_why(slipway, versions, ledger):
    assert slipway("hold", "churn", "--version", 2, "--reason", "case 7").code == 0
    assert [row["action"] for row in slipway("retention", "--json").json["rows"]] == ["keep"] * 4
    assert slipway("release-hold", "churn", "--version", 2, "--reason", "closed").code == 0
    entries = ledger.entries(kinds=[EntryKind.HOLD])
    assert [(e.version, e.payload["held"], e.payload["reason"]) for e in entries] == [
        (2, True, "case 7"),
        (2, False, "closed"),
    ]
    assert all(entry.actor for entry in entries)


WRONG = {
    "a plan without apply": ("retention", "--plan", "sha256:x"),
    "a hold without a reason": ("hold", "churn", "--version", 2),
    "a version that is not archived": ("restore", "churn", "--version", 3),
    "a model that is none": ("retention", "nobody"),
    "no decommission to lift": ("decommission", "churn", "--lift", "--reason", "x"),
    "a decommission without a reason": ("decommission", "churn", "--yes"),
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_says_what_to_do(slipway, versions, words):
    assert slipway(*words).paragraph()
