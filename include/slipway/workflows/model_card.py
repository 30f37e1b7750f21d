"""The model card of one version: gathered from ledger, registry and folder, written, and bound to its release.

Rules
-----
1. A champion is compared with the one that it replaced, any other version with the champion.
2. The card speaks of the bytes that the gates judged. Where the registry holds others now, it says so and reads none.
3. At the end of a release's gates the card is written before anybody is asked to approve: beside the reports, in the
   registry with the version, its digests in the ledger. Where that fails nobody is asked.
4. The same evidence and files give the same card: asking again writes nothing new.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.cards import Card, CardFacts, DataFacts, Rival, build_card, read_data, to_html, to_markdown
from slipway.core.cardformat import CardFormat
from slipway.core.evidence import Check, Dossier, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.errors import EvidenceError, SlipwayError
from slipway.ledger.entries import EntryKind
from slipway.specs import model_folder
from slipway.workflows.release import Release
from slipway.workflows.release_report import publish_release_report
from slipway.workflows.standing import CHAMPION, DETAIL, recorded
from slipway.workflows.workbench import Workbench

STEM = "card"
PROSE = "card.md"


def model_card(bench: Workbench, model: str, *, version: int | None = None) -> Card:
    """Return the card of a version: of the one that is named, else of the champion, else of the newest.

    Raises
    ------
    VersionNotFound
        If neither the ledger nor the registry knows the version.
    """
    wanted = version or _champion(bench, model) or bench.registry.latest_version(model)
    evidence = bench.ledger.evidence(model, wanted)
    subject = _judged(evidence) if evidence else bench.registry.files(model, wanted).subject
    return build_card(_facts(bench, Dossier.of(subject, evidence)))


def write_card(bench: Workbench, card: Card, *, form: CardFormat = CardFormat.HTML) -> Path:
    """Write a card beside the version's reports, as it is now, and return where it is."""
    subject = card.subject
    path = bench.settings.reports / subject.model / f"v{subject.version}" / f"{STEM}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form is CardFormat.PDF:
        from slipway.runtime.paper import print_page

        print_page(to_html(card), path)
    else:
        path.write_bytes(_texts(card)[path.name])
    return path


def publish_card(bench: Workbench, release: Release, dossier: Dossier) -> str:
    """Write the card of a release whose gates have passed, bind it to the release, and return the page's path.

    Parameters
    ----------
    dossier : Dossier
        All evidence on what is to be approved.

    Returns
    -------
    str
        Below the reports folder.
    """
    subject = dossier.subject
    texts = _texts(build_card(_facts(bench, dossier)))
    folder = bench.settings.reports / subject.model / f"v{subject.version}" / release.slug
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in texts.items():
        (folder / name).write_bytes(data)
    where = folder.relative_to(bench.settings.reports).as_posix()
    reports = [
        Report(path=f"{where}/{name}", sha256=digest_bytes(data), title="Model card") for name, data in texts.items()
    ]
    if _recorded(bench, release, subject) != [report.to_json() for report in reports]:
        _store(bench, release, subject, texts)
        _record(bench, release, subject, reports)
        publish_release_report(bench, release.model, release=release.id, store=False)
    return reports[0].path


def _texts(card: Card) -> dict[str, bytes]:
    return {f"{STEM}.html": to_html(card).encode(), f"{STEM}.md": to_markdown(card).encode()}


def _recorded(bench: Workbench, release: Release, subject: Subject) -> Any:
    entries = bench.ledger.entries(model=subject.model, version=subject.version, kinds=[EntryKind.CARD])
    mine = [entry for entry in entries if entry.payload["release"] == release.id]
    return mine[-1].payload["reports"] if mine else None


def _record(bench: Workbench, release: Release, subject: Subject, reports: list[Report]) -> None:
    bench.ledger.append(
        EntryKind.CARD,
        model=subject.model,
        version=subject.version,
        actor=release.requester,
        payload={
            "release": release.id,
            "subject": subject.to_json(),
            "reports": [report.to_json() for report in reports],
        },
    )


def _store(bench: Workbench, release: Release, subject: Subject, texts: Mapping[str, bytes]) -> None:
    files = bench.registry.files(subject.model, subject.version)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in texts.items():
            (Path(folder) / name).write_bytes(data)
        bench.registry.log_reports(files.run_id, Path(folder), artifact_path=f"slipway/{release.slug}")


def _judged(evidence: list[Evidence]) -> Subject:
    """Return the newest bytes that were judged, with the image where one was."""
    last = evidence[-1].subject
    images = [e.subject for e in evidence if e.subject.artifact_sha256 == last.artifact_sha256]
    return next((subject for subject in reversed(images) if subject.image_digest), last)


def _champion(bench: Workbench, model: str) -> int | None:
    known = recorded(bench, model)
    return bench.registry.alias(model, CHAMPION) if known is None else known.version


def _facts(bench: Workbench, dossier: Dossier) -> CardFacts:
    subject, latest = dossier.subject, dossier.latest()
    data, problem = _data(bench, subject)
    prose = model_folder(bench.settings, subject.model) / PROSE
    return CardFacts(
        spec=bench.spec(subject.model),
        subject=subject,
        evidence=latest,
        rival=_rival(bench, subject, latest.get(Check.EVALUATE)),
        data=data,
        data_problem=problem,
        metrics=_metrics(bench, subject),
        prose=prose.read_text(encoding="utf-8") if prose.is_file() else "",
    )


def _rival(bench: Workbench, subject: Subject, evaluation: Evidence | None) -> Rival | None:
    version, role = _champion(bench, subject.model), "champion"
    if version == subject.version:
        promotions = bench.ledger.entries(model=subject.model, version=version, kinds=[EntryKind.PROMOTION])
        replaced = [e.payload.get("before") for e in promotions if e.payload.get("before") not in (None, version)]
        version, role = (replaced[-1] if replaced else None), "previous champion"
    if version is None:
        return None
    evidence = bench.ledger.evidence(subject.model, version)
    seen = {} if evaluation is None else evaluation.details.get(DETAIL) or {}
    theirs = Dossier.of(_judged(evidence), evidence).latest().values() if evidence else ()
    return Rival(
        version=version,
        role=role,
        evidence=tuple(theirs),
        data=_data(bench, _judged(evidence))[0] if evidence else None,
        same_rows=seen.get("version") == version,
    )


def _data(bench: Workbench, subject: Subject) -> tuple[DataFacts | None, str]:
    """Return the facts of a version's snapshot, or why there are none."""
    try:
        files = bench.registry.files(subject.model, subject.version)
        if files.subject.artifact_sha256 != subject.artifact_sha256:
            raise EvidenceError(
                f"the registry's files are {files.subject.artifact_sha256[7:19]} now, "
                f"the gates judged {subject.artifact_sha256[7:19]}",
                remedy="restore the artifact in the registry",
            )
        return read_data(files, bench.spec(subject.model)), ""
    except SlipwayError as error:
        return None, error.reason


def _metrics(bench: Workbench, subject: Subject) -> Mapping[str, float]:
    try:
        return bench.registry.metrics(bench.registry.files(subject.model, subject.version).run_id)
    except SlipwayError as error:
        bench.say(f"the card goes without what the training run logged: {error.reason}")
        return {}
