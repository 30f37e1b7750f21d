"""What earlier steps left in the ledger for later ones; a step trusts no name, only digests.

What may be approved, promoted and deployed is a complete dossier, and evidence counts in it only if

1. it is the ledger's last word of its check on these digests: neither an older date nor a later one hides a verdict;
2. this release made it: what another release found was found beside another champion, or by nobody who asked for this;
3. its release's requester is its author, as the gates write it;
4. its reports are in the folder of its release and check: another version's reports prove nothing about this one.
"""

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
from slipway.ledger.entries import EntryKind
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


def judged_subject(bench: Workbench, release: Release) -> Subject:
    """Return what this release built, as the ledger has it: nothing is looked at. EvidenceError if it built nothing."""
    version = bench.version(release)
    for evidence in reversed(bench.ledger.evidence(release.model, version)):
        if (evidence.check, evidence.outcome, evidence.release) == (Check.BUILD_IMAGE, Outcome.PASSED, release.id):
            return evidence.subject
    raise EvidenceError(
        f"{release.model} version {version} has no image in release {release.id}", remedy="wait until it is asked about"
    )


def golden_answers(bench: Workbench, subject: Subject) -> Golden:
    """Return the golden answers that the scenarios left for this subject; EvidenceError if they were altered."""
    return Golden.from_json(_report_json(bench, _latest(bench, subject, Check.RUN_SCENARIOS), GOLDEN_FILE))


def tuned_options(bench: Workbench, subject: Subject, *, release: str) -> ServingOptions:
    """Return the options that tuning chose for exactly this subject in this release; EvidenceError if it did not."""
    evidence = _latest(bench, subject, Check.TUNE_SERVING, release=release)
    return ServingOptions.from_json(evidence.details["options"])


def complete_dossier(bench: Workbench, subject: Subject, release: Release) -> Dossier:
    """Return the evidence on a subject, if it is complete and this release's own.

    Raises
    ------
    PromotionRefused
        If a check has not PASSED, or its evidence is not this release's (rules 1 to 4); names the check.
    """
    entries = bench.ledger.entries(model=subject.model, version=subject.version, kinds=[EntryKind.EVIDENCE])
    told = [(entry.actor, Evidence.from_json(entry.payload)) for entry in entries]
    dossier = Dossier.of(subject, [evidence for _, evidence in told])
    dossier.require_complete()
    latest = dossier.latest()
    last = {evidence.check: (by, evidence) for by, evidence in told if evidence.subject.covers(subject)}
    for check, (by, evidence) in last.items():
        problem = _not_own(bench, evidence, release, dated=latest[check], by=by)
        if problem:
            raise PromotionRefused(
                f"the {check} evidence on {subject} does not count: {problem}",
                remedy="release the version again, so that every gate judges these bytes, and find out who wrote that",
            )
    require_same_options(dossier)
    return dossier


def _not_own(bench: Workbench, evidence: Evidence, release: Release, *, dated: Evidence, by: str) -> str:
    """Return why evidence does not count in a release; empty if it does."""
    if dated is not evidence:
        return f"the ledger's last word is {evidence.outcome}, and evidence before it is dated later"
    if evidence.release != release.id:
        return f"it is of the release {evidence.release}"
    if by != release.requester:
        return f"{by} wrote it, and {release.requester} asked for this release"
    folder = bench.report_folder(release, evidence.check.value).relative_to(bench.settings.reports)
    strange = [report.path for report in evidence.reports if not Path(report.path).is_relative_to(folder)]
    return f"its report {strange[0]} is not of this release" if strange else ""


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
