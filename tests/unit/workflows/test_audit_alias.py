"""The audit and the champion's alias: what somebody moved is put back, what a release or a rollback moved is not."""

from slipway.core.finding import Kind
from slipway.core.verdict import Outcome
from slipway.ledger import EntryKind
from slipway.workflows import audit_models
from slipway.workflows.approve import record_decision
from slipway.workflows.audit import ACTOR, audit
from slipway.workflows.deploy import deploy
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.rollback import rollback
from slipway.workflows.standing import CHAMPION
from tests.unit.workflows.audited import IMAGES, look, turns


def test_a_moved_alias_is_put_back_and_told(served, paged):
    served.registry.set_alias("churn", CHAMPION, 1)
    found = look(served)
    (finding,) = [f for f in found.findings if f.kind is Kind.ALIAS_MOVED]
    assert finding.put_right
    assert "put back to version 2" in finding.what
    assert served.registry.alias("churn", CHAMPION) == 2
    refusal = served.ledger.entries(kinds=[EntryKind.REFUSAL])[-1]
    assert (refusal.actor, refusal.payload["what"]) == (ACTOR, "alias")
    assert found.outcome is Outcome.FAILED
    assert len(paged) == 1
    assert look(served).outcome is Outcome.PASSED
    served.registry.set_alias("churn", CHAMPION, 1)
    look(served)
    assert turns(served).count((Kind.ALIAS_MOVED, "found")) == 2, "moved again is found again"


def test_where_it_is_only_to_be_reported_the_alias_stays(served, project):
    project(audit={"alias_moved": "report"})
    served.registry.set_alias("churn", CHAMPION, 1)
    for _ in range(2):
        found = look(served)
        assert found.outcome is Outcome.FAILED
    assert served.registry.alias("churn", CHAMPION) == 1
    assert turns(served).count((Kind.ALIAS_MOVED, "found")) == 1


def test_an_alias_that_was_taken_away_is_put_back(served):
    served.registry.delete_alias("churn", CHAMPION)
    look(served)
    assert served.registry.alias("churn", CHAMPION) == 2


def test_an_alias_before_the_first_promotion_is_nobodys_business(bench, gateway):
    bench.registry.set_alias("churn", CHAMPION, 1)
    assert look(bench).outcome is Outcome.PASSED
    assert bench.registry.alias("churn", CHAMPION) == 1


def test_a_promotion_under_way_is_waited_for_and_left_alone(served, complete):
    """The alias moves before the ledger says so: the audit looks again, by then the entry is there."""
    served.registry.add("churn", 3, b"model 3")
    release = Release(id="r3", model="churn", version=3, requester="ada")
    served.ledger.append(
        EntryKind.RELEASE_STARTED, model="churn", version=3, actor="ada", payload={"release": "r3", "subject": None}
    )
    complete(version=3, release_id="r3", image=IMAGES[2])
    record_decision(served, release, approved=True, by="bob")
    served.registry.set_alias("churn", CHAMPION, 3)
    pauses = []

    def meanwhile(seconds):
        pauses.append(seconds)
        promote(served, release)
        deploy(served, release)

    found = audit(served, pause=meanwhile)
    assert pauses == [audit_models.RELEASE_SECONDS]
    assert found.outcome is Outcome.PASSED
    assert served.registry.alias("churn", CHAMPION) == 3


def test_what_does_not_settle_is_told_after_a_short_pause(served):
    pauses = []
    served.registry.set_alias("churn", CHAMPION, 1)
    assert look(served, pauses).outcome is Outcome.FAILED
    assert pauses == [audit_models.SETTLE_SECONDS]


def test_a_rollback_is_no_finding(served):
    rollback(served, "churn", actor="ada", reason="complaints", run_id="back")
    assert look(served).outcome is Outcome.PASSED


def test_a_retired_model_without_route_and_alias_passes(served):
    served.ledger.append(EntryKind.RETIREMENT, model="churn", version=None, actor="ada", payload={})
    served.gateway.remove_route("churn")
    served.registry.delete_alias("churn", CHAMPION)
    assert look(served).outcome is Outcome.PASSED
