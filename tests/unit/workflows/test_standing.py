"""Ledger and registry must agree on the champion; what was compared with another one is not promoted."""

from dataclasses import replace

import pytest

from slipway.core.evidence import Check
from slipway.errors import EvidenceError, PromotionRefused
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision, request_approval
from slipway.workflows.promote import promote
from slipway.workflows.records import complete_dossier
from slipway.workflows.release import Release
from slipway.workflows.standing import (
    RESTORER,
    champion_files,
    put_alias_right,
    recorded,
    restore_champion,
    standing,
)

P, REFUSAL, ROLLBACK, RETIREMENT = EntryKind.PROMOTION, EntryKind.REFUSAL, EntryKind.ROLLBACK, EntryKind.RETIREMENT
NOT_HELD = {"what": "deployment", "serving": 1}
HISTORIES = {
    "a promotion": ([(P, 1, {})], 1),
    "a second one": ([(P, 1, {}), (P, 2, {})], 2),
    "a deployment that did not hold": ([(P, 1, {}), (P, 2, {}), (REFUSAL, 2, NOT_HELD)], 1),
    "the first deployment did not hold": ([(P, 1, {}), (REFUSAL, 1, {"what": "deployment", "serving": None})], None),
    "a promotion that was refused": ([(P, 1, {}), (REFUSAL, 2, {"what": "promotion"})], 1),
    "an alias that was put right": ([(P, 1, {}), (REFUSAL, 8, {"what": "alias"})], 1),
    "a rollback": ([(P, 1, {}), (P, 2, {}), (ROLLBACK, 1, {})], 1),
    "served again after a stop": ([(P, 1, {}), (ROLLBACK, 1, {}), (P, 2, {}), (ROLLBACK, 1, {"by": RESTORER})], 2),
    "the champion retired": ([(P, 1, {}), (RETIREMENT, 1, {})], None),
    "another version retired": ([(P, 1, {}), (P, 2, {}), (RETIREMENT, 1, {})], 2),
    "all of it retired": ([(P, 1, {}), (RETIREMENT, None, {})], None),
}


def write(bench, *history):
    for kind, version, payload in history:
        actor = payload.get("by", "ada")
        bench.ledger.append(kind, model="churn", version=version, actor=actor, payload={"release": "r0", **payload})


@pytest.mark.parametrize(("history", "version"), HISTORIES.values(), ids=HISTORIES)
def test_the_ledger_says_who_is_champion_after(bench, history, version):
    write(bench, *history)
    assert recorded(bench, "churn").version == version


def test_what_says_nothing_of_a_champion_leaves_it_unknown(bench, put):
    put(Check.VALIDATE_DATA)
    write(bench, (REFUSAL, 1, {"what": "promotion"}), (RETIREMENT, 1, {}))
    assert recorded(bench, "churn") is None


@pytest.mark.parametrize("alias", [None, 7], ids=["unset", "set before Slipway came"])
def test_at_first_contact_the_alias_is_believed(bench, alias):
    if alias:
        bench.registry.set_alias("churn", "champion", alias)
    found = standing(bench, "churn")
    assert (found.version, found.recorded) == (alias, False)


@pytest.fixture
def through(bench, complete):
    """Take a version through its gates to its approval; promoted unless it is to wait."""

    def go(version, *, waits=False):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        complete(version=version, release_id=release.id, image="sha256:" + str(version) * 64)
        record_decision(bench, release, approved=True, by="bob")
        if not waits:
            promote(bench, release)
        return release

    return go


def champion(bench):
    return bench.registry.alias("churn", "champion")


def move(bench, version):
    if version is None:
        bench.registry.delete_alias("churn", "champion")
    else:
        bench.registry.set_alias("churn", "champion", version)


@pytest.mark.parametrize("to", [2, 9, None], ids=["to the candidate itself", "to an unproven version", "taken away"])
def test_nothing_is_compared_with_an_alias_that_was_moved_by_hand(bench, through, to):
    through(1)
    move(bench, to)
    said = "no version" if to is None else f"version {to}"
    with pytest.raises(EvidenceError, match=rf"registry says that {said} .* ledger says version 1") as told:
        standing(bench, "churn")
    assert "slipway champion churn --as-recorded" in told.value.remedy


def test_an_untouched_alias_is_what_the_ledger_says(bench, through):
    through(1)
    assert standing(bench, "churn").version == champion(bench) == 1


@pytest.mark.parametrize("to", [9, None], ids=["to an unproven version", "taken away"])
def test_nothing_is_promoted_over_an_alias_that_was_moved_while_it_waited(bench, through, kinds, to):
    through(1)
    waiting = through(2, waits=True)
    move(bench, to)
    with pytest.raises(PromotionRefused, match="ledger says version 1"):
        promote(bench, waiting)
    assert champion(bench) == to
    assert kinds()[-2:] == ["refusal", "release_ended"]
    put_alias_right(bench, "churn", actor="ada")
    promote(bench, waiting)
    assert champion(bench) == 2


@pytest.mark.parametrize("legacy", [None, 7], ids=["none", "one from before the ledger"])
def test_an_alias_that_was_moved_at_first_contact_refuses(bench, through, legacy):
    move(bench, legacy)
    waiting = through(1, waits=True)
    move(bench, 9)
    with pytest.raises(PromotionRefused, match="no release has made it so"):
        promote(bench, waiting)
    move(bench, legacy)
    promote(bench, waiting)
    assert (champion(bench), recorded(bench, "churn").before) == (1, legacy)


def test_a_champion_that_was_promoted_meanwhile_makes_a_release_stale(bench, through):
    through(1)
    waiting = through(2, waits=True)
    through(3)
    with pytest.raises(PromotionRefused, match="beside version 1, and version 3 has become champion") as told:
        promote(bench, waiting)
    assert "slipway release churn --version 2" in told.value.remedy
    assert champion(bench) == 3


def test_nobody_is_asked_about_a_release_that_is_stale(bench, through):
    through(1)
    waiting = through(2, waits=True)
    through(3)
    with pytest.raises(PromotionRefused, match="has become champion since"):
        request_approval(bench, waiting)
    assert bench.registry.alias("churn", "challenger") != 2


def test_a_rollback_meanwhile_makes_a_release_stale(bench, through):
    through(1)
    through(2)
    waiting = through(3, waits=True)
    write(bench, (ROLLBACK, 1, {}))
    move(bench, 1)
    with pytest.raises(PromotionRefused, match="beside version 2, and version 1"):
        promote(bench, waiting)


def test_evidence_that_names_no_champion_is_refused(bench, through, monkeypatch):
    waiting = through(1, waits=True)

    def forgetful(*about):
        found = complete_dossier(*about)
        kept = tuple(replace(e, details={**e.details, "standing": None}) for e in found.evidence)
        return replace(found, evidence=kept)

    monkeypatch.setattr("slipway.workflows.promote.complete_dossier", forgetful)
    with pytest.raises(PromotionRefused, match="does not say beside which champion"):
        promote(bench, waiting)


@pytest.mark.parametrize("first", [True, False], ids=["the first release", "a later one"])
def test_a_promotion_that_was_killed_before_the_ledger_knew_is_run_again(bench, through, monkeypatch, first):
    if not first:
        through(1)
    waiting = through(2, waits=True)
    with monkeypatch.context() as killed:
        killed.setattr(bench.registry, "set_tags", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            promote(bench, waiting)
    assert (champion(bench), recorded(bench, "churn") is None) == (2, first)
    promote(bench, waiting)
    assert (recorded(bench, "churn").version, recorded(bench, "churn").before) == (2, None if first else 1)
    assert bench.registry.alias("churn", "previous") == (None if first else 1)


def test_a_run_that_is_cleared_from_its_start_after_it_was_promoted_promotes_again(bench, through, complete):
    through(1)
    done = through(2)
    complete(version=2, release_id="r2", image="sha256:" + "2" * 64)
    promote(bench, done)
    assert champion(bench) == 2


def test_the_champion_can_be_released_again(bench, through):
    through(1)
    again = replace(through(1, waits=True), id="r1")
    promote(bench, again)
    assert champion(bench) == 1


def test_a_champion_whose_files_were_changed_is_none_to_compare_with(bench, through):
    through(1)
    candidate = bench.registry.add("churn", 2).subject
    bench.registry.tamper("churn", 1)
    with pytest.raises(EvidenceError, match=r"version 1, the champion, are .* was promoted"):
        champion_files(bench, standing(bench, "churn"), besides=candidate)


def test_the_champions_files_are_those_that_were_promoted(bench, through):
    through(1)
    found = champion_files(bench, standing(bench, "churn"), besides=bench.registry.add("churn", 2).subject)
    assert found.subject.version == 1
    assert champion_files(bench, standing(bench, "churn"), besides=found.subject) is None


def test_an_alias_is_put_right_once_and_the_ledger_says_so(bench, through, kinds):
    through(1)
    move(bench, 9)
    assert put_alias_right(bench, "churn", actor="ada").version == champion(bench) == 1
    entry = bench.ledger.entries()[-1]
    assert (entry.kind, entry.version, entry.payload["what"]) == (REFUSAL, 9, "alias")
    before = kinds()
    put_alias_right(bench, "churn", actor="ada")
    assert kinds() == before


def test_after_a_first_deployment_that_did_not_hold_there_is_no_champion_to_put_back(bench, through):
    through(1)
    write(bench, (REFUSAL, 1, {"what": "deployment", "serving": None}))
    put_alias_right(bench, "churn", actor="ada")
    assert champion(bench) is None


def test_where_the_ledger_knows_no_champion_there_is_nothing_to_put_back(bench):
    move(bench, 1)
    with pytest.raises(EvidenceError, match="never known a champion"):
        put_alias_right(bench, "churn", actor="ada")


def test_a_failed_deployment_takes_no_alias_from_another_version(bench):
    move(bench, 5)
    restore_champion(bench, bench.registry.add("churn", 2).subject, before=1)
    assert champion(bench) == 5
