"""Promotion: the champion alias moves, and only on complete evidence about exactly these bytes.

Rules
-----
1. The registry's files are read anew and digested: they must be those that the gates judged.
2. The image is inspected anew: it must be the one that the gates judged.
3. Every required check's latest evidence on these digests is PASSED, and its reports are unaltered.
4. The load test drove the serving options that tuning chose.
5. The approval is on these digests.
6. Registry and ledger agree on the champion, and it is the one that the evaluation was made beside
   (:mod:`slipway.workflows.standing`).
7. The model was not decommissioned while the release was under way.
8. A refusal is recorded, with its reason. A registry or an engine that does not answer is none: nothing was judged.
"""

from __future__ import annotations

from slipway.core.evidence import Check, Evidence
from slipway.core.identity import Subject
from slipway.core.service import RuntimeName
from slipway.core.verdict import Outcome
from slipway.errors import EngineUnavailable, PromotionRefused, RegistryUnreachable, SlipwayError
from slipway.ledger.entries import EntryKind
from slipway.workflows.approve import approval_of
from slipway.workflows.gate import end_release
from slipway.workflows.records import built_image, read_report, require_same_options
from slipway.workflows.release import Release
from slipway.workflows.retirement import require_in_service
from slipway.workflows.standing import make_champion, replaced_champion
from slipway.workflows.workbench import Workbench


def promote(bench: Workbench, release: Release) -> Subject:
    """Make the version champion, or refuse with PromotionRefused and leave everything as it was."""
    files = bench.files(release)
    subject = files.subject
    try:
        require_in_service(bench, release.model)
        subject, image = built_image(bench, release, files)
        _require_same_artifact(bench, subject)
        _require_runtime(bench, image.runtime)
        approval, evaluation = _require_evidence(bench, subject, release)
        before = replaced_champion(bench, subject, release.id, evaluation)
    except (RegistryUnreachable, EngineUnavailable):
        raise
    except SlipwayError as error:
        _refuse(bench, release, subject, error)
        raise
    make_champion(bench, subject, before=before)
    bench.registry.set_tags(
        subject.model,
        subject.version,
        {
            "slipway.artifact_sha256": subject.artifact_sha256,
            "slipway.image_digest": subject.image_digest or "",
            "slipway.release": release.id,
        },
    )
    bench.ledger.append(
        EntryKind.PROMOTION,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={"release": release.id, "subject": subject.to_json(), "before": before, "approval": approval},
    )
    bench.say(
        f"{subject} is champion" + (f" in place of version {before}" if before not in (None, subject.version) else "")
    )
    return subject


def _require_same_artifact(bench: Workbench, subject: Subject) -> None:
    now = bench.registry.artifact_digest(subject.model, subject.version)
    if now != subject.artifact_sha256:
        raise PromotionRefused(
            f"the registry's files of {subject.model} version {subject.version} are {now[7:19]}, "
            f"the gates judged {subject.artifact_sha256[7:19]}",
            remedy="find out who changed the artifact, then register it as a new version",
        )


def _require_runtime(bench: Workbench, runtime: RuntimeName) -> None:
    if bench.settings.require_containers and runtime is not RuntimeName.DOCKER:
        raise PromotionRefused(
            f"the evidence is from runtime {runtime}, the settings demand containers",
            remedy="release the version where a container engine runs, or unset SLIPWAY_REQUIRE_CONTAINERS",
        )


def _require_evidence(bench: Workbench, subject: Subject, release: Release) -> tuple[dict[str, object], Evidence]:
    dossier = bench.ledger.dossier(subject)
    dossier.require_complete()
    require_same_options(dossier)
    for evidence in dossier.latest().values():
        for report in evidence.reports:
            read_report(bench, report.path, report.sha256)
    approval = approval_of(bench, subject, release)
    if approval is None:
        raise PromotionRefused(f"{subject} has no approval in this release", remedy="have it approved first")
    return approval, dossier.latest()[Check.EVALUATE]


def _refuse(bench: Workbench, release: Release, subject: Subject, error: SlipwayError) -> None:
    bench.ledger.append(
        EntryKind.REFUSAL,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={"release": release.id, "subject": subject.to_json(), "what": "promotion", "reason": error.reason},
    )
    end_release(bench, release, subject, outcome=Outcome.FAILED, step="promote", reason=error.reason)
