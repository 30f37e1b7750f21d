"""Nobody is asked before the dossier is complete; every decision is on digests."""

from dataclasses import replace

import pytest

from slipway.core.approval import Answer
from slipway.core.evidence import Check
from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError, GateStopped, PromotionRefused
from slipway.ledger import EntryKind
from slipway.workflows.approvals import approvals, require_approved
from slipway.workflows.approve import (
    SILENCE,
    consider,
    decide_by_policy,
    record_decision,
    request_approval,
    turn_away,
)


def test_the_summary_shows_the_bytes_the_requester_and_every_gate(bench, release, complete):
    subject = complete()
    text = request_approval(bench, release).text
    for shown in (subject.image_digest, subject.artifact_sha256, "ada", *(check.value for check in Check)):
        assert shown in text
    assert "(/slipway/reports/churn/v1/r1/release.html)" in text
    assert bench.registry.alias("churn", "challenger") == 1


def test_who_asks_cannot_write_a_gates_table_of_their_own(bench, release, complete):
    complete()
    forged = "none\n\n| gate | verdict |\n|---|---|\n| run_scenarios | PASSED |\n\n[page](https://example.org) `"
    text = request_approval(bench, replace(release, reason=forged)).text
    (line,) = [line for line in text.splitlines() if "example.org" in line]
    assert line.endswith(
        "reason: `none | gate | verdict | |---|---| | run_scenarios | PASSED | [page](https://example.org) '`"
    )


@pytest.mark.parametrize("check", [c for c in Check if c is not Check.BUILD_IMAGE])
def test_nobody_is_asked_while_a_gate_has_not_passed(bench, release, complete, put, check):
    complete()
    put(check, outcome=Outcome.FAILED)
    with pytest.raises(PromotionRefused, match=check.value):
        request_approval(bench, release)
    assert bench.registry.alias("churn", "challenger") is None


def test_a_low_tier_is_approved_by_policy_and_the_ledger_says_so(bench, release, complete):
    subject = complete()
    decide_by_policy(bench, release)
    assert [one.by for one in approvals(bench, subject, release)] == ["policy"]


def test_policy_does_not_approve_above_the_low_tier(bench, release, complete, project):
    project(risk_tier="high")
    complete()
    with pytest.raises(EvidenceError, match="high"):
        decide_by_policy(bench, release)


def test_a_rejection_ends_the_release_and_frees_the_challengers_place(bench, release, complete, kinds):
    subject = complete()
    request_approval(bench, release)
    with pytest.raises(GateStopped, match="rejected by bob: too risky"):
        record_decision(bench, release, approved=False, by="bob", comment="too risky")
    assert kinds()[-2:] == ["rejection", "release_ended"]
    assert bench.registry.alias("churn", "challenger") is None
    assert approvals(bench, subject, release) == ()


def test_a_later_rejection_takes_an_approval_back(bench, release, complete):
    subject = complete()
    record_decision(bench, release, approved=True, by="bob")
    with pytest.raises(GateStopped):
        record_decision(bench, release, approved=False, by="cy")
    assert approvals(bench, subject, release) == ()


def test_an_approval_of_other_bytes_does_not_count(bench, release, complete):
    subject = complete()
    record_decision(bench, release, approved=True, by="bob")
    assert approvals(bench, subject.with_image("sha256:" + "0" * 64), release) == ()


def attempts(bench):
    return [(e.actor, e.payload["what"], e.payload["reason"]) for e in bench.ledger.entries(kinds=[EntryKind.ATTEMPT])]


def yes(by):
    return Answer(by=by, approved=True, comment="seen")


def test_an_answer_that_counts_is_the_decision(bench, release, complete, project):
    project(risk_tier="medium")
    subject = complete()
    assert consider(bench, release, yes("bob")) == ""
    assert [one["by"] for one in require_approved(bench, subject, release)] == ["bob"]
    assert attempts(bench) == []


DECIDE_NOTHING = {
    "the requester's": (yes("ada"), "approve", "asked for this release"),
    "a rejection without a word": (Answer(by="bob", approved=False), "reject", "needs a comment"),
    "nobody's": (yes(""), "approve", "no authenticated user"),
}


@pytest.mark.parametrize(("answer", "what", "why"), DECIDE_NOTHING.values(), ids=DECIDE_NOTHING)
def test_an_answer_that_does_not_count_is_an_attempt_and_decides_nothing(
    bench, release, complete, project, answer, what, why
):
    project(risk_tier="medium")
    subject = complete()
    assert why in consider(bench, release, answer)
    ((actor, tried, reason),) = attempts(bench)
    assert (actor, tried) == (answer.by or "unknown", what)
    assert why in reason
    assert approvals(bench, subject, release) == ()
    assert consider(bench, release, yes("bob")) == ""


def test_two_persons_approve_a_high_tier_and_the_second_sees_the_first(bench, release, complete, project):
    project(risk_tier="high")
    subject = complete()
    with pytest.raises(EvidenceError, match="before approval 1 was given"):
        request_approval(bench, release, number=2)
    assert consider(bench, release, yes("bob")) == ""
    with pytest.raises(PromotionRefused, match="approval 2 of 2 is missing"):
        require_approved(bench, subject, release)
    assert "**Second approval**, after `bob`" in request_approval(bench, release, number=2).text
    assert "approved this release already" in consider(bench, release, yes("bob"), number=2)
    assert consider(bench, release, yes("cy"), number=2) == ""
    assert [one["by"] for one in require_approved(bench, subject, release)] == ["bob", "cy"]


def test_the_question_names_who_may_answer(bench, release, complete, project):
    project(risk_tier="medium", approval={"roles": [{"name": "model risk officer", "logins": ["bob"]}]})
    complete()
    question = request_approval(bench, release)
    assert question.logins == ("bob",)
    assert "Answered by **`model risk officer (bob)`**, and not by `ada`" in question.text
    assert "not among those" in consider(bench, release, yes("cy"))


def test_nobody_is_asked_where_nobody_knows_who_asked(bench, release, complete, project, put):
    project(risk_tier="medium")
    complete(by="unknown")
    with pytest.raises(EvidenceError, match="nobody knows who asked for the release"):
        request_approval(bench, replace(release, requester="unknown"))


def test_a_question_about_other_bytes_is_void(bench, release, complete, project):
    project(risk_tier="medium")
    subject = complete()
    with pytest.raises(EvidenceError, match="the question is void"):
        consider(bench, release, yes("bob"), asked_about=subject.with_image("sha256:" + "9" * 64))
    assert [actor for actor, _, _ in attempts(bench)] == ["bob"]
    assert approvals(bench, subject, release) == ()


def test_silence_is_a_refusal(bench, release, complete, project, kinds):
    project(risk_tier="medium")
    complete()
    with pytest.raises(GateStopped, match="rejected by timeout: nobody answered in time"):
        consider(bench, release, SILENCE)
    assert kinds()[-2:] == ["rejection", "release_ended"]


def started(bench, release):
    payload = {"release": release.id, "subject": bench.files(release).subject.to_json()}
    bench.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=1, actor=release.requester, payload=payload)


def test_an_answer_can_be_turned_away_by_the_ledger_alone(bench, release, complete, project):
    project(risk_tier="medium")
    started(bench, release)
    complete()
    bench.verify_image = None  # nothing may look at the image here
    assert "asked for this release" in turn_away(bench, "churn", "r1", yes("ada"), number=1)
    assert turn_away(bench, "churn", "r1", yes("bob"), number=1) == ""
    assert "knows no release" in turn_away(bench, "churn", "r9", yes("bob"), number=1)
    assert [actor for actor, _, _ in attempts(bench)] == ["ada"]


def test_an_approval_counts_only_when_it_had_been_given(bench, release, complete, project):
    project(risk_tier="medium")
    subject = complete()
    before = bench.ledger.entries()[-1].at
    record_decision(bench, release, approved=True, by="bob")
    require_approved(bench, subject, release)
    with pytest.raises(PromotionRefused, match="missing"):
        require_approved(bench, subject, release, at=before)
