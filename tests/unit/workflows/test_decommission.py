"""A decommissioned model serves nobody, and nothing brings it back but a person who lifts it."""

import pytest

from slipway.core.service import ServiceSpec
from slipway.deploy.routes import Backend, Role
from slipway.errors import EvidenceError, GatewayError, SpecError
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision
from slipway.workflows.decommission import commission, decommission
from slipway.workflows.deploy import deploy
from slipway.workflows.promote import promote
from slipway.workflows.restore import restore_champions
from slipway.workflows.rollback import rollback
from slipway.workflows.scoring_run import answering_now
from slipway.workflows.standing import recorded, standing
from slipway.workflows.validate_data import validate_data
from tests.unit.deploy.fakes import image, subject

WHY = "replaced by another model"


@pytest.fixture
def serving(bench, gateway):
    """Version 1 serves, is champion, and a stranger's service runs beside it."""
    specs = [
        ServiceSpec(name=name, image=image(1), subject=subject(1)) for name in ("slipway-churn-v1", "slipway-other-v1")
    ]
    mine, other = map(bench.runtime.start, specs)
    gateway.set_route("churn", [Backend(version=1, weight=100, role=Role.CHAMPION, handle=mine)])
    gateway.set_route("other", [Backend(version=1, weight=100, role=Role.CHAMPION, handle=other)])
    bench.registry.set_alias("churn", "champion", 1)
    whole = bench.registry.files("churn", 1).subject
    payload = {"release": "r0", "subject": whole.to_json(), "before": None}
    bench.ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)
    served = {"release": "r0", "subject": whole.to_json(), "image": image(1).to_json(), "service": mine.to_json()}
    bench.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=1, actor="ada", payload=served)
    return bench


def retirements(bench):
    return bench.ledger.entries(model="churn", kinds=[EntryKind.RETIREMENT])


def test_it_serves_no_more_and_nobody_else_is_touched(serving):
    decommission(serving, "churn", actor="eve", reason=WHY)
    assert list(serving.gateway.routes()) == ["other"]
    assert [handle.name for handle in serving.runtime.list()] == ["slipway-other-v1"]
    assert serving.registry.alias("churn", "champion") is None
    assert standing(serving, "churn").version is None, "ledger and registry agree that nobody is champion"
    (entry,) = retirements(serving)
    assert (entry.actor, entry.payload["reason"], entry.payload["evidence_days"]) == ("eve", WHY, 3650)


def test_done_again_it_finishes_what_was_left_and_says_it_once(serving):
    decommission(serving, "churn", actor="eve", reason=WHY)
    serving.registry.set_alias("churn", "champion", 1)
    decommission(serving, "churn", actor="eve", reason=WHY)
    assert serving.registry.alias("churn", "champion") is None
    assert len(retirements(serving)) == 1


def test_a_gateway_that_does_not_answer_keeps_nothing_else_alive(serving, monkeypatch):
    def refuses(model):
        raise GatewayError("the gateway does not answer", remedy="start it")

    with monkeypatch.context() as patched:
        patched.setattr(serving.gateway, "remove_route", refuses)
        with pytest.raises(GatewayError):
            decommission(serving, "churn", actor="eve", reason=WHY)
    assert [handle.name for handle in serving.runtime.list()] == ["slipway-other-v1"]
    assert serving.registry.alias("churn", "champion") is None
    decommission(serving, "churn", actor="eve", reason=WHY)
    assert list(serving.gateway.routes()) == ["other"]


ROUTES_BACK = {
    "a release": lambda b, r: validate_data(b, r),
    "a promotion under way": lambda b, r: promote(b, r),
    "a deployment under way": lambda b, r: deploy(b, r),
    "a rollback": lambda b, r: rollback(b, "churn", actor="ada", reason="", run_id="x"),
    "a batch": lambda b, r: answering_now(b, "churn"),
}


@pytest.mark.parametrize("back", ROUTES_BACK.values(), ids=ROUTES_BACK)
def test_it_is_not_brought_back_by(serving, release, complete, back):
    complete()
    decommission(serving, "churn", actor="eve", reason=WHY)
    with pytest.raises(EvidenceError, match=r"was decommissioned on .* by eve: replaced.*--lift"):
        back(serving, release)
    assert serving.registry.alias("churn", "champion") is None


def test_a_promotion_that_it_stopped_is_recorded_as_refused(serving, release, complete):
    complete()
    decommission(serving, "churn", actor="eve", reason=WHY)
    with pytest.raises(EvidenceError):
        promote(serving, release)
    (entry,) = serving.ledger.entries(model="churn", kinds=[EntryKind.REFUSAL])
    assert "decommissioned" in entry.payload["reason"]


def test_a_start_of_the_stack_leaves_it_stopped(serving):
    decommission(serving, "churn", actor="eve", reason=WHY)
    assert restore_champions(serving, {image(1).runtime: serving.runtime}) == ()
    assert [handle.name for handle in serving.runtime.list()] == ["slipway-other-v1"]


def test_lifted_it_may_be_released_again_and_nobody_is_champion_until_then(serving, release, complete):
    decommission(serving, "churn", actor="eve", reason=WHY)
    commission(serving, "churn", actor="eve", reason="the other one was worse")
    assert recorded(serving, "churn").version is None
    complete()
    record_decision(serving, release, approved=True, by="eve", comment="again")
    promote(serving, release)
    assert standing(serving, "churn").version == 1
    assert [entry.payload["lifted"] for entry in retirements(serving)] == [False, True]


def test_lifting_what_was_never_done_and_reasons_left_out_are_refused(serving):
    with pytest.raises(EvidenceError, match="is not decommissioned"):
        commission(serving, "churn", actor="eve", reason="?")
    with pytest.raises(SpecError, match="--reason"):
        decommission(serving, "churn", actor="eve", reason="")
    assert [handle.name for handle in serving.runtime.list()] == ["slipway-churn-v1", "slipway-other-v1"]
