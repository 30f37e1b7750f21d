"""Gate 3: the container that everything after this judges, and production starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.workflows.gate import run_gate
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def build_image(bench: Workbench, release: Release) -> Evidence:
    """Lock, fetch, build without a network, and bind the subject to the image's digest."""
    from slipway.images.build import build_image as build

    spec, files = bench.spec(release.model), bench.files(release)

    def work(out: Path) -> tuple[Subject, Findings]:
        image, findings = build(
            files=files,
            spec=spec,
            settings=bench.settings,
            runtime=bench.runtime.name,
            out=out,
            progress=bench.say,
        )
        details = {**findings.details, "image": image.to_json()}
        return files.subject.with_image(image.digest), replace(findings, details=details)

    return run_gate(bench, release, Check.BUILD_IMAGE, files.subject, work)
