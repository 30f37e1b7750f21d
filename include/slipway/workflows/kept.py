"""What a version is built from again and compared with, found by the digests that its evidence names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.evidence import Check, Evidence
from slipway.core.golden import Golden
from slipway.core.service import BuiltImage
from slipway.core.signature import Signature
from slipway.core.verdict import Outcome
from slipway.core.version import VersionFiles
from slipway.errors import EvidenceError, VersionNotFound
from slipway.specs import model_names
from slipway.workflows.records import GOLDEN_FILE, read_report
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.images.backends import Choice
    from slipway.images.content import Content
    from slipway.images.inputs import Inputs
    from slipway.images.rebuild import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The evidence by which a version was built and judged: the newest scenarios that passed, and their image."""

    build: Evidence
    scenarios: Evidence

    @property
    def image(self) -> BuiltImage:
        """The first image."""
        return BuiltImage.from_json(self.build.details["image"])


def recorded(bench: Workbench, model: str, version: int) -> Recorded:
    """Return a version's evidence; EvidenceError if none of its images has passed the scenarios."""
    passed = [e for e in bench.ledger.evidence(model, version) if e.outcome is Outcome.PASSED]
    builds = {e.subject: e for e in passed if e.check is Check.BUILD_IMAGE}
    judged = [e for e in passed if e.check is Check.RUN_SCENARIOS and e.subject in builds]
    if not judged:
        raise EvidenceError(
            f"no image of {model} version {version} has passed the scenarios, so there is nothing to compare with",
            remedy=f"release it: `slipway release {model} --version {version}`",
        )
    newest = max(judged, key=lambda e: e.ended_at)
    return Recorded(build=builds[newest.subject], scenarios=newest)


def reproducible(bench: Workbench, model: str | None = None) -> list[tuple[str, int]]:
    """Return the versions that can be built again: judged once, and still in the registry."""
    found: list[tuple[str, int]] = []
    for name in model_names(bench.settings) if model is None else [model]:
        judged = {
            e.subject.version
            for e in bench.ledger.evidence(name)
            if e.check is Check.RUN_SCENARIOS and e.outcome is Outcome.PASSED
        }
        if judged:
            found += [(name, version) for version in sorted(judged & _registered(bench, name))]
    return found


def _registered(bench: Workbench, model: str) -> set[int]:
    try:
        return {known.version for known in bench.registry.versions(model)}
    except VersionNotFound:
        return set()


def golden_of(bench: Workbench, known: Recorded) -> Golden:
    """Return the golden rows; EvidenceError if their file is gone or was altered."""
    data = _report(bench, known.scenarios, GOLDEN_FILE)
    if data is None:
        raise EvidenceError(
            f"the scenarios of {known.scenarios.subject} left no {GOLDEN_FILE}", remedy="release it again"
        )
    return Golden.from_json(json.loads(data))


def content_of(bench: Workbench, known: Recorded) -> Content | None:
    """Return the content that was recorded with the first image; None for a build before contents were."""
    from slipway.images.content import CONTENT_FILE, content_digest, unpack

    data = _report(bench, known.build, CONTENT_FILE)
    if data is None:
        return None
    content = unpack(data)
    if content_digest(content) != known.build.details.get("content_sha256"):
        raise EvidenceError(
            f"{CONTENT_FILE} of {known.build.subject} is not what the ledger names", remedy="release the version again"
        )
    return content


def files_of(bench: Workbench, known: Recorded) -> VersionFiles:
    """Return the version's files as the registry holds them now; EvidenceError if they are not what was built from.

    They are fetched afresh as well: a sound copy on this machine must not hide a registry that was changed.
    """
    subject = known.build.subject
    files = bench.registry.files(subject.model, subject.version)
    held = bench.registry.artifact_digest(subject.model, subject.version)
    for place, digest in (("in the registry", held), ("on this machine", files.subject.artifact_sha256)):
        if digest != subject.artifact_sha256:
            raise EvidenceError(
                f"the artifact of {subject.model} version {subject.version} {place} is {digest[7:19]}, "
                f"built was {subject.artifact_sha256[7:19]}",
                remedy="restore the version's model, snapshot and reference files from a backup",
            )
    return files


def kept(bench: Workbench, known: Recorded, *, folder: Path, base: str | None) -> tuple[Kept, tuple[str, ...]]:
    """Gather what a version is built from again.

    Parameters
    ----------
    known : Recorded
    folder : Path
        An empty one, in which the model is compiled anew.
    base : str or None
        Another base image than the recorded one.

    Returns
    -------
    kept : Kept
    notes : tuple of str
        What had to stand in for something that was not kept.

    Raises
    ------
    EvidenceError, RegistryError
        If something is gone or was altered; says what.
    """
    from slipway.images.context import LOCK_FILE
    from slipway.images.rebuild import Kept

    files = files_of(bench, known)
    lock = _report(bench, known.build, LOCK_FILE)
    if lock is None:
        raise EvidenceError(f"no lock was kept with the image of {known.build.subject}", remedy="release it again")
    inputs, notes = _inputs(bench, known, files)
    choice = _choice(bench, known, files, Signature.from_json(inputs.config["signature"]), folder)
    recorded_base = (known.build.details.get("base") or {}).get("id", "")
    whole = Kept(files=files, lock=lock.decode(), inputs=inputs, choice=choice, base=base or recorded_base)
    return whole, notes


def _inputs(bench: Workbench, known: Recorded, files: VersionFiles) -> tuple[Inputs, tuple[str, ...]]:
    from slipway.images.build import RECIPES
    from slipway.images.context import serving_config
    from slipway.images.inputs import INPUTS_FILE, current_inputs, unpack_inputs

    data = _report(bench, known.build, INPUTS_FILE)
    if data is not None:
        return unpack_inputs(data), ()
    spec = bench.spec(files.subject.model)
    config = serving_config(files, spec.to_signature(), p99_ms=spec.objectives.p99_ms)
    note = "the serving program and the recipes were not kept with this version: those of this checkout were used"
    return current_inputs(config, bench.settings.root / RECIPES), (note,)


def _choice(bench: Workbench, known: Recorded, files: VersionFiles, signature: Signature, folder: Path) -> Choice:
    """Return the recorded choice of a backend, with the compiled models that it needs made anew."""
    from slipway.backends.compile import provide_compilation
    from slipway.images.backends import Choice

    evidence = {name: value for name, value in known.build.details.get("backends", {}).items() if name != "served"}
    served = known.build.details.get("backends", {}).get("served")
    same = {one["name"] for one in evidence.get("candidates", ()) if one["outcome"] == "same"}
    if not same:
        return Choice(backend=served, evidence=evidence)
    made = provide_compilation(files, signature, cache=folder, progress=bench.say, rows=0)
    compiled = tuple(made.folder / file for name, kept in made.compiled.items() if name in same for file in kept)
    return Choice(backend=served, evidence=evidence, compiled=compiled)


def _report(bench: Workbench, evidence: Evidence, name: str) -> bytes | None:
    found = next((r for r in evidence.reports if Path(r.path).name == name), None)
    return None if found is None else read_report(bench, found.path, found.sha256)
