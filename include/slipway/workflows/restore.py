"""After a stop and a start: every champion serves again.

Rules
-----
1. What serves is what the ledger recorded last for a model: the same image digest, the options that it ran with.
2. Only a champion that does not run is touched; one that does keeps its service and its traffic.
3. It gets traffic when it is ready and has answered its golden rows; it was watched when it was released, so the watch
   is short now.
4. A model that was decommissioned stays stopped.
5. One champion that cannot be restored is told, and stops neither the others nor the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, Runtime, RuntimeName
from slipway.core.spec import ModelSpec
from slipway.deploy.deployer import rollback as put_into_service
from slipway.errors import EngineUnavailable, EvidenceError, SlipwayError
from slipway.ledger.entries import SERVING_KINDS, Entry
from slipway.workflows.deploy import Served, launch, record_deployment, recorded_options
from slipway.workflows.records import golden_answers
from slipway.workflows.retirement import retirement
from slipway.workflows.standing import RESTORER as ACTOR
from slipway.workflows.workbench import Workbench

WATCH_SECONDS = 1.0


class Restoration(StrEnum):
    """What became of one champion."""

    SERVED_ALREADY = "serves already"
    RESTORED = "serves again"
    FAILED = "does not serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """One model's champion, and why it does not serve if it does not."""

    model: str
    version: int
    outcome: Restoration
    problem: str = ""


def restore_champions(bench: Workbench, runtimes: Mapping[RuntimeName, Runtime]) -> tuple[Restored, ...]:
    """Put every recorded champion that does not run back into service; ``bench.say`` is told each one's outcome.

    Each takes at most its ``startup_seconds``, the smoke test and a second of watch.

    Parameters
    ----------
    runtimes : mapping of RuntimeName to Runtime
        What runs services here; a champion goes back to the one that its image is for.

    Raises
    ------
    LedgerError
        If the ledger cannot be read: nothing is known then.
    """
    last = {entry.model: entry for entry in bench.ledger.entries(kinds=SERVING_KINDS)}
    serving = [model for model in sorted(last) if retirement(bench, model) is None]
    return tuple(_restore(bench, runtimes, last[model]) for model in serving)


def _restore(bench: Workbench, runtimes: Mapping[RuntimeName, Runtime], entry: Entry) -> Restored:
    problem = ""
    try:
        outcome = _put_back(bench, runtimes, entry)
    except (SlipwayError, OSError, LookupError, ValueError, TypeError) as error:
        outcome, problem = Restoration.FAILED, str(error) or type(error).__name__
    bench.say(f"{entry.model} version {entry.version} {outcome}" + (f": {problem}" if problem else ""))
    return Restored(model=entry.model, version=entry.version or 0, outcome=outcome, problem=problem)


def _put_back(bench: Workbench, runtimes: Mapping[RuntimeName, Runtime], entry: Entry) -> Restoration:
    subject = Subject.from_json(entry.payload["subject"])
    image = BuiltImage.from_json(entry.payload["image"])
    runtime = runtimes.get(image.runtime)
    if runtime is None:
        raise EngineUnavailable(
            f"its image is for the runtime {image.runtime}, which does not answer here",
            remedy="start the docker daemon, then run `slipway start` again",
        )
    route = bench.gateway.route(subject.model)
    champion = route.champion if route else None
    if champion and champion.digest == image.digest and runtime.is_alive(champion.handle):
        return Restoration.SERVED_ALREADY
    spec = bench.spec(subject.model)
    _verify(bench, subject, image)
    served = Served(subject, image, recorded_options(entry))
    deployment = put_into_service(
        runtime=runtime,
        gateway=bench.gateway,
        image=image,
        subject=subject,
        spec=_briefly_watched(spec),
        golden=golden_answers(bench, subject),
        launch=launch(bench, subject, served.options),
        progress=bench.say,
    )
    record_deployment(
        bench, entry.kind, served, deployment, actor=ACTOR, release=entry.payload["release"], reason="after a stop"
    )
    return Restoration.RESTORED


def _verify(bench: Workbench, subject: Subject, image: BuiltImage) -> None:
    files = bench.registry.files(subject.model, subject.version)
    if files.subject.artifact_sha256 != subject.artifact_sha256:
        raise EvidenceError(
            f"the registry's files of {subject.model} version {subject.version} have changed since they served",
            remedy="restore the artifact, or release a new version",
        )
    bench.verify_image(image, files)


def _briefly_watched(spec: ModelSpec) -> ModelSpec:
    brief = spec.deployment.model_copy(update={"watch_seconds": min(WATCH_SECONDS, spec.deployment.watch_seconds)})
    return spec.model_copy(update={"deployment": brief})
