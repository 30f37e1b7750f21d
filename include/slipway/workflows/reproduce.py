"""Build old versions again, hermetically, and prove that they still answer the same.

Rules
-----
1. A version is built from its lock, the wheel cache and its artifact, each verified by digest, without network and
   without anything that was built before; it is started, asked its golden rows, stopped and removed.
2. What stood in the way is part of the result, never an error of the drill: the other versions are still built.
3. Every version's result is in the ledger and on a page; a sample's seed is recorded with it.
"""

from __future__ import annotations

import tempfile
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.golden import Golden
from slipway.core.reproduction import (
    SHOWN_PATHS,
    AnswersCompared,
    ContentCompared,
    Reproduction,
    compare_answers,
    pick,
)
from slipway.core.service import BuiltImage, RuntimeName, ServiceSpec
from slipway.core.signature import Value
from slipway.errors import (
    EngineUnavailable,
    EvidenceError,
    RegistryUnreachable,
    ServiceError,
    SlipwayError,
    VersionNotFound,
)
from slipway.workflows import kept as keeping
from slipway.workflows.candidate import service_spec, started
from slipway.workflows.disk import disk_explained
from slipway.workflows.kept import Recorded
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.images.content import Content
    from slipway.images.rebuild import Rebuilder

ROLE = "reproduction"
STARTUP_S = 180.0  # whether it answers the same is asked, not how fast it starts


def reproduce(
    bench: Workbench,
    versions: Iterable[tuple[str, int]],
    *,
    actor: str,
    base: str | None = None,
    drill: str = "",
    seed: int | None = None,
) -> list[Reproduction]:
    """Build versions again, one after the other, and compare each with what was recorded of it.

    Parameters
    ----------
    versions : iterable of (str, int)
        Models and versions.
    actor : str
    base : str or None
        A base image to build on instead of the recorded ones: contents then differ by design.
    drill : str
        What the results are filed under; the time if left out.
    seed : int or None
        The seed by which the versions were drawn.

    Raises
    ------
    EngineUnavailable, RegistryUnreachable
        If no engine or no registry answers: nothing was shown about any version.
    EvidenceError
        If a version never passed the scenarios: there is nothing to compare with.
    """
    from slipway.images.rebuild import rebuilding

    drill = drill or f"{bench.now():%Y%m%dT%H%M%SZ}"
    found = []
    with rebuilding(bench.settings, bench.say) as rebuilder:
        for model, version in versions:
            bench.say(f"{model} version {version}: building again")
            result = _one(bench, rebuilder, model, version, base)
            _record(bench, result, actor=actor, drill=drill, seed=seed)
            found.append(result)
    return found


def sample(bench: Workbench, *, count: int, seed: int) -> tuple[tuple[str, int], ...]:
    """Return ``count`` versions of all models, drawn by ``seed`` from those that can be built again."""
    return pick(keeping.reproducible(bench), count=count, seed=seed)


def seed_of(run_id: str) -> int:
    """Return the seed that a run draws by when it is given none; the same run draws the same.

    >>> seed_of("r1") == seed_of("r1"), seed_of("r1") == seed_of("r2")
    (True, False)
    """
    return zlib.crc32(run_id.encode())


def _one(bench: Workbench, rebuilder: Rebuilder, model: str, version: int, base: str | None) -> Reproduction:
    begun = time.monotonic()
    known = keeping.recorded(bench, model, version)
    try:
        with disk_explained():
            result = _rebuild(bench, rebuilder, known, base)
    except (EngineUnavailable, RegistryUnreachable):
        raise
    except SlipwayError as error:
        result = Reproduction(
            subject=known.build.subject, runtime=known.build.runtime, rebuilt=False, problem=str(error)
        )
    return _timed(result, time.monotonic() - begun)


def _timed(result: Reproduction, seconds: float) -> Reproduction:
    return replace(result, seconds=seconds)


def _rebuild(bench: Workbench, rebuilder: Rebuilder, known: Recorded, base: str | None) -> Reproduction:
    first = known.image
    with tempfile.TemporaryDirectory(dir=rebuilder.folder) as name:
        kept, notes = keeping.kept(bench, known, folder=Path(name), base=base)
        again = rebuilder.rebuild(kept, first.runtime)
    if base is not None and first.runtime is RuntimeName.PROCESS:
        notes = (*notes, f"{base} was not used: a process has no base image")
    other = "" if base is None or _recorded_base(known) == _base_label(again.content) else base
    content = _contents(bench, known, again.content, other_base=other)
    answers, problem = None, ""
    try:
        answers = _answers(bench, known, again.image)
    except (EvidenceError, ServiceError) as error:
        problem = str(error)
    return Reproduction(
        subject=known.build.subject,
        runtime=first.runtime.value,
        rebuilt=True,
        problem=problem,
        image=again.image.digest,
        content=content,
        answers=answers,
        notes=notes,
    )


def _recorded_base(known: Recorded) -> str:
    return str((known.build.details.get("base") or {}).get("id", ""))


def _base_label(content: Content) -> str:
    return content.get("config:label:slipway.base_image", "").strip('"')


def _contents(bench: Workbench, known: Recorded, after: Content, *, other_base: str) -> ContentCompared:
    from slipway.images.content import content_digest, differences
    from slipway.images.rebuild import first_content

    before, by = keeping.content_of(bench, known), "what was recorded when it was built"
    if before is None:
        layer = str(known.build.details.get("runtime_layer", ""))
        before, by = first_content(bench.settings, known.image, layer), "the first image itself"
    if before is None:
        return ContentCompared(before=None, after=content_digest(after), other_base=other_base)
    changed = differences(before, after)
    return ContentCompared(
        before=content_digest(before),
        after=content_digest(after),
        by=by,
        changed=len(changed),
        paths=tuple(changed[:SHOWN_PATHS]),
        other_base=other_base,
    )


def _answers(bench: Workbench, known: Recorded, again: BuiltImage) -> AnswersCompared:
    golden = keeping.golden_of(bench, known)
    before = golden.served or _ask(bench, known, known.image, golden)
    return compare_answers(before, _ask(bench, known, again, golden))


def _ask(bench: Workbench, known: Recorded, image: BuiltImage, golden: Golden) -> tuple[Value, ...]:
    """Return what an image answers to each golden row, asked one by one as the scenarios did."""
    from slipway.deploy.smoke import ask, make_client

    subject = known.build.subject
    spec = service_spec(bench.spec(subject.model), subject.with_image(image.digest), image, role=ROLE)
    answers: list[Value] = []
    with started(bench, _named(spec, image), startup_seconds=STARTUP_S) as handle, make_client(handle.url) as client:
        for number, row in enumerate(golden.rows):
            answer = ask(client, handle.url, [row])
            if answer.problem or len(answer.predictions) != 1 or answer.version != str(subject.version):
                said = answer.problem or f"{len(answer.predictions)} answers as version {answer.version}"
                raise ServiceError(f"golden row {number}: {said}", remedy="look at the service's log")
            answers += answer.predictions
    bench.say(f"{subject.model} version {subject.version}: {len(answers)} golden rows answered")
    return tuple(answers)


def _named(spec: ServiceSpec, image: BuiltImage) -> ServiceSpec:
    return replace(spec, name=f"{spec.name}-{image.digest[7:15]}")


def _record(bench: Workbench, result: Reproduction, *, actor: str, drill: str, seed: int | None) -> None:
    from slipway.ledger.entries import EntryKind

    page = _write_page(bench, result, drill)
    payload = {**result.to_json(), "drill": drill, "seed": seed, "report": page}
    subject = result.subject
    bench.ledger.append(
        EntryKind.REPRODUCTION, model=subject.model, version=subject.version, actor=actor, payload=payload
    )
    bench.say(f"{subject.model} version {subject.version}: {sentence(result)}")


def _write_page(bench: Workbench, result: Reproduction, drill: str) -> dict[str, str]:
    from slipway.core.identity import digest_bytes
    from slipway.governance.reproduction_page import render

    path = report_path(result, drill)
    target = bench.settings.reports / path
    target.parent.mkdir(parents=True, exist_ok=True)
    data = render(result).encode()
    target.write_bytes(data)
    return {"path": path, "sha256": digest_bytes(data)}


def report_path(result: Reproduction, drill: str) -> str:
    """Return where the page of a result is, below the reports folder."""
    subject = result.subject
    return f"{subject.model}/v{subject.version}/reproduction/{drill}.html"


def sentence(result: Reproduction) -> str:
    """Return what came of it, as a person says it."""
    if not result.rebuilt:
        return f"{result.verdict.outcome}: not rebuilt: {result.problem}"
    content, answers = result.content, result.answers
    said = [f"{result.verdict.outcome}: rebuilt in {result.seconds:.0f} s"]
    if content is not None and content.other_base:
        said.append(f"on {content.other_base}, so that the content differs by design")
    elif content is None or content.identical is None:
        said.append("content not compared: neither a record nor the first image is left")
    else:
        said.append("content identical" if content.identical else f"{content.changed} paths differ")
    if answers is None:
        said.append(f"answers not compared: {result.problem}")
    elif answers.changed:
        said.append(
            f"{answers.changed} of {answers.rows} answers differ, by at most {answers.max_difference:.3g}, "
            f"{answers.max_ulps} unit{'' if answers.max_ulps == 1 else 's'} in the last place"
        )
    else:
        said.append(f"all {answers.rows} answers identical to the last bit")
    return ", ".join(said)


def choose(bench: Workbench, model: str, *, version: int | None, every: bool) -> Sequence[tuple[str, int]]:
    """Return what was asked for: a version, all of a model's, or the newest that can be built again.

    Raises
    ------
    VersionNotFound
        If there is none.
    """
    if version is not None:
        return [(model, version)]
    found = keeping.reproducible(bench, model)
    if not found:
        raise VersionNotFound(
            f"no version of {model} has passed the scenarios, so there is nothing to compare with",
            remedy=f"release one: `slipway release {model}`",
        )
    return found if every else found[-1:]
