"""``report`` tells a release in a few lines and on a page; ``champion`` tells whether ledger and registry agree."""

from pathlib import Path

import pytest

from slipway.core.identity import digest_bytes
from slipway.ledger import EntryKind


@pytest.fixture
def ended(evidence, ledger):
    item = evidence(version=2, release="r2")
    payload = {
        "release": "r2",
        "subject": item.subject.to_json(),
        "outcome": "FAILED",
        "step": "load_test",
        "reason": "load_test FAILED",
    }
    ledger.append(EntryKind.RELEASE_ENDED, model="churn", version=2, actor="ada", payload=payload)
    return item


@pytest.fixture
def promoted(ledger):
    subject = {"artifact_sha256": digest_bytes(b"1")}
    payload = {"release": "r1", "subject": subject, "before": None}
    ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)


def test_a_release_is_told_in_a_few_lines_with_the_way_to_its_page(slipway, ended, settings):
    ran = slipway("report", "churn")
    assert ran.code == 0
    assert "The load gate stopped version 2: latency.p95 is 480.5 ms, at most 170 ms allowed" in ran.out
    assert "What to do: The version does not hold its objectives" in ran.out
    page = Path(ran.out.split("in full: ")[1].strip())
    assert page == settings.reports / "churn" / "v2" / "r2" / "release.html"
    assert "480.5 ms" in page.read_text()


def test_programs_get_the_whole_story(slipway, ended):
    story = slipway("report", "churn", "--version", 2, "--json").json
    assert (story["release"], story["outcome"], story["stopped_at"]) == ("r2", "FAILED", "load_test")
    assert story["gates"][0]["measurements"][0]["value"] == 480.5
    assert Path(story["page"]).is_file()


@pytest.mark.parametrize("opens", [True, False], ids=["with a browser", "without one"])
def test_a_page_can_be_opened(slipway, ended, monkeypatch, opens):
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda uri: asked.append(uri) or opens)
    ran = slipway("report", "churn", "--open")
    assert asked[0].endswith("/churn/v2/r2/release.html")
    assert ("no browser here" in ran.err) is not opens


@pytest.mark.parametrize("words", [(), ("--version", 1), ("--release", "r7")])
def test_a_release_that_never_was_is_told(slipway, ledger, words):
    assert "knows of no release of churn" in slipway("report", "churn", *words).paragraph()


def test_a_model_that_is_none_is_told(slipway):
    assert "no_model" in slipway("report", "no_model").paragraph()


def test_a_champion_on_whom_both_agree(slipway, registry, promoted):
    assert slipway("champion", "churn", "--json").json == {"registry": 1, "ledger": 1, "agree": True}
    assert slipway("champion", "churn").code == 0


def test_before_the_first_release_the_registry_alone_says(slipway, registry, ledger):
    ran = slipway("champion", "churn")
    assert (ran.code, "never knew one" in ran.out) == (0, True)
    assert "never known a champion" in slipway("champion", "churn", "--as-recorded").paragraph()


def test_an_alias_that_was_moved_is_told_and_put_back(slipway, registry, promoted, ledger):
    registry.set_alias("churn", "champion", 2)
    ran = slipway("champion", "churn")
    assert (ran.code, "slipway champion churn --as-recorded" in ran.err) == (1, True)
    assert slipway("champion", "churn", "--as-recorded").code == 0
    assert registry.alias("churn", "champion") == 1
    assert ledger.entries()[-1].payload["what"] == "alias"


def test_a_model_that_mlflow_calls_otherwise_is_asked_for_by_its_own_name(slipway, registry, promoted, project):
    project(registered_model="leavers_forest")
    registry.set_alias("leavers_forest", "champion", 2)
    assert slipway("champion", "churn", "--json").json == {"registry": 2, "ledger": 1, "agree": False}
    assert slipway("champion", "churn", "--as-recorded").code == 0
    assert registry.aliases == {("churn", "champion"): 1, ("leavers_forest", "champion"): 1}
