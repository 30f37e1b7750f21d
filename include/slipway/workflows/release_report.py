"""The page of a release: gathered from the ledger, written beside the gates' reports, stored with the version.

Rules
-----
1. Every number is the ledger's; of the report files only the digests are taken, and one that differs is marked.
2. The same entries and files give the same bytes: what happens after a release's last entry does not change its page.
3. A page that cannot be written or stored changes no verdict: the ledger has it already.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from slipway.core.evidence import Evidence
from slipway.core.identity import digest_bytes
from slipway.errors import EvidenceError, SlipwayError
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.reporting.release.facts import Champion, Facts, FileState
from slipway.reporting.release.page import render
from slipway.reporting.release.story import Story, tell
from slipway.workflows.release import folder_name
from slipway.workflows.standing import DETAIL, RESTORER, recorded
from slipway.workflows.workbench import Workbench

FILE = "release.html"
_HARMLESS = (SlipwayError, OSError, LookupError, TypeError, ValueError, AttributeError)


def report_path(model: str, version: int | None, release: str) -> str:
    """Return where a release's page is, below the reports folder.

    >>> report_path("churn", 3, "manual__2026-01-01T00:00:00+00:00")
    'churn/v3/manual__2026-01-01T00_00_00_00_00/release.html'
    """
    where = "unknown" if version is None else f"v{version}"
    return f"{model}/{where}/{folder_name(release)}/{FILE}"


def release_story(bench: Workbench, model: str, *, version: int | None = None, release: str | None = None) -> Story:
    """Return the story of a release: the one that is named, else the newest one of the model or of the version.

    Raises
    ------
    EvidenceError
        If the ledger knows of no such release.
    """
    marks = bench.ledger.entries(model=model, kinds=[EntryKind.RELEASE_STARTED, EntryKind.RELEASE_ENDED])
    wanted = release or _newest(marks, version)
    begun = [e.seq for e in marks if e.kind is EntryKind.RELEASE_STARTED and e.payload["release"] == wanted]
    since = min(begun, default=1) - 1
    later = bench.ledger.entries(model=model, since_seq=since)
    mine = [entry for entry in later if entry.payload.get("release") == wanted and _own(entry)]
    if wanted is None or not mine:
        which = release or (f"version {version}" if version else "any version")
        raise EvidenceError(
            f"the ledger knows of no release of {model} ({which})",
            remedy=f"release one with `slipway release {model}`, or look with `slipway ledger show --model {model}`",
        )
    return tell(_facts(bench, model, wanted, mine))


def write_release_report(bench: Workbench, model: str, *, release: str) -> Path:
    """Write a release's page anew and return where it is."""
    story = release_story(bench, model, release=release)
    path = bench.settings.reports / report_path(model, story.version, release)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(story), encoding="utf-8")
    return path


def publish_release_report(bench: Workbench, model: str, *, release: str, store: bool = True) -> Path | None:
    """Write the page, store it with the version and say where it is; None, and a word on why, where that fails.

    Parameters
    ----------
    store : bool
        Whether to put it beside the version in the registry too, as at a release's end.
    """
    try:
        path = write_release_report(bench, model, release=release)
    except _HARMLESS as error:
        bench.say(f"the page of the release could not be written: {error}")
        return None
    if store:
        bench.say(f"the whole release on one page: {path}")
        _store(bench, model, release, path)
    return path


def _store(bench: Workbench, model: str, release: str, page: Path) -> None:
    try:
        version = release_story(bench, model, release=release).version
        if version is None:
            return
        files = bench.registry.files(model, version)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(page, Path(folder) / FILE)
            bench.registry.log_reports(files.run_id, Path(folder), artifact_path=f"slipway/{folder_name(release)}")
    except _HARMLESS as error:
        bench.say(f"the page of the release is not stored with the version: {error}")


def _own(entry: Entry) -> bool:
    """Tell whether an entry is part of its release: what a start put back into service later is not."""
    return not (entry.kind in SERVING_KINDS and entry.actor == RESTORER)


def _newest(marks: Iterable[Entry], version: int | None) -> str | None:
    found = [entry for entry in marks if version in (None, entry.version)]
    return str(found[-1].payload["release"]) if found else None


def _facts(bench: Workbench, model: str, release: str, mine: Sequence[Entry]) -> Facts:
    version = next((entry.version for entry in mine if entry.version is not None), None)
    evidence = [Evidence.from_json(entry.payload) for entry in mine if entry.kind is EntryKind.EVIDENCE]
    paths = {report.path: report.sha256 for item in evidence for report in item.reports}
    cards = (entry.payload for entry in mine if entry.kind is EntryKind.CARD)
    paths |= {report["path"]: report["sha256"] for card in cards for report in card["reports"]}
    served = [e.version for e in bench.ledger.entries(model=model, kinds=SERVING_KINDS) if e.seq <= mine[-1].seq]
    return Facts(
        model=model,
        release=release,
        version=version,
        entries=tuple(mine),
        champion=_champion(bench, model, mine, evidence),
        serving=served[-1] if served else None,
        files={path: _state(bench.settings.reports / path, sha256) for path, sha256 in paths.items()},
        folder=report_path(model, version, release).removesuffix(f"/{FILE}"),
    )


def _champion(bench: Workbench, model: str, mine: Sequence[Entry], evidence: Iterable[Evidence]) -> Champion | None:
    """Return whom the release was compared with: as its evaluation says, else as the ledger stood when it began."""
    seen = [item.details[DETAIL] for item in evidence if isinstance(item.details.get(DETAIL), dict)]
    if seen:
        champion = seen[-1]["version"]
    else:
        known = recorded(bench, model, before_seq=mine[0].seq)
        champion = known.version if known else None
    if champion is None or champion == mine[0].version:
        return None
    theirs = bench.ledger.entries(model=model, version=champion, kinds=[EntryKind.EVIDENCE])
    found = (Evidence.from_json(entry.payload) for entry in theirs if entry.seq < mine[-1].seq)
    return Champion(version=champion, evidence=tuple(found))


def _state(path: Path, sha256: str) -> FileState:
    try:
        return FileState.SOUND if digest_bytes(path.read_bytes()) == sha256 else FileState.ALTERED
    except OSError:
        return FileState.GONE
