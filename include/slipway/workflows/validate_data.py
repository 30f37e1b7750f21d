"""Gate 1: is the data that this version was made from what its contract says?"""

from __future__ import annotations

from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.workflows.gate import run_gate
from slipway.workflows.release import Release
from slipway.workflows.retirement import require_in_service
from slipway.workflows.standing import champion_files, standing
from slipway.workflows.workbench import Workbench


def validate_data(bench: Workbench, release: Release) -> Evidence:
    """Validate the version's data snapshot: by its dataset's suite, its signature, and beside the champion's.

    Ledger and registry must agree on the champion: data that are compared with the wrong one are not compared.
    A model that was decommissioned is not released.
    """
    from slipway.quality.validate import validate_data as check_data

    require_in_service(bench, release.model)
    spec, files = bench.spec(release.model), bench.files(release)
    if bench.begun(release) is None:
        _record_start(bench, release, files.subject)

    def work(out: Path) -> tuple[Subject, Findings]:
        suite = bench.settings.expectations / spec.dataset
        present = standing(bench, release.model)
        champion = champion_files(bench, present, besides=files.subject)
        return files.subject, check_data(files=files, spec=spec, suite_dir=suite, out=out, champion=champion)

    return run_gate(bench, release, Check.VALIDATE_DATA, files.subject, work)


def _record_start(bench: Workbench, release: Release, subject: Subject) -> None:
    from slipway.ledger.entries import EntryKind

    bench.ledger.append(
        EntryKind.RELEASE_STARTED,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={
            "release": release.id,
            "subject": subject.to_json(),
            "load_profile": release.load_profile,
            "reason": release.reason,
        },
    )
