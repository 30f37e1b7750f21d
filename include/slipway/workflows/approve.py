"""The approval: persons for a medium or high risk tier, the policy itself for a low one.

Rules
-----
1. Nobody is asked before the dossier is complete: there would be nothing to approve.
2. Nor on an evaluation beside a champion who is none any more (:mod:`slipway.workflows.standing`), nor where nobody
   knows who asked: no answer could be accepted.
3. Who may answer, and what counts as an answer, is in :mod:`slipway.core.approval`. An answer that does not count
   decides nothing: it is recorded as an attempt, with the authenticated user and the reason, and the question stays.
4. The second question of a high tier is asked after the first was answered, and shows by whom.
5. A decision names the digests it was taken on; when they change it is void.
6. No answer in time is a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.core.approval import POLICY, TIMEOUT, UNKNOWN_REQUESTERS, Answer, Given, Place, places_of, refusal
from slipway.core.evidence import Check
from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError, GateStopped
from slipway.ledger.entries import EntryKind
from slipway.workflows.approval_text import question_text
from slipway.workflows.approvals import approvals, requesters
from slipway.workflows.attempts import record_attempt
from slipway.workflows.gate import end_release
from slipway.workflows.records import built_image, complete_dossier, judged_subject
from slipway.workflows.release import Release
from slipway.workflows.standing import CHALLENGER, replaced_champion
from slipway.workflows.workbench import Workbench

SILENCE = Answer(by=TIMEOUT, approved=False, comment="nobody answered in time")


def request_approval(bench: Workbench, release: Release, *, number: int = 1) -> Question:
    """Check the dossier, make the version challenger, and return the question that is decided on.

    Parameters
    ----------
    number : int
        1 for the first question, 2 for the second of a high risk tier.
    """
    spec, files = bench.spec(release.model), bench.files(release)
    subject, _ = built_image(bench, release, files)
    dossier = complete_dossier(bench, subject, release)
    champion = replaced_champion(bench, subject, release.id, dossier.latest()[Check.EVALUATE])
    given = approvals(bench, subject, release)
    place = _place(spec, number)
    if place is not None:
        _require_askable(bench, release, given, place)
    bench.registry.set_alias(subject.model, CHALLENGER, subject.version)
    return Question(
        text=question_text(dossier, release, spec, champion=champion, place=place, given=given),
        subject=subject,
        logins=place.logins if place else (),
        role=place.role if place else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked: Markdown, the bytes it is about, and who may answer (anybody when empty)."""

    text: str
    subject: Subject
    logins: tuple[str, ...] = ()
    role: str = ""


def _place(spec: ModelSpec, number: int) -> Place | None:
    """Return the place of a question; None where the policy decides."""
    found = places_of(spec)
    if not found and number == 1:
        return None
    if not 1 <= number <= len(found):
        raise EvidenceError(
            f"{spec.name} is of risk tier {spec.risk_tier}, which has no approval {number}",
            remedy="release the version again, so that the DAG asks as is declared now",
        )
    return found[number - 1]


def _require_askable(bench: Workbench, release: Release, given: Sequence[Given], place: Place) -> None:
    unknown = [who for who in requesters(bench, release) if who.strip() in UNKNOWN_REQUESTERS]
    if unknown:
        raise EvidenceError(
            f"nobody knows who asked for the release {release.id} ({unknown[0]!r}), so nobody can be shown to be "
            "another person",
            remedy="release the version again, logged in as a user",
        )
    if place.number > 1 and not any(one.number == place.number - 1 for one in given):
        raise EvidenceError(
            f"approval {place.number} is asked for before approval {place.number - 1} was given",
            remedy=f"clear approve of the release {release.id}, so that both are asked in their order",
        )


def decide_by_policy(bench: Workbench, release: Release) -> None:
    """Approve a low risk tier: the complete dossier is the approval, and the ledger says so."""
    spec = bench.spec(release.model)
    if spec.risk_tier.needs_person:
        raise EvidenceError(f"{release.model} is of risk tier {spec.risk_tier}", remedy="let a person approve it")
    request_approval(bench, release)
    record_decision(bench, release, approved=True, by=POLICY, comment=f"risk tier {spec.risk_tier}: approved by policy")


def consider(
    bench: Workbench, release: Release, answer: Answer, *, number: int = 1, asked_about: Subject | None = None
) -> str:
    """Take an answer as the decision, or record it as an attempt; return why it decides nothing, empty if it decided.

    Parameters
    ----------
    answer : Answer
        What Airflow's authenticated user said, or SILENCE.
    number : int
        Which question was answered.
    asked_about : Subject, optional
        The bytes that the question named; other bytes by now make it void.

    Raises
    ------
    GateStopped
        If the release was rejected, or nobody answered in time.
    EvidenceError
        If the bytes have changed since the question was asked.
    """
    subject, _ = built_image(bench, release, bench.files(release))
    if answer == SILENCE:
        record_decision(bench, release, approved=False, by=answer.by, comment=answer.comment, number=number)
    if asked_about not in (None, subject):
        reason = f"{subject} is not what was asked about, {asked_about}: the question is void"
        _record_attempt(bench, release, answer, number=number, reason=reason)
        raise EvidenceError(reason, remedy="release the version again, so that the question names these bytes")
    reason = objection(bench, release, subject, answer, number=number)
    if reason:
        _record_attempt(bench, release, answer, number=number, reason=reason)
        bench.say(f"{answer.by} decided nothing: {reason}. The question is asked again")
        return reason
    record_decision(
        bench, release, approved=bool(answer.approved), by=answer.by, comment=answer.comment.strip(), number=number
    )
    return ""


def objection(bench: Workbench, release: Release, subject: Subject, answer: Answer, *, number: int) -> str:
    """Return why an answer decides nothing; empty if it decides."""
    place = _place(bench.spec(release.model), number) or Place(number=1)
    before = [one.by for one in approvals(bench, subject, release) if one.number != number]
    return refusal(answer, place=place, requesters=requesters(bench, release), before=before)


def turn_away(bench: Workbench, model: str, run_id: str, answer: Answer, *, number: int, other: str = "") -> str:
    """Look at an answer before it is taken, by the ledger alone; return why it is turned away, empty if it is not.

    What is turned away is recorded as an attempt. What is not is considered again once it was taken.

    Parameters
    ----------
    run_id : str
        The release's id.
    other : str
        Another reason why it was turned away; no rule is asked then.
    """
    begun = bench.begun(Release(id=run_id, model=model))
    if begun is None:
        return f"the ledger knows no release {run_id} of {model}"
    release = Release(id=run_id, model=model, version=begun.version, requester=begun.actor)
    reason = other or objection(bench, release, judged_subject(bench, release), answer, number=number)
    if reason:
        _record_attempt(bench, release, answer, number=number, reason=reason)
    return reason


def _record_attempt(bench: Workbench, release: Release, answer: Answer, *, number: int, reason: str) -> None:
    record_attempt(
        bench,
        release.model,
        version=bench.version(release),
        actor=answer.by,
        release=release.id,
        what={True: "approve", False: "reject", None: "neither"}[answer.approved],
        reason=reason,
        number=number,
        comment=answer.comment,
    )


def record_decision(
    bench: Workbench, release: Release, *, approved: bool, by: str, comment: str = "", number: int = 1
) -> None:
    """Append the decision to the ledger; a rejection ends the release. Who may decide was asked before.

    Raises
    ------
    GateStopped
        If it was rejected, or nobody answered in time.
    """
    subject, _ = built_image(bench, release, bench.files(release))
    bench.ledger.append(
        EntryKind.APPROVAL if approved else EntryKind.REJECTION,
        model=subject.model,
        version=subject.version,
        actor=by,
        payload={"release": release.id, "subject": subject.to_json(), "number": number, "comment": comment},
    )
    bench.say(f"{'approved' if approved else 'rejected'} by {by}: {comment or 'no comment'}")
    if approved:
        return
    if bench.registry.alias(subject.model, CHALLENGER) == subject.version:
        bench.registry.delete_alias(subject.model, CHALLENGER)
    end_release(bench, release, subject, outcome=Outcome.FAILED, step="approve", reason=f"rejected by {by}: {comment}")
    raise GateStopped(f"{subject} was rejected by {by}: {comment or 'no comment'}", remedy="ask them what it lacks")
