"""Who may let a release into production, and for how long that holds. Pure: the caller reads the ledger and the clock.

Rules
-----
1. A low risk tier is approved by the policy; a medium one by one person; a high one by two, one after the other.
2. Who asked for the release decides nothing about it. Where nobody knows who asked, nobody can approve.
3. Where roles or approvers are named, nobody else decides.
4. One person approves once: the second approval is another person's.
5. A rejection says why.
6. An approval holds for the digests that it names and for its declared time, in its own release, until a rejection.
7. What is not known for certain is refused: no authenticated user, neither approved nor rejected, an unknown role.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.core.governance_spec import ApprovalSpec
from slipway.core.spec import ModelSpec, RiskTier

POLICY = "policy"
TIMEOUT = "timeout"
UNKNOWN = "unknown"
NOBODY = frozenset({"", UNKNOWN, POLICY, TIMEOUT})
"""Names that are no person's."""
UNKNOWN_REQUESTERS = NOBODY | {"manual"}
"""What a run says when somebody triggered it and nobody knows who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One of the approvals that a release needs.

    Attributes
    ----------
    number : int
        1 for the first question, 2 for the second.
    role : str
        The role that answers; empty where none is named.
    logins : tuple of str
        Who may answer; anybody when empty.
    """

    number: int
    role: str = ""
    logins: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return who may answer, as a person says it."""
        who = ", ".join(self.logins) or "anybody who may run the DAG"
        return f"{self.role} ({who})" if self.role else who


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody answered: ``approved`` is None where it was neither a plain yes nor a plain no."""

    by: str
    approved: bool | None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An approval in the ledger; ``seq`` is its entry's number, ``at`` that entry's time."""

    seq: int
    at: datetime
    by: str
    number: int = 1
    comment: str = ""


def places(tier: RiskTier, approval: ApprovalSpec) -> tuple[Place, ...]:
    """Return the approvals that a release needs, in their order; none of a low tier."""
    needed = range(1, tier.people + 1)
    if approval.roles:
        return tuple(Place(number=n, role=r.name, logins=r.logins) for n, r in zip(needed, approval.roles, strict=True))
    return tuple(Place(number=n, logins=approval.approvers) for n in needed)


def places_of(spec: ModelSpec) -> tuple[Place, ...]:
    """Return the approvals that a model's releases need."""
    return places(spec.risk_tier, spec.approval)


def same_person(one: str, other: str) -> bool:
    """Return whether two logins are one person's: case and spaces around make no other person.

    >>> same_person("Ada", "ada "), same_person("ada", "bob")
    (True, False)
    """
    return one.strip().casefold() == other.strip().casefold()


def refusal(answer: Answer, *, place: Place, requesters: Iterable[str], before: Iterable[str] = ()) -> str:
    """Return why an answer decides nothing; empty if it decides.

    Parameters
    ----------
    answer : Answer
    place : Place
        The question that was answered.
    requesters : iterable of str
        Who asked for the release, by all that is recorded.
    before : iterable of str
        Who has approved this release already.
    """
    if answer.by.strip() in NOBODY:
        return "nobody knows who answered: there is no authenticated user"
    asked = tuple(requesters)
    if any(same_person(answer.by, one) for one in asked):
        return f"{answer.by} asked for this release, and another person must decide on it"
    if place.logins and answer.by not in place.logins:
        return f"{answer.by} is not among those who may answer: {place}"
    if answer.approved is None:
        return "the answer neither approves nor rejects"
    if not answer.approved:
        return "" if answer.comment.strip() else "a rejection needs a comment that says why"
    if not asked or any(one.strip() in UNKNOWN_REQUESTERS for one in asked):
        return "nobody knows who asked for this release, so nobody can be shown to be another person"
    if any(same_person(answer.by, one) for one in before):
        return f"{answer.by} has approved this release already, and the second approval is another person's"
    return ""


def problems(given: Sequence[Given], *, spec: ModelSpec, requesters: Iterable[str], now: datetime) -> list[str]:
    """Return why the approvals in the ledger do not allow a promotion; empty if they do.

    Parameters
    ----------
    given : sequence of Given
        The approvals on exactly these digests in this release since its last rejection, oldest first.
    spec : ModelSpec
        What is declared now.
    requesters : iterable of str
        Who asked, by all that is recorded.
    now : datetime
    """
    found = [f"{one.by}'s approval has expired: {age}" for one in given if (age := _expired(one, spec, now))]
    fresh = [one for one in given if not _expired(one, spec, now)]
    needed, asked = places_of(spec), tuple(requesters)
    if not needed and any(one.by == POLICY for one in fresh):
        return []
    needed = needed or (Place(number=1),)
    counted: list[str] = []
    for place in needed:
        tried = [one for one in fresh if one.number == place.number]
        reasons = [_void(one, place, asked, counted) for one in tried]
        if "" in reasons:
            counted.append(tried[reasons.index("")].by)
        else:
            found += reasons or [f"approval {place.number} of {len(needed)} is missing"]
    return found if len(counted) < len(needed) else []


def _void(one: Given, place: Place, requesters: Iterable[str], before: Iterable[str]) -> str:
    answer = Answer(by=one.by, approved=True, comment=one.comment)
    return refusal(answer, place=place, requesters=requesters, before=before)


def _expired(one: Given, spec: ModelSpec, now: datetime) -> str:
    """Return how old an approval is, if it is too old."""
    age = now - one.at
    if age <= timedelta(hours=spec.approval.valid_hours):
        return ""
    return f"it is {age.total_seconds() / 3600:.1f} h old, {spec.approval.valid_hours:g} h are allowed"
