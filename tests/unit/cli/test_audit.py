"""``audit`` tells what is not as recorded, puts a moved alias back, and exits with 1 unless everything holds."""

import pytest

from slipway.ledger import EntryKind


@pytest.fixture
def promoted(ledger, registry):
    """Version 1 is champion by a release, on its files of now."""
    subject = registry.files("churn", 1).subject.to_json()
    payload = {"release": "r1", "subject": subject, "before": None}
    ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)


def test_what_is_as_recorded_passes_and_the_page_is_named(slipway, promoted, settings):
    ran = slipway("audit")
    assert ran.code == 0
    assert "PASSED" in ran.out
    found = slipway("audit", "--json").json
    assert (found["outcome"], found["models"], found["findings"]) == ("PASSED", ["churn"], [])
    assert (settings.reports / found["report"]).is_file()


def test_a_moved_alias_is_told_put_back_and_recorded_as_the_programs_doing(
    slipway, promoted, registry, ledger, monkeypatch
):
    monkeypatch.setattr("slipway.workflows.audit_models.SETTLE_SECONDS", 0)
    registry.set_alias("churn", "champion", 2)
    ran = slipway("audit")
    assert ran.code == 1
    assert "alias_moved" in ran.err
    assert "put back to version 1" in ran.err
    assert registry.alias("churn", "champion") == 1
    actors = {entry.actor for entry in ledger.entries(kinds=[EntryKind.AUDIT, EntryKind.ANCHOR, EntryKind.REFUSAL])}
    assert actors == {"slipway audit"}


def test_a_registry_that_is_down_is_no_pass(slipway, promoted, registry, monkeypatch):
    from dataclasses import replace

    from slipway.registry import mlflow_registry

    monkeypatch.setattr(mlflow_registry, "Registry", lambda *_, cache, **names: replace(registry, down=True, **names))
    ran = slipway("audit", "--json")
    assert ran.code == 1
    assert ran.json["outcome"] == "INCONCLUSIVE"
