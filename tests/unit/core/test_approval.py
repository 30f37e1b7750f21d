"""Separation of duties: who may answer, what an answer needs, how long an approval holds."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.approval import POLICY, TIMEOUT, Answer, Given, Place, places_of, problems, refusal
from slipway.errors import SpecError
from tests.fakes.specs import a_spec

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ANYBODY, OFFICERS = Place(number=1), Place(number=1, logins=("bob", "cy"))
RISK = Place(number=1, role="model risk officer", logins=("bob",))


def answer(by="bob", approved=True, comment="seen"):
    return Answer(by=by, approved=approved, comment=comment)


REFUSED = {
    "the requester's own": (answer("ada"), ANYBODY, ["ada"], [], "asked for this release"),
    "the requester's own, in another case": (answer("Ada "), ANYBODY, ["ada"], [], "asked for this release"),
    "the requester's own rejection": (answer("ada", False), ANYBODY, ["ada"], [], "asked for this release"),
    "of who asked, by the evidence": (answer("eve"), ANYBODY, ["ada", "eve"], [], "asked for this release"),
    "of who is not named": (answer("dan"), OFFICERS, ["ada"], [], "not among those who may answer: bob, cy"),
    "a rejection of who is not named": (answer("dan", False), OFFICERS, ["ada"], [], "not among those"),
    "of who has not the role": (answer("cy"), RISK, ["ada"], [], r"may answer: model risk officer \(bob\)"),
    "a name that only looks like one": (answer("BOB"), OFFICERS, ["ada"], [], "not among those"),
    "one person's second": (answer("bob"), Place(number=2), ["ada"], ["bob"], "approved this release already"),
    "one person's second, in another case": (answer("Bob"), Place(number=2), ["ada"], ["bob"], "already"),
    "a rejection without a word": (answer(approved=False, comment=""), ANYBODY, ["ada"], [], "needs a comment"),
    "a rejection of blanks": (answer(approved=False, comment=" \n"), ANYBODY, ["ada"], [], "needs a comment"),
    "neither yes nor no": (answer(approved=None), ANYBODY, ["ada"], [], "neither approves nor rejects"),
    "nobody's": (answer(""), ANYBODY, ["ada"], [], "no authenticated user"),
    "the policy's, typed by a person": (answer(POLICY), ANYBODY, ["ada"], [], "no authenticated user"),
    "the timeout's, typed by a person": (answer(TIMEOUT), ANYBODY, ["ada"], [], "no authenticated user"),
    "to a release that nobody asked for": (answer(), ANYBODY, ["unknown"], [], "nobody knows who asked"),
    "to a run without a user": (answer(), ANYBODY, ["manual"], [], "nobody knows who asked"),
    "to a release without a requester": (answer(), ANYBODY, [], [], "nobody knows who asked"),
}


@pytest.mark.parametrize(("given", "place", "asked", "before", "says"), REFUSED.values(), ids=REFUSED)
def test_an_answer_decides_nothing(given, place, asked, before, says):
    assert re.search(says, refusal(given, place=place, requesters=asked, before=before))


TAKEN = {
    "another person's": (answer(), ANYBODY, ["ada"], []),
    "without a comment": (answer(comment=""), ANYBODY, ["ada"], []),
    "of one who is named": (answer("cy"), OFFICERS, ["ada"], []),
    "of who has the role": (answer("bob"), RISK, ["ada"], []),
    "a second person's": (answer("cy"), Place(number=2), ["ada"], ["bob"]),
    "a rejection with a reason": (answer(approved=False, comment="too risky"), ANYBODY, ["ada"], []),
    "a rejection of who approved first": (answer(approved=False, comment="no"), Place(number=2), ["ada"], ["bob"]),
    "a rejection where nobody knows who asked": (answer(approved=False, comment="no"), ANYBODY, ["unknown"], []),
    "to a release that began by itself": (answer(), ANYBODY, ["asset_triggered"], []),
}


@pytest.mark.parametrize(("given", "place", "asked", "before"), TAKEN.values(), ids=TAKEN)
def test_an_answer_decides(given, place, asked, before):
    assert refusal(given, place=place, requesters=asked, before=before) == ""


def given(by, number=1, *, hours=0.0):
    return Given(seq=1, at=NOW - timedelta(hours=hours), by=by, number=number)


ROLES = {"roles": [{"name": "risk", "logins": ["bob"]}, {"name": "business", "logins": ["cy", "bob"]}]}
HOLD = {
    "the policy's, of a low tier": ("low", {}, [given(POLICY)]),
    "a person's, of a low tier": ("low", {}, [given("bob")]),
    "one person's, of a medium tier": ("medium", {}, [given("bob")]),
    "one that was asked again": ("medium", {}, [given("bob", hours=30), given("bob")]),
    "two persons', of a high tier": ("high", {}, [given("bob"), given("cy", 2)]),
    "of the named": ("medium", {"approvers": ["bob"]}, [given("bob")]),
    "of the roles": ("high", ROLES, [given("bob"), given("cy", 2)]),
    "up to the last minute": ("medium", {}, [given("bob", hours=24)]),
    "as long as is declared": ("medium", {"valid_hours": 48}, [given("bob", hours=47)]),
}


@pytest.mark.parametrize(("tier", "approval", "approvals"), HOLD.values(), ids=HOLD)
def test_approvals_hold(tier, approval, approvals):
    spec = a_spec(risk_tier=tier, approval=approval)
    assert problems(approvals, spec=spec, requesters=["ada"], now=NOW) == []


FALL = {
    "none, of a low tier": ("low", {}, [], "approval 1 of 1 is missing"),
    "the policy's, expired": ("low", {}, [given(POLICY, hours=25)], "policy's approval has expired"),
    "the requester's own, of a low tier": ("low", {}, [given("ada")], "asked for this release"),
    "none": ("medium", {}, [], "approval 1 of 1 is missing"),
    "the policy's, of a medium tier": ("medium", {}, [given(POLICY)], "no authenticated user"),
    "the requester's": ("medium", {}, [given("ada")], "asked for this release"),
    "of who is not named": ("medium", {"approvers": ["bob"]}, [given("cy")], "not among those"),
    "expired": ("medium", {}, [given("bob", hours=24.1)], "24.1 h old, 24 h are allowed"),
    "expired sooner": ("medium", {"valid_hours": 1}, [given("bob", hours=2)], "2.0 h old, 1 h are allowed"),
    "of the second question only": ("medium", {}, [given("bob", 2)], "approval 1 of 1 is missing"),
    "one person's, of a high tier": ("high", {}, [given("bob")], "approval 2 of 2 is missing"),
    "one person's twice": ("high", {}, [given("bob"), given("bob", 2)], "approved this release already"),
    "both to the first question": ("high", {}, [given("bob"), given("cy")], "approval 2 of 2 is missing"),
    "the requester's second": ("high", {}, [given("bob"), given("ada", 2)], "asked for this release"),
    "the second expired": ("high", {}, [given("bob"), given("cy", 2, hours=30)], "cy's approval has expired"),
    "of the wrong role": ("high", ROLES, [given("cy"), given("bob", 2)], "may answer: risk"),
    "of neither question": ("medium", {}, [given("bob", 0)], "approval 1 of 1 is missing"),
}


@pytest.mark.parametrize(("tier", "approval", "approvals", "says"), FALL.values(), ids=FALL)
def test_approvals_do_not_hold(tier, approval, approvals, says):
    spec = a_spec(risk_tier=tier, approval=approval)
    assert says in "; ".join(problems(approvals, spec=spec, requesters=["ada"], now=NOW))


def test_the_tier_says_how_many_are_asked_and_the_roles_in_which_order():
    assert [len(places_of(a_spec(risk_tier=tier))) for tier in ("low", "medium", "high")] == [0, 1, 2]
    assert [str(place) for place in places_of(a_spec(risk_tier="high", approval=ROLES))] == [
        "risk (bob)",
        "business (cy, bob)",
    ]


UNDECIDABLE = {
    "both ways": ("medium", {"approvers": ["bob"], "roles": ROLES["roles"][:1]}, "approvers or roles, not both"),
    "a role too few": ("high", {"roles": ROLES["roles"][:1]}, "1 roles are named, the risk tier asks for 2"),
    "a role too many": ("medium", ROLES, "2 roles are named, the risk tier asks for 1"),
    "one person for two": ("high", {"approvers": ["bob", "bob"]}, "asks for 2 persons, approvers names 1"),
    "one person in both roles": (
        "high",
        {"roles": [{"name": name, "logins": ["bob"]} for name in ("risk", "business")]},
        "both roles are one person's",
    ),
    "a role of nobody": ("medium", {"roles": [{"name": "risk", "logins": []}]}, "logins"),
}


@pytest.mark.parametrize(("tier", "approval", "says"), UNDECIDABLE.values(), ids=UNDECIDABLE)
def test_a_declaration_under_which_nobody_could_approve_is_refused(tier, approval, says):
    with pytest.raises(SpecError, match=says):
        a_spec(risk_tier=tier, approval=approval)
