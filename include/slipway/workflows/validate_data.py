"""Gate 1: is the data that this version was made from what its contract says?"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.core.version import VersionFiles
from slipway.workflows.gate import run_gate
from slipway.workflows.release import Release
from slipway.workflows.standing import champion_files, standing
from slipway.workflows.tell import tell_release, tell_training
from slipway.workflows.workbench import Workbench


def validate_data(bench: Workbench, release: Release) -> Evidence:
    """Validate the version's data snapshot: by its dataset's suite, its signature, and beside the champion's.

    Ledger and registry must agree on the champion: data that are compared with the wrong one are not compared.
    """
    from slipway.quality.validate import validate_data as check_data

    spec, files = bench.spec(release.model), bench.files(release)
    if bench.begun(release) is None:
        _record_start(bench, release, files.subject)
        tell_release(bench, files.subject, release.id, None)

    def work(out: Path) -> tuple[Subject, Findings]:
        suite = bench.settings.expectations / spec.dataset
        present = standing(bench, release.model)
        champion = champion_files(bench, present, besides=files.subject)
        found = check_data(files=files, spec=spec, suite_dir=suite, out=out, champion=champion)
        data = {"dataset": spec.dataset, "run": files.run_id, **_digests(files)}
        tell_training(bench, files.subject, data)
        return files.subject, replace(found, details={**found.details, "data": data})

    return run_gate(bench, release, Check.VALIDATE_DATA, files.subject, work)


def _digests(files: VersionFiles) -> dict[str, Any]:
    """Return the digests of the snapshot's two files: what the version was made of, and what it was judged on."""
    found = {}
    for name, path in (("train", files.train), ("holdout", files.holdout)):
        with path.open("rb") as stream:
            found[name] = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    return found


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
