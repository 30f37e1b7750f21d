"""Gate 3: the container that everything after this judges, and production starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.core.service import BuiltImage
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.workflows.gate import run_gate
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.images.backends import Candidates


def build_image(bench: Workbench, release: Release) -> Evidence:
    """Lock, fetch, build without a network, and bind the subject to the image's digest."""
    spec, files = bench.spec(release.model), bench.files(release)

    def work(out: Path) -> tuple[Subject, Findings]:
        image, findings = built(bench, spec, files, out=out)
        details = {**findings.details, "image": image.to_json()}
        return files.subject.with_image(image.digest), replace(findings, details=details)

    return run_gate(bench, release, Check.BUILD_IMAGE, files.subject, work)


def built(bench: Workbench, spec: ModelSpec, files: VersionFiles, *, out: Path) -> tuple[BuiltImage, Findings]:
    """Return a version's image and what was found, the image built here or before; the reports go to ``out``."""
    from slipway.images.build import build_image as build

    return build(
        files=files,
        spec=spec,
        settings=bench.settings,
        runtime=bench.runtime.name,
        out=out,
        progress=bench.say,
        candidates=candidates_for(bench, spec, files),
    )


def candidates_for(bench: Workbench, spec: ModelSpec, files: VersionFiles) -> Candidates:
    """Compile the model where possible, and make the rows on which its backends are compared."""
    from slipway.backends.compile import provide_compilation
    from slipway.images.backends import Candidates

    cache = bench.settings.var / "backends"
    made = provide_compilation(files, spec.to_signature(), cache=cache, progress=bench.say)
    objectives = spec.objectives
    return Candidates(
        folder=made.folder,
        rows=made.rows,
        more_rows=made.more_rows,
        compiled=made.compiled,
        reasons=made.reasons,
        coverage=made.coverage,
        tolerance=spec.reference.tolerance,
        memory_mb=objectives.memory_mb,
        cpus=objectives.cpus,
    )
