"""One page per release: written at its end whatever that was, from the ledger alone, the same bytes again."""

import json
import re

import pytest

from slipway.core.evidence import Check, Findings
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError, GateStopped, PromotionRefused
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision
from slipway.workflows.crash import Crash, end_crashed
from slipway.workflows.deploy import deploy
from slipway.workflows.gate import run_gate
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.release_report import (
    publish_release_report,
    release_story,
    report_path,
    write_release_report,
)
from slipway.workflows.restore import restore_champions
from slipway.workflows.rollback import rollback


@pytest.fixture
def page(bench):
    """The text of a release's page as it is on disk."""

    def read(release="r1", version=1):
        return (bench.settings.reports / report_path("churn", version, release)).read_text()

    return read


@pytest.fixture
def begun(bench, release):
    subject = bench.registry.files("churn", 1).subject
    payload = {"release": "r1", "subject": subject.to_json(), "load_profile": "smoke", "reason": "better"}
    bench.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=1, actor="ada", payload=payload)


def stored(bench):
    return [name for _, path, names in bench.registry.logged for name in names if path == "slipway/r1"]


def gate(bench, release, check, *measurements, details=None):
    subject = bench.files(release).subject

    def work(folder):
        report = folder / f"{check}.html"
        report.write_text("<p>in full</p>")
        found = Findings(measurements=measurements, reports={str(report): "In full"}, details=details or {})
        return subject, found

    return run_gate(bench, release, check, subject, work)


LEAK = Measurement(name="label.leak", value=1.0, threshold=0.9999, bound=Bound.MAX, n=398, note="it is <b>x</b>")


def test_a_gate_that_stops_a_release_leaves_its_page_in_the_folder_and_with_the_version(bench, release, begun, page):
    with pytest.raises(GateStopped):
        gate(bench, release, Check.VALIDATE_DATA, LEAK)
    text = page()
    assert "The data gate stopped version 1: label.leak is 1, at most 0.9999 allowed" in text
    assert "One input gives the label away" in text
    assert 'href="validate_data/validate_data.html"' in text
    assert "<b>x</b>" not in text
    assert stored(bench) == ["release.html"]
    assert any("the whole release on one page: " in line for line in bench.said)


def test_while_a_release_goes_on_its_page_says_so_and_is_not_stored(bench, release, begun, page):
    gate(bench, release, Check.VALIDATE_DATA, Measurement(name="rows", value=9, threshold=1, bound=Bound.MIN))
    assert "Under way: version 1 has passed 1 of 7 gates" in page()
    assert stored(bench) == []


def test_a_crash_in_a_gate_is_told_with_its_error(bench, release, begun, page):
    def crash(folder):
        raise ZeroDivisionError("no rows")

    with pytest.raises(ZeroDivisionError):
        run_gate(bench, release, Check.EVALUATE, bench.files(release).subject, crash)
    end_crashed(bench, Crash(model="churn", release="r1", step="evaluate", error="ZeroDivisionError: no rows"))
    assert "Crashed in evaluate: nothing was shown, so nothing was released" in page()
    assert "ZeroDivisionError: no rows" in page()


def test_a_crash_outside_the_gates_has_its_place_among_the_steps(bench, begun):
    end_crashed(bench, Crash(model="churn", release="r1", step="start_candidate", error="ServiceError: it died"))
    steps = [step.step for step in release_story(bench, "churn").steps]
    assert steps.index("start_candidate") == steps.index("build_image") + 1


def test_a_crash_is_told_where_the_registry_is_down(bench, begun, page):
    bench.registry.down = True
    end_crashed(bench, Crash(model="churn", release="r1", step="evaluate", error="RegistryUnreachable: down"))
    assert "RegistryUnreachable: down" in page()
    assert "not stored with the version" in bench.said[-1]


def test_a_crash_before_anybody_knew_the_version_is_told(bench, page):
    end_crashed(bench, Crash(model="churn", release="r1", step="validate_data", error="SpecError: no such version"))
    assert "SpecError: no such version" in page(version=None)


def test_a_rejection_is_told_with_who_and_why(bench, release, begun, complete, page):
    complete()
    with pytest.raises(GateStopped):
        record_decision(bench, release, approved=False, by="bob", comment="too risky")
    assert "Rejected by bob: too risky" in page()


def test_a_refused_promotion_is_told_with_its_reason(bench, release, begun, complete, page):
    complete()
    with pytest.raises(PromotionRefused):
        promote(bench, release)
    assert "Refused at the promotion" in page()
    assert "has no approval that holds in this release" in page()


@pytest.fixture
def released(bench, gateway, complete):
    def through(version):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        complete(version=version, release_id=release.id, image="sha256:" + str(version) * 64)
        record_decision(bench, release, approved=True, by="bob")
        promote(bench, release)
        deploy(bench, release)

    return through


def test_a_release_is_told_beside_the_champion_that_it_replaced(bench, released, page):
    released(1)
    released(2)
    assert "Released: version 2 serves in place of version 1" in page("r2", 2)
    story = release_story(bench, "churn")
    assert (story.version, story.champion, story.serving) == (2, 1, 2)
    assert {line.name for line in story.compared} == {"m"}


def test_what_happens_after_a_release_does_not_change_its_page(bench, released, page):
    released(1)
    before = page()
    released(2)
    rollback(bench, "churn", actor="ada", reason="", run_id="back")
    for handle in bench.runtime.list():
        bench.runtime.stop(handle)
    restore_champions(bench, {bench.runtime.name: bench.runtime})
    write_release_report(bench, "churn", release="r1")
    assert page() == before


def test_a_report_that_was_altered_is_marked_and_one_that_is_gone_too(bench, release, begun, page):
    with pytest.raises(GateStopped):
        gate(bench, release, Check.VALIDATE_DATA, LEAK)
    report = bench.report_folder(release, "validate_data") / "validate_data.html"
    report.write_text("<p>all is well</p>")
    write_release_report(bench, "churn", release="r1")
    assert "Altered after it was recorded" in page()
    assert release_story(bench, "churn").to_json()["altered_reports"] == [
        "churn/v1/r1/validate_data/validate_data.html"
    ]
    report.unlink()
    write_release_report(bench, "churn", release="r1")
    assert "In full: gone" in page()


def test_every_link_leads_to_a_file(bench, release, begun, page):
    with pytest.raises(GateStopped):
        gate(bench, release, Check.VALIDATE_DATA, LEAK)
    folder = (bench.settings.reports / report_path("churn", 1, "r1")).parent
    links = re.findall(r'href="([^"]+)"', page())
    assert links
    assert all((folder / link).is_file() for link in links)


def test_the_newest_release_of_a_version_or_of_the_model_is_told_where_none_is_named(bench, begun, put):
    put(Check.VALIDATE_DATA)
    later = {"release": "r9", "subject": None, "outcome": "INCONCLUSIVE", "step": "evaluate", "reason": "x"}
    bench.ledger.append(EntryKind.RELEASE_ENDED, model="churn", version=2, actor="ada", payload=later)
    assert release_story(bench, "churn").release == "r9"
    assert release_story(bench, "churn", version=1).release == "r1"
    assert release_story(bench, "churn", release="r1").outcome is None


@pytest.mark.parametrize("given", [{}, {"version": 4}, {"release": "nothing"}], ids=["any", "a version", "a release"])
def test_what_the_ledger_does_not_know_is_not_told(bench, given):
    with pytest.raises(EvidenceError, match="knows of no release of churn"):
        release_story(bench, "churn", **given)


def test_a_page_that_cannot_be_written_changes_no_verdict(bench, release, begun):
    bench.settings.reports.mkdir(parents=True)
    (bench.settings.reports / "churn").write_text("in the way")
    assert publish_release_report(bench, "churn", release="r1") is None
    assert "could not be written" in bench.said[-1]


def test_the_story_is_json(bench, released):
    released(1)
    story = json.loads(json.dumps(release_story(bench, "churn").to_json(), allow_nan=False))
    assert story["outcome"] == Outcome.PASSED.value
    assert [gate["check"] for gate in story["gates"]] == [check.value for check in Check]
