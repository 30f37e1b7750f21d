"""The frame that every gate runs in.

Rules
-----
1. What the capability found is decided on by :func:`slipway.core.verdict.decide`, here and nowhere else.
2. The evidence is in the ledger before anyone hears of the verdict. What passed has its reports stored before that,
   or it has not passed; any other verdict stands, whatever becomes of the reports.
3. A gate that crashed leaves INCONCLUSIVE evidence: the crash is known, and nothing was shown.
4. Anything but PASSED ends the release.
5. A disk that is full is said to be full; nothing has passed then.
6. The release's page is written anew after every gate, and stored with the version once the release has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Outcome, decide
from slipway.errors import GateStopped, SlipwayError, shorten
from slipway.workflows.disk import disk_explained
from slipway.workflows.release import Release
from slipway.workflows.release_report import publish_release_report, report_path
from slipway.workflows.tell import tell_release
from slipway.workflows.workbench import Workbench

Work = Callable[[Path], tuple[Subject, Findings]]


def run_gate(bench: Workbench, release: Release, check: Check, subject: Subject, work: Work) -> Evidence:
    """Run one gate and return its evidence.

    Parameters
    ----------
    work : callable
        Takes the report folder; returns the subject (build_image adds the image) and what was found.

    Raises
    ------
    GateStopped
        If the verdict is FAILED or INCONCLUSIVE; the message holds the reasons.
    """
    runtime = bench.runtime.name.value  # an engine that is needed and dead is told before any work is done
    started = bench.now()
    try:
        with disk_explained():
            judged, findings = work(bench.fresh_folder(release, check.value))
    except Exception as error:
        crashed = _crash_evidence(bench, release, check, subject, started=started, error=error)
        _append(bench, release, crashed)
        publish_release_report(bench, release.model, release=release.id, store=False)
        raise
    verdict = decide(findings.measurements)
    evidence = Evidence(
        check=check,
        outcome=verdict.outcome,
        subject=judged,
        runtime=runtime,
        measurements=findings.measurements,
        reports=_reports(findings.reports, bench.settings.reports),
        started_at=started,
        ended_at=bench.now(),
        release=release.id,
        reasons=verdict.reasons,
        details=findings.details,
        host=bench.host(),
    )
    passed = evidence.outcome is Outcome.PASSED
    if passed:
        _store_reports(bench, release, check)
    _append(bench, release, evidence)
    _say(bench, evidence)
    if not passed:
        _store_if_possible(bench, release, check)
        verdict_error = stopped(evidence)
        end_release(bench, release, judged, outcome=evidence.outcome, step=check.value, reason=verdict_error.reason)
        raise verdict_error
    publish_release_report(bench, release.model, release=release.id, store=False)
    return evidence


def end_release(
    bench: Workbench, release: Release, subject: Subject, *, outcome: Outcome, step: str, reason: str
) -> None:
    """Append how a release ended: at which step, with which outcome, why; then write the page that tells it."""
    from slipway.ledger.entries import EntryKind

    bench.ledger.append(
        EntryKind.RELEASE_ENDED,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={
            "release": release.id,
            "subject": subject.to_json(),
            "outcome": outcome.value,
            "step": step,
            "reason": reason,
        },
    )
    tell_release(bench, subject, release.id, outcome, reason)
    publish_release_report(bench, release.model, release=release.id)


def stopped(evidence: Evidence) -> GateStopped:
    """Return the error that ends a release, with the reasons and what to do next."""
    shown = "; ".join(evidence.reasons[:5]) or "nothing was measured"
    page = report_path(evidence.subject.model, evidence.subject.version, evidence.release)
    reports = ", ".join([page, *(r.path for r in evidence.reports if r.path.endswith(".html"))])
    remedy = f"read {reports}"
    if evidence.outcome is Outcome.INCONCLUSIVE:
        remedy += "; when the cause is gone, release the version again"
    else:
        remedy += "; correct the model and register a new version"
    return GateStopped(
        f"{evidence.check} {evidence.outcome} for {evidence.subject}: {shorten(shown, 1500)}", remedy=remedy
    )


def _store_if_possible(bench: Workbench, release: Release, check: Check) -> None:
    try:
        _store_reports(bench, release, check)
    except (SlipwayError, OSError) as error:
        bench.say(f"the reports of {check} are on this host only: {error}")


def _store_reports(bench: Workbench, release: Release, check: Check) -> None:
    """Put a step's report folder beside the version in the registry, so that it outlives this host."""
    files = bench.files(release)
    folder = bench.report_folder(release, check.value)
    bench.registry.log_reports(files.run_id, folder, artifact_path=f"slipway/{release.slug}/{check.value}")


def _reports(files: Mapping[str, str], root: Path) -> tuple[Report, ...]:
    return tuple(
        Report(path=Path(path).relative_to(root).as_posix(), sha256=digest_bytes(Path(path).read_bytes()), title=title)
        for path, title in files.items()
    )


def _append(bench: Workbench, release: Release, evidence: Evidence) -> None:
    from slipway.ledger.entries import EntryKind

    bench.ledger.append(
        EntryKind.EVIDENCE,
        model=evidence.subject.model,
        version=evidence.subject.version,
        actor=release.requester,
        payload=evidence.to_json(),
    )


def _crash_evidence(
    bench: Workbench, release: Release, check: Check, subject: Subject, *, started: datetime, error: Exception
) -> Evidence:
    reason = str(error) if isinstance(error, SlipwayError) else f"{type(error).__name__}: {error}"
    return Evidence(
        check=check,
        outcome=Outcome.INCONCLUSIVE,
        subject=subject,
        runtime=bench.runtime.name.value,
        measurements=(),
        reports=(),
        started_at=started,
        ended_at=bench.now(),
        release=release.id,
        reasons=(shorten(reason, 1500),),
        host=bench.host(),
    )


def _say(bench: Workbench, evidence: Evidence) -> None:
    bench.say(f"{evidence.check}: {evidence.outcome} for {evidence.subject} in {evidence.seconds:.1f} s")
    for measurement in evidence.measurements:
        mark = {None: " ", Outcome.PASSED: "+", Outcome.FAILED: "-", Outcome.INCONCLUSIVE: "?"}[measurement.outcome]
        bench.say(f"  {mark} {replace(measurement, note='').sentence()}")
