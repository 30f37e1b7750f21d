"""Deployment: the promoted version takes the traffic, or everything is as it was.

Rules
-----
1. These digests were promoted in this release, and the ledger holds what the promotion stood on: complete evidence and
   the approvals, as they were then. A promotion that only says so deploys nothing.
2. What is refused is recorded; a registry or an engine that does not answer refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage
from slipway.core.serving_options import ServingOptions
from slipway.core.verdict import Outcome
from slipway.deploy.deployer import deploy as switch_traffic
from slipway.deploy.journal import Deployment
from slipway.deploy.services import Launch
from slipway.errors import EngineUnavailable, EvidenceError, RegistryUnreachable, SlipwayError
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.workflows.attempts import record_attempt
from slipway.workflows.gate import end_release
from slipway.workflows.promote import require_evidence
from slipway.workflows.records import built_image, golden_answers, tuned_options
from slipway.workflows.release import Release
from slipway.workflows.standing import restore_champion
from slipway.workflows.workbench import Workbench


def deploy(bench: Workbench, release: Release) -> Deployment:
    """Start the promoted version beside the champion, switch the gateway, watch; roll back by itself on a failure.

    Raises
    ------
    EvidenceError
        If these digests were not promoted in this release, or lost their promotion again when they did not hold.
    SlipwayError
        If the new version did not hold; the one before serves, and its alias is back.
    """
    spec = bench.spec(release.model)
    subject, image, promotion = _require_promoted(bench, release)
    try:
        options = tuned_options(bench, subject, release=release.id)
        deployment = switch_traffic(
            runtime=bench.runtime,
            gateway=bench.gateway,
            image=image,
            subject=subject,
            spec=spec,
            golden=golden_answers(bench, subject),
            launch=launch(bench, subject, options),
            progress=bench.say,
        )
    except BaseException as error:
        try:  # the ledger first: killed in between, it knows which champion the alias must go back to
            _record_failure(bench, release, subject, promotion, error)
        finally:
            restore_champion(bench, subject, promotion.payload["before"])
        raise
    served = Served(subject, image, options)
    record_deployment(bench, EntryKind.DEPLOYMENT, served, deployment, actor=release.requester, release=release.id)
    end_release(bench, release, subject, outcome=Outcome.PASSED, step="deploy", reason="serving")
    bench.say(f"{subject} serves at {bench.settings.gateway_url}/models/{subject.model}/invocations")
    return deployment


@dataclass(frozen=True, slots=True)
class Served:
    """What was put into service: the bytes, and the options for a service that had to be started."""

    subject: Subject
    image: BuiltImage
    options: ServingOptions


def launch(bench: Workbench, subject: Subject, options: ServingOptions) -> Launch:
    """Return how production starts a version: tuned, and writing down what it answers."""
    folder = bench.settings.var / "predictions" / subject.model / str(subject.version)
    return Launch(options=options, prediction_log=folder)


def record_deployment(
    bench: Workbench,
    kind: EntryKind,
    served: Served,
    deployment: Deployment,
    *,
    actor: str,
    release: str,
    reason: str = "",
) -> None:
    """Append what serves now: enough to find, verify and start it again."""
    subject = served.subject
    options = _running_options(bench, served, deployment)
    if options != served.options:
        bench.say(f"{deployment.handle.name} ran already and keeps its serving options: {options.to_json()}")
    bench.ledger.append(
        kind,
        model=subject.model,
        version=subject.version,
        actor=actor,
        payload={
            "release": release,
            "subject": subject.to_json(),
            "image": served.image.to_json(),
            "service": deployment.handle.to_json(),
            "options": options.to_json(),
            "reason": reason,
            "events": [event.text for event in deployment.events],
            "seconds": dict(deployment.timings),
        },
    )


def recorded_options(entry: Entry) -> ServingOptions:
    """Return the options that a recorded service runs with; those of before there was a tuning are the default."""
    return ServingOptions.from_json(entry.payload.get("options", {}))


def _running_options(bench: Workbench, served: Served, deployment: Deployment) -> ServingOptions:
    """Return what the service really runs with: one that was warm, or served already, was started earlier."""
    entries = bench.ledger.entries(model=served.subject.model, kinds=SERVING_KINDS)
    same = [entry for entry in entries if entry.payload["service"]["id"] == deployment.handle.id]
    return recorded_options(same[-1]) if same else served.options


def _require_promoted(bench: Workbench, release: Release) -> tuple[Subject, BuiltImage, Entry]:
    try:
        subject, image = built_image(bench, release, bench.files(release))
        promotion = _promotion(bench, subject, release)
        require_evidence(bench, subject, release, at=promotion.at)
    except (RegistryUnreachable, EngineUnavailable):
        raise
    except SlipwayError as error:
        record_attempt(
            bench,
            release.model,
            version=bench.version(release),
            actor=release.requester,
            release=release.id,
            what="deployment",
            reason=error.reason,
        )
        raise
    return subject, image, promotion


def _promotion(bench: Workbench, subject: Subject, release: Release) -> Entry:
    kinds = [EntryKind.PROMOTION, EntryKind.REFUSAL]
    entries = bench.ledger.entries(model=subject.model, version=subject.version, kinds=kinds)
    mine = [e for e in entries if e.payload["subject"] == subject.to_json() and e.payload["release"] == release.id]
    if not mine or mine[-1].kind is not EntryKind.PROMOTION:
        taken_back = ", or the promotion was taken back" if mine else ""
        raise EvidenceError(f"{subject} was not promoted in this release{taken_back}", remedy="run promote first")
    return mine[-1]


def _record_failure(
    bench: Workbench, release: Release, subject: Subject, promotion: Entry, error: BaseException
) -> None:
    reason = str(error) or type(error).__name__
    bench.ledger.append(
        EntryKind.REFUSAL,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={
            "release": release.id,
            "subject": subject.to_json(),
            "what": "deployment",
            "reason": reason,
            "serving": promotion.payload["before"],
        },
    )
    end_release(bench, release, subject, outcome=Outcome.FAILED, step="deploy", reason=reason)
