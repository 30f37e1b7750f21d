"""Ways around the gates by evidence and approvals that are missing, bad, old, somebody else's or made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.governance.stage import CHAMPION_VERSION, DIRECTOR, NOWHERE, OFFICER, REQUESTER, Stage, image_of
from slipway.core.evidence import Check
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Outcome
from slipway.errors import GateStopped
from slipway.ledger.chain import canonical, entry_hash
from slipway.workflows.approve import record_decision
from slipway.workflows.promote import promote

Step = Callable[[Stage], Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way around the gates.

    Attributes
    ----------
    route : str
        How it is tried: workflow, dag, api or cli.
    arrange, attempt : callable
        What is made ready, and what is then tried.
    why : str
        What the reason in the ledger must match.
    tier, approval :
        What is declared.
    errors : tuple
        What may end the attempt besides our own errors.
    """

    route: str
    arrange: Step
    attempt: Step
    why: str
    tier: str = "medium"
    approval: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[type[BaseException], ...] = ()


def promotes(stage: Stage) -> None:
    """Call the promotion, as the DAG's step does."""
    promote(stage, stage.release())


def evidence_case(arrange: Step, why: str, **more) -> Case:
    """Return a case that fails at the promotion."""
    return Case(route="workflow", arrange=arrange, attempt=promotes, why=why, **more)


def approved(stage: Stage, *persons: str, **gates) -> None:
    """Make an honest candidate, approved by these persons."""
    stage.gates(stage.release(), **gates)
    stage.approve(stage.release(), *(persons or (OFFICER,)))


def missing(check: Check) -> Case:
    """One gate has left nothing."""
    why = "no build_image has PASSED" if check is Check.BUILD_IMAGE else f"{check}: no evidence"

    def arrange(stage: Stage) -> None:
        release = stage.release()
        stage.gates(release, without=check)
        approval = {"release": release.id, "subject": stage.subject().to_json(), "number": 1, "comment": ""}
        stage.ledger.append("approval", model=release.model, version=2, actor=OFFICER, payload=approval)

    return evidence_case(arrange, why)


def ended(check: Check, outcome: Outcome) -> Case:
    """One gate's last word is no PASSED."""

    def arrange(stage: Stage) -> None:
        approved(stage)
        stage.put(check, stage.release(), outcome=outcome)

    return evidence_case(arrange, f"{check}: {outcome}")


def after(change: Step) -> Step:
    """Return an honest candidate to which something is done."""

    def arrange(stage: Stage) -> None:
        approved(stage)
        change(stage)

    return arrange


def report(stage: Stage, check: Check):
    """Return the file of a gate's report."""
    (found,) = stage.report_folder(stage.release(), check.value).iterdir()
    return found


def of_before(stage: Stage) -> None:
    """All gates passed in an earlier release; this one has only built its image."""
    stage.gates(stage.release(run="earlier"))
    stage.start(stage.release())
    stage.put(Check.BUILD_IMAGE, stage.release())
    stage.approve(stage.release(), OFFICER)


def approved_before(stage: Stage) -> None:
    """The approval was given in an earlier release."""
    stage.gates(stage.release(run="earlier"))
    stage.approve(stage.release(run="earlier"), OFFICER)
    stage.gates(stage.release())


def of_another_version(stage: Stage) -> None:
    """The champion's load test is filed under the candidate's digests."""
    stage.gates(stage.release(), without=Check.LOAD_TEST)
    found = [e for e in stage.ledger.evidence("churn", CHAMPION_VERSION) if e.check is Check.LOAD_TEST]
    stage.put(Check.LOAD_TEST, stage.release(), subject=stage.subject(), reports=found[0].reports)
    stage.approve(stage.release(), OFFICER)


def of_another_model(stage: Stage) -> None:
    """Another model's load test passed."""
    stage.gates(stage.release(), without=Check.LOAD_TEST)
    foreign = replace(
        stage.evidence(Check.LOAD_TEST, stage.release()),
        subject=Subject(model="fraud", version=2, artifact_sha256=NOWHERE, image_digest=NOWHERE),
    )
    stage.ledger.append("evidence", model="fraud", version=2, actor=REQUESTER, payload=foreign.to_json())
    stage.approve(stage.release(), OFFICER)


def dated_later(stage: Stage) -> None:
    """A made-up PASSED from next year hides the gate's last word."""
    approved(stage)
    stage.put(Check.LOAD_TEST, stage.release(), ended_at=datetime.now(UTC) + timedelta(days=365))
    stage.put(Check.LOAD_TEST, stage.release(), outcome=Outcome.FAILED)


def edited(stage: Stage, *, resealed: bool) -> None:
    """A FAILED is made PASSED in the table itself."""
    approved(stage)
    bad = stage.put(Check.LOAD_TEST, stage.release(), outcome=Outcome.FAILED)
    stage.approve(stage.release(), OFFICER)
    entry = [e for e in stage.ledger.entries() if e.payload.get("outcome") == "FAILED"][-1]
    payload = replace(bad, outcome=Outcome.PASSED, measurements=_passing(stage)).to_json()
    new = entry_hash(replace(entry, payload=payload)) if resealed else entry.hash
    text = canonical(payload).decode()
    stage.rewrite(
        "UPDATE ledger_entries SET payload = :text, hash = :hash WHERE seq = :seq", text=text, hash=new, seq=entry.seq
    )


def _passing(stage: Stage):
    return stage.evidence(Check.EVALUATE, stage.release()).measurements


def deleted(stage: Stage) -> None:
    """A FAILED is taken out of the table."""
    approved(stage)
    stage.put(Check.LOAD_TEST, stage.release(), outcome=Outcome.FAILED)
    stage.approve(stage.release(), OFFICER)
    stage.rewrite("DELETE FROM ledger_entries WHERE payload LIKE '%\"FAILED\"%'")


def signed_over(stage: Stage) -> None:
    """The requester's approval is given another name in the table."""
    approved(stage, REQUESTER)
    stage.rewrite("UPDATE ledger_entries SET actor = :name WHERE seq = :seq", name=OFFICER, seq=stage.seen().seq)


def champion_since(stage: Stage) -> None:
    """Another version has become champion since the evaluation."""
    approved(stage)
    stage.registry.add("churn", 3, b"model 3")
    other = stage.release(3)
    stage.gates(other)
    stage.approve(other, OFFICER)
    promote(stage, other)


def rejected_later(stage: Stage) -> None:
    """The approval was taken back."""
    approved(stage)
    try:
        record_decision(stage, stage.release(), approved=False, by=DIRECTOR, comment="no")
    except GateStopped:
        return


def too_late(stage: Stage) -> None:
    """A day and an hour go by."""
    approved(stage)
    stage.later = timedelta(hours=25)


def on_other_bytes(stage: Stage) -> None:
    """The image was built anew after the approval, and every gate passed on it."""
    approved(stage)
    other = digest_bytes(b"rebuilt")
    for check in Check:
        stage.put(check, stage.release(), **_on(stage, check, other))


def _on(stage: Stage, check: Check, digest: str) -> dict[str, Any]:
    if not check.needs_image:
        return {}
    item = stage.evidence(check, stage.release())
    details = json.loads(json.dumps(dict(item.details)).replace(image_of(2), digest))
    return {"subject": stage.subject().with_image(digest), "details": details}


def tampered(stage: Stage) -> None:
    """The registry's files change."""
    stage.registry.tamper("churn", 2)


BAD = {f"{check} {outcome}": ended(check, outcome) for check in Check for outcome in Outcome if outcome != "PASSED"}
STALE = {
    "files changed since the gates": (after(tampered), "no build_image has PASSED"),
    "image changed since the gates": (after(lambda s: s.changed.add(image_of(2))), "was changed"),
    "image built anew since the approval": (on_other_bytes, "no approval that holds"),
    "image built anew after the other gates": (
        after(lambda s: s.put(Check.BUILD_IMAGE, s.release(), **_on(s, Check.BUILD_IMAGE, NOWHERE))),
        "no evidence on these digests",
    ),
    "gates of an earlier release": (of_before, "of the release earlier"),
    "approval of an earlier release": (approved_before, "no approval that holds"),
    "another champion since": (champion_since, "has become champion since"),
    "approval expired": (too_late, "has expired"),
    "approval taken back": (rejected_later, "no approval that holds"),
}
FOREIGN = {
    "another version's load test": (of_another_version, "is not of this release"),
    "another model's load test": (of_another_model, "load_test: no evidence"),
}
FORGED = {
    "a report edited": (after(lambda s: report(s, Check.LOAD_TEST).write_text("p95 1 ms")), "was altered"),
    "a report removed": (after(lambda s: report(s, Check.EVALUATE).unlink()), "cannot be read"),
    "golden answers edited": (after(lambda s: report(s, Check.RUN_SCENARIOS).write_text("{}")), "was altered"),
    "evidence by another hand": (after(lambda s: s.put(Check.LOAD_TEST, s.release(), by="eve")), "eve wrote it"),
    "evidence dated later than the last word": (dated_later, "dated later"),
    "a verdict edited in the ledger": (lambda s: edited(s, resealed=False), "is broken"),
    "a verdict edited and sealed again": (lambda s: edited(s, resealed=True), "is broken"),
    "a verdict deleted from the ledger": (deleted, "is broken"),
    "an approval given another name": (signed_over, "is broken"),
}


def by(*persons: str, why: str, tier: str = "medium", **approval) -> Case:
    """Return a case of approvals that are in the ledger and must not count."""

    def arrange(stage: Stage) -> None:
        stage.gates(stage.release())
        stage.approve(stage.release(), *persons)

    return evidence_case(arrange, why, tier=tier, approval=approval)


NAMED = {"roles": [{"name": "risk", "logins": [OFFICER]}, {"name": "business", "logins": [DIRECTOR]}]}
APPROVALS = {
    "approval: none": by(why="approval 1 of 1 is missing"),
    "approval: the requester's": by(REQUESTER, why="asked for this release"),
    "approval: the requester's in capitals": by("ADA", why="asked for this release"),
    "approval: the policy's, of a medium tier": by("policy", why="no authenticated user"),
    "approval: the timeout's": by("timeout", why="no authenticated user"),
    "approval: nobody's": by("unknown", why="no authenticated user"),
    "approval: of who is not named": by("eve", why="not among those", approvers=[OFFICER, DIRECTOR]),
    "approval: one of two": by(OFFICER, why="approval 2 of 2 is missing", tier="high"),
    "approval: one person twice": by(OFFICER, OFFICER, why="approved this release already", tier="high"),
    "approval: one person twice, in capitals": by(OFFICER, "BOB", why="already", tier="high"),
    "approval: the requester's second": by(OFFICER, REQUESTER, why="asked for this release", tier="high"),
    "approval: the roles exchanged": by(DIRECTOR, OFFICER, why="not among those", tier="high", **NAMED),
}

EVIDENCE: dict[str, Case] = {
    **{f"missing: {check}": missing(check) for check in Check},
    **{f"ended: {name}": case for name, case in BAD.items()},
    **{f"stale: {name}": evidence_case(*case) for name, case in STALE.items()},
    **{f"foreign: {name}": evidence_case(*case) for name, case in FOREIGN.items()},
    **{f"forged: {name}": evidence_case(*case) for name, case in FORGED.items()},
    **APPROVALS,
}
