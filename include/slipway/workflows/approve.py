"""The approval: a person for a medium or high risk tier, the policy itself for a low one.

Rules
-----
1. Nobody is asked before the dossier is complete: there would be nothing to approve.
2. Nor on an evaluation beside a champion who is none any more (:mod:`slipway.workflows.standing`).
3. A decision names the digests it was taken on; when they change it is void.
4. No answer in time is a refusal.
"""

from __future__ import annotations

import re
from typing import Any

from slipway.core.evidence import Check, Dossier, Evidence
from slipway.core.identity import Subject
from slipway.core.verdict import Measurement, Outcome
from slipway.errors import EvidenceError, GateStopped
from slipway.ledger.entries import EntryKind
from slipway.workflows.gate import end_release
from slipway.workflows.model_card import publish_card
from slipway.workflows.records import built_image, require_same_options
from slipway.workflows.release import Release
from slipway.workflows.release_report import report_path
from slipway.workflows.standing import CHALLENGER, replaced_champion
from slipway.workflows.workbench import Workbench

POLICY = "policy"
REPORTS = "/slipway/reports"  # where Airflow serves the report files


def request_approval(bench: Workbench, release: Release) -> str:
    """Check the dossier, make the version challenger, and return the summary (Markdown) that is decided on."""
    spec, files = bench.spec(release.model), bench.files(release)
    subject, _ = built_image(bench, release, files)
    dossier = bench.ledger.dossier(subject)
    dossier.require_complete()
    require_same_options(dossier)
    champion = replaced_champion(bench, subject, release.id, dossier.latest()[Check.EVALUATE])
    bench.registry.set_alias(subject.model, CHALLENGER, subject.version)
    told = summary(dossier, release, purpose=spec.purpose, tier=spec.risk_tier.value, champion=champion)
    page, card = report_path(release.model, subject.version, release.id), publish_card(bench, release, dossier)
    return f"{told}\n\n[The whole release on one page]({REPORTS}/{page}) · [The model card]({REPORTS}/{card})"


def summary(dossier: Dossier, release: Release, *, purpose: str, tier: str, champion: int | None) -> str:
    """Return the evidence as Markdown: what is asked, on which bytes, what each gate found."""
    subject = dossier.subject
    lines = [
        f"**{subject.model} version {subject.version}** asks to become champion "
        + (f"in place of version {champion}." if champion else "(there is none yet)."),
        "",
        f"{purpose}",
        "",
        f"Risk tier **{tier}** · requested by {_as_typed(release.requester)} · "
        f"reason: {_as_typed(release.reason) if release.reason else 'none given'}",
        "",
        f"Artifact `{subject.artifact_sha256}`  ",
        f"Image `{subject.image_digest}`",
        "",
        "| gate | verdict | what it measured |",
        "|---|---|---|",
    ]
    lines += [_row(evidence) for evidence in dossier.latest().values()]
    return "\n".join(lines)


def _row(evidence: Evidence) -> str:
    judged = [m for m in evidence.measurements if m.outcome is not None]
    # Airflow shows no HTML in Markdown: a <br> would vanish and run the sentences together.
    shown = [_short(m) for m in judged[:4]] + ([f"and {len(judged) - 4} more"] if len(judged) > 4 else [])
    page = next((report.path for report in evidence.reports if report.path.endswith(".html")), None)
    gate = f"[{evidence.check}]({REPORTS}/{page})" if page else evidence.check
    return f"| {gate} | {evidence.outcome} | {' · '.join(shown)} |"


def _short(measurement: Measurement) -> str:
    return re.sub(r"([|\[\]`*])", r"\\\1", " ".join(measurement.sentence().split(";")[0].split()))


def _as_typed(text: str) -> str:
    """Return what somebody typed as Markdown shows it, whatever it holds: nobody writes their own gates' table."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"


def decide_by_policy(bench: Workbench, release: Release) -> None:
    """Approve a low risk tier: the complete dossier is the approval, and the ledger says so."""
    spec = bench.spec(release.model)
    if spec.risk_tier.needs_person:
        raise EvidenceError(f"{release.model} is of risk tier {spec.risk_tier}", remedy="let a person approve it")
    request_approval(bench, release)
    record_decision(bench, release, approved=True, by=POLICY, comment=f"risk tier {spec.risk_tier}: approved by policy")


def record_decision(bench: Workbench, release: Release, *, approved: bool, by: str, comment: str = "") -> None:
    """Append the decision to the ledger; a rejection ends the release.

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
        payload={"release": release.id, "subject": subject.to_json(), "comment": comment},
    )
    bench.say(f"{'approved' if approved else 'rejected'} by {by}: {comment or 'no comment'}")
    if approved:
        return
    if bench.registry.alias(subject.model, CHALLENGER) == subject.version:
        bench.registry.delete_alias(subject.model, CHALLENGER)
    end_release(bench, release, subject, outcome=Outcome.FAILED, step="approve", reason=f"rejected by {by}: {comment}")
    raise GateStopped(f"{subject} was rejected by {by}: {comment or 'no comment'}", remedy="ask them what it lacks")


def approval_of(bench: Workbench, subject: Subject, release: Release) -> dict[str, Any] | None:
    """Return the approval of exactly these digests in this release, unless a later rejection took it back."""
    kinds = [EntryKind.APPROVAL, EntryKind.REJECTION]
    decisions = [
        entry
        for entry in bench.ledger.entries(model=subject.model, version=subject.version, kinds=kinds)
        if entry.payload["subject"] == subject.to_json() and entry.payload["release"] == release.id
    ]
    if not decisions or decisions[-1].kind is not EntryKind.APPROVAL:
        return None
    return {"seq": decisions[-1].seq, "by": decisions[-1].actor, "comment": decisions[-1].payload["comment"]}
