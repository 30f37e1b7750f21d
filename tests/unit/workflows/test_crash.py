"""A release that no verdict ended has its end in the ledger too, once."""

import pytest

from slipway.core.evidence import Check
from slipway.core.verdict import Outcome
from slipway.ledger import EntryKind
from slipway.workflows.crash import Crash, end_crashed
from slipway.workflows.gate import end_release


@pytest.fixture
def begun(bench, release):
    subject = bench.registry.files("churn", 1).subject
    payload = {"release": release.id, "subject": subject.to_json()}
    return bench.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=1, actor="ada", payload=payload)


def crashed(bench, release, error="RuntimeError: it broke\nand more"):
    crash = Crash(model="churn", release=release.id, version=4, step="start_candidate", error=error)
    return end_crashed(bench, crash)


def test_a_crash_ends_the_release_with_its_step_and_its_first_line(bench, release, begun):
    assert crashed(bench, release)
    entry = bench.ledger.entries()[-1]
    assert (entry.kind, entry.version, entry.actor) == (EntryKind.RELEASE_ENDED, 1, "ada")
    assert entry.payload == {
        "release": "r1",
        "subject": begun.payload["subject"],
        "outcome": "INCONCLUSIVE",
        "step": "start_candidate",
        "reason": "RuntimeError: it broke",
    }


def test_an_end_is_told_once(bench, release, begun, kinds):
    assert [crashed(bench, release), crashed(bench, release)] == [True, False]
    assert kinds() == ["release_started", "release_ended"]


def test_a_verdict_that_ended_the_release_is_not_written_over(bench, release, begun, kinds):
    subject = bench.registry.files("churn", 1).subject
    end_release(bench, release, subject, outcome=Outcome.FAILED, step="evaluate", reason="worse")
    assert not crashed(bench, release)
    assert bench.ledger.entries()[-1].payload["step"] == "evaluate"


def test_a_release_that_went_on_after_its_end_can_end_again(bench, release, begun, put, kinds):
    crashed(bench, release)
    put(Check.BUILD_IMAGE)
    assert crashed(bench, release)
    assert kinds()[-3:] == ["release_ended", "evidence", "release_ended"]


def test_another_release_of_the_model_is_another_matter(bench, release, begun):
    crashed(bench, release)
    assert end_crashed(bench, Crash(model="churn", release="r2", step="", error="marked as failed"))


@pytest.mark.parametrize("error", ["", "  \n "], ids=["nothing", "blank"])
def test_a_crash_before_the_release_was_begun_is_recorded_too(bench, release, error):
    crashed(bench, release, error)
    (entry,) = bench.ledger.entries()
    assert (entry.version, entry.actor, entry.payload["subject"]) == (4, "airflow", None)
    assert entry.payload["reason"] == "it left no error"
