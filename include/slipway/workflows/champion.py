"""The champion's image beside the candidate: what a gate compares with runs on the same host, at the same time.

Rules
-----
1. The champion is what the ledger recorded last as serving; its image is verified before it starts.
2. What is started carries a name of the release, gets no traffic, and is stopped however the block ends.
3. It is what is compared with, not what is judged: one that cannot be started stops no gate, and the reason is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, ServiceHandle, ServiceSpec
from slipway.core.spec import ModelSpec
from slipway.errors import EvidenceError, SlipwayError
from slipway.ledger.entries import SERVING_KINDS, Entry
from slipway.workflows.candidate import service_name, service_spec, started
from slipway.workflows.workbench import Workbench

NO_CHAMPION = "There is no champion to compare with."


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The champion's private instance; without a ``handle``, ``absent`` says why there is none."""

    handle: ServiceHandle | None = None
    absent: str = ""


@contextmanager
def champion_beside(
    bench: Workbench, spec: ModelSpec, candidate: Subject, *, role: str, env: Mapping[str, str] | None = None
) -> Iterator[Beside]:
    """Start an instance of the champion's image for the length of a block, as the candidate's is that has ``role``."""
    entry = serving_entry(bench, candidate)
    if entry is None:
        yield Beside(absent=NO_CHAMPION)
        return
    with ExitStack() as stack:
        try:
            twin = _twin(bench, spec, entry, candidate, role=role, env=env)
            handle = stack.enter_context(started(bench, twin, startup_seconds=spec.objectives.startup_seconds))
            beside = Beside(handle=handle)
        except SlipwayError as error:
            beside = Beside(absent=f"The champion, version {entry.version}, cannot be started beside: {error.reason}.")
            bench.say(beside.absent)
        yield beside


def serving_entry(bench: Workbench, besides: Subject) -> Entry | None:
    """Return the ledger's last word on what serves the model; None if nothing, or if ``besides`` itself does."""
    entries = bench.ledger.entries(model=besides.model, kinds=SERVING_KINDS)
    return entries[-1] if entries and entries[-1].version != besides.version else None


def _twin(
    bench: Workbench,
    spec: ModelSpec,
    entry: Entry,
    candidate: Subject,
    *,
    role: str,
    env: Mapping[str, str] | None,
) -> ServiceSpec:
    subject, image = Subject.from_json(entry.payload["subject"]), BuiltImage.from_json(entry.payload["image"])
    if image.runtime is not bench.runtime.name:
        raise EvidenceError(
            f"its image is for the runtime {image.runtime}, the candidate's for {bench.runtime.name}",
            remedy="release both with the same SLIPWAY_RUNTIME",
        )
    bench.verify_image(image, bench.registry.files(subject.model, subject.version))
    found = service_spec(spec, subject, image, role=role, env=env)
    return replace(found, name=f"{service_name(candidate.model, candidate.version, role)}-champion")
