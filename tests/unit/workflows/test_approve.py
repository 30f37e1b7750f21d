"""Nobody is asked before the dossier is complete; every decision is on digests."""

from dataclasses import replace

import pytest

from slipway.core.evidence import Check
from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError, GateStopped, PromotionRefused
from slipway.workflows.approvals import approvals
from slipway.workflows.approve import decide_by_policy, record_decision, request_approval


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
