"""What earlier steps left in the ledger for later ones; a step trusts no name, only digests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway.core.evidence import Check, Dossier, Evidence
from slipway.core.golden import Golden
from slipway.core.identity import Subject, digest_bytes
from slipway.core.service import BuiltImage
from slipway.core.serving_options import ServingOptions
from slipway.core.verdict import Outcome
from slipway.core.version import VersionFiles
from slipway.errors import EvidenceError, PromotionRefused
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

GOLDEN_FILE = "golden.json"


def built_image(bench: Workbench, release: Release, files: VersionFiles) -> tuple[Subject, BuiltImage]:
    """Return the image that this release built, checked to be still the same bytes.

    Raises
    ------
    EvidenceError
        If none was built from these files, or the image or the files have changed since.
    """
    evidence = _latest(bench, files.subject, Check.BUILD_IMAGE, release=release.id)
    image = BuiltImage.from_json(evidence.details["image"])
    bench.verify_image(image, files)
    return evidence.subject, image


def golden_answers(bench: Workbench, subject: Subject) -> Golden:
    """Return the golden answers that the scenarios left for this subject; EvidenceError if they were altered."""
    return Golden.from_json(_report_json(bench, _latest(bench, subject, Check.RUN_SCENARIOS), GOLDEN_FILE))


def tuned_options(bench: Workbench, subject: Subject, *, release: str) -> ServingOptions:
    """Return the options that tuning chose for exactly this subject in this release; EvidenceError if it did not."""
    evidence = _latest(bench, subject, Check.TUNE_SERVING, release=release)
    return ServingOptions.from_json(evidence.details["options"])


def require_same_options(dossier: Dossier) -> None:
    """Raise PromotionRefused unless the load test drove the options that tuning chose; the dossier is complete."""
    latest = dossier.latest()
    tuned, tested = (latest[check].details.get("options") for check in (Check.TUNE_SERVING, Check.LOAD_TEST))
    if tuned is None or tuned != tested:
        raise PromotionRefused(
            f"the load test of {dossier.subject} drove the serving options {tested}, tuning chose {tuned}",
            remedy="clear load_test, so that it judges what production would run",
        )


def _latest(bench: Workbench, subject: Subject, check: Check, *, release: str | None = None) -> Evidence:
    found = [
        e
        for e in bench.ledger.evidence(subject.model, subject.version)
        if e.check is check
        and e.outcome is Outcome.PASSED
        and e.subject.artifact_sha256 == subject.artifact_sha256
        and subject.image_digest in (None, e.subject.image_digest)
        and release in (None, e.release)
    ]
    if not found:
        raise EvidenceError(
            f"no {check} has PASSED for {subject}" + (f" in release {release}" if release else ""),
            remedy="release the version from its first step, so that every gate judges these bytes",
        )
    return max(found, key=lambda e: e.ended_at)


def _report_json(bench: Workbench, evidence: Evidence, name: str) -> Any:
    for report in evidence.reports:
        if Path(report.path).name == name:
            return json.loads(read_report(bench, report.path, report.sha256))
    raise EvidenceError(f"the {evidence.check} evidence on {evidence.subject} has no {name}", remedy="release it again")


def read_report(bench: Workbench, path: str, sha256: str) -> bytes:
    """Return a report's bytes; EvidenceError if they are gone or not those that the evidence names."""
    try:
        data = (bench.settings.reports / path).read_bytes()
    except OSError as error:
        raise EvidenceError(f"report {path} cannot be read: {error}", remedy="release the version again") from error
    if digest_bytes(data) != sha256:
        raise EvidenceError(f"report {path} was altered after it was recorded", remedy="release the version again")
    return data
