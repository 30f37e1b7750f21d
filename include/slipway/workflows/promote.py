"""Promotion: the champion alias moves, and only on complete evidence about exactly these bytes.

Rules
-----
1. The registry's files are read anew and digested: they must be those that the gates judged.
2. The image is inspected anew: it must be the one that the gates judged.
3. The ledger's chain holds: nothing in it was edited.
4. Every required check's latest evidence on these digests is PASSED and this release's own
   (:mod:`slipway.workflows.records`), its reports are unaltered, and the load test drove the options that tuning chose.
5. The approvals in the ledger are as many as the risk tier asks for, of the right persons, on these digests, and fresh.
6. Registry and ledger agree on the champion, and it is the one that the evaluation was made beside
   (:mod:`slipway.workflows.standing`).
7. A refusal is recorded, with its reason. A registry or an engine that does not answer is none: nothing was judged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slipway.core.evidence import Check, Evidence
from slipway.core.identity import Subject
from slipway.core.service import RuntimeName
from slipway.core.verdict import Outcome
from slipway.errors import EngineUnavailable, PromotionRefused, RegistryUnreachable, SlipwayError
from slipway.ledger.entries import EntryKind
from slipway.workflows.approvals import require_approved
from slipway.workflows.gate import end_release
from slipway.workflows.records import built_image, complete_dossier, read_report
from slipway.workflows.release import Release
from slipway.workflows.standing import make_champion, replaced_champion
from slipway.workflows.workbench import Workbench


def promote(bench: Workbench, release: Release) -> Subject:
    """Make the version champion, or refuse with PromotionRefused and leave everything as it was."""
    files = bench.files(release)
    subject = files.subject
    try:
        subject, image = built_image(bench, release, files)
        _require_same_artifact(bench, subject)
        _require_runtime(bench, image.runtime)
        bench.ledger.verify()
        approvals, evaluation = require_evidence(bench, subject, release)
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
        payload={"release": release.id, "subject": subject.to_json(), "before": before, "approvals": approvals},
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


def require_evidence(
    bench: Workbench, subject: Subject, release: Release, *, at: datetime | None = None
) -> tuple[list[dict[str, Any]], Evidence]:
    """Return the approvals and the evaluation that allow a promotion; all else raises PromotionRefused.

    Parameters
    ----------
    at : datetime, optional
        When the approvals have to hold; now if left out.
    """
    dossier = complete_dossier(bench, subject, release)
    for evidence in dossier.latest().values():
        for report in evidence.reports:
            read_report(bench, report.path, report.sha256)
    return require_approved(bench, subject, release, at=at), dossier.latest()[Check.EVALUATE]


def _refuse(bench: Workbench, release: Release, subject: Subject, error: SlipwayError) -> None:
    bench.ledger.append(
        EntryKind.REFUSAL,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={"release": release.id, "subject": subject.to_json(), "what": "promotion", "reason": error.reason},
    )
    end_release(bench, release, subject, outcome=Outcome.FAILED, step="promote", reason=error.reason)
