"""Rollback: the previous champion serves again. Always legal, needs no new evidence, is always recorded.

It goes back to what a release has promoted and to nothing else; one that finds nothing to go back to is recorded too.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage
from slipway.core.version import VersionFiles
from slipway.deploy.deployer import rollback as switch_back
from slipway.deploy.journal import Deployment
from slipway.errors import EngineUnavailable, EvidenceError, RegistryUnreachable, SlipwayError
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.workflows.attempts import record_attempt
from slipway.workflows.deploy import Served, launch, record_deployment, recorded_options
from slipway.workflows.records import golden_answers
from slipway.workflows.retirement import require_in_service
from slipway.workflows.standing import make_champion, recorded
from slipway.workflows.workbench import Workbench


def rollback(bench: Workbench, model: str, *, actor: str, reason: str, run_id: str) -> Deployment:
    """Put the champion before the present one back, from its warm service or, if that is gone, from its image.

    Raises
    ------
    EvidenceError
        If there was no other champion before, its image is no longer the bytes that were judged, or the model was
        decommissioned.
    """
    require_in_service(bench, model)
    spec = bench.spec(model)
    served = _before(bench, model, actor=actor, run_id=run_id)
    subject, image = served.subject, served.image
    deployment = switch_back(
        runtime=bench.runtime_of(image),
        gateway=bench.gateway,
        image=image,
        subject=subject,
        spec=spec,
        golden=golden_answers(bench, subject),
        launch=launch(bench, subject, served.options),
        progress=bench.say,
    )
    known = recorded(bench, model)
    make_champion(bench, subject, before=known.version if known else None)
    record_deployment(bench, EntryKind.ROLLBACK, served, deployment, actor=actor, release=run_id, reason=reason)
    bench.say(f"{subject} is champion again")
    return deployment


def _before(bench: Workbench, model: str, *, actor: str, run_id: str) -> Served:
    try:
        entry = previous_deployment(bench, model, run_id=run_id)
        subject = Subject.from_json(entry.payload["subject"])
        image = BuiltImage.from_json(entry.payload["image"])
        files = bench.registry.files(model, subject.version)
        _require_same(files, subject)
        _require_promoted(bench, subject)
        bench.verify_image(image, files)
    except (RegistryUnreachable, EngineUnavailable):
        raise
    except SlipwayError as error:
        record_attempt(bench, model, version=None, actor=actor, release=run_id, what="rollback", reason=error.reason)
        raise
    return Served(subject, image, recorded_options(entry))


def previous_deployment(bench: Workbench, model: str, *, run_id: str) -> Entry:
    """Return the ledger's entry of what served before the version that serves now.

    What was rolled back is behind us: a second rollback goes further back, never to the version that the first one
    took out. A run that has rolled back already, and is run again, finds what it has put back.
    """
    entries = bench.ledger.entries(model=model, kinds=SERVING_KINDS)
    if entries and entries[-1].kind is EntryKind.ROLLBACK and entries[-1].payload["release"] == run_id:
        return entries[-1]
    served = _standing(entries)
    if len(served) < 2:
        raise EvidenceError(
            f"{model} has had no other champion before" if entries else f"{model} was never deployed",
            remedy=f"release the version that is to serve: `slipway release {model} --version N`",
        )
    return served[-2]


def _standing(entries: Sequence[Entry]) -> list[Entry]:
    """Return what has served and was not rolled back, the newest entry of each stay, oldest first."""
    served: list[Entry] = []
    for entry in entries:
        versions = [one.version for one in served]
        if entry.version in versions and (entry.kind is EntryKind.ROLLBACK or versions[-1] == entry.version):
            while served.pop().version != entry.version:
                pass
        served.append(entry)
    return served


def _require_same(files: VersionFiles, subject: Subject) -> None:
    if files.subject.artifact_sha256 != subject.artifact_sha256:
        raise EvidenceError(
            f"the registry's files of {subject.model} version {subject.version} have changed since they served",
            remedy="restore the artifact, or release a new version",
        )


def _require_promoted(bench: Workbench, subject: Subject) -> None:
    promoted = bench.ledger.entries(model=subject.model, version=subject.version, kinds=[EntryKind.PROMOTION])
    if not any(entry.payload["subject"] == subject.to_json() for entry in promoted):
        raise EvidenceError(
            f"{subject} has served, says the ledger, and no release has ever promoted it",
            remedy="find out who wrote that, and release the version that is to serve",
        )
