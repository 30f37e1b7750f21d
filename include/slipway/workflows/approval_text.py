"""The words of the question: what is asked, on which bytes, what each gate found, and who may answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slipway.core.approval import Given, Place
from slipway.core.evidence import Dossier, Evidence
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Measurement
from slipway.workflows.release import Release
from slipway.workflows.release_report import report_path

REPORTS = "/slipway/reports"  # where Airflow serves the report files


def question_text(
    dossier: Dossier,
    release: Release,
    spec: ModelSpec,
    *,
    champion: int | None,
    place: Place | None,
    given: Sequence[Given],
) -> str:
    """Return the whole question as Markdown; without a ``place`` nobody is asked, and it is the summary."""
    page = report_path(release.model, dossier.subject.version, release.id)
    told = summary(dossier, release, spec=spec, champion=champion)
    told += f"\n\n[The whole release on one page]({REPORTS}/{page})"
    return told if place is None else f"{told}\n\n{rules(place, release, given)}"


def summary(dossier: Dossier, release: Release, *, spec: ModelSpec, champion: int | None) -> str:
    """Return the evidence as Markdown: what is asked, on which bytes, what each gate found."""
    subject = dossier.subject
    lines = [
        f"**{subject.model} version {subject.version}** asks to become champion "
        + (f"in place of version {champion}." if champion else "(there is none yet)."),
        "",
        f"{spec.purpose}",
        "",
        f"Risk tier **{spec.risk_tier}** · requested by {as_typed(release.requester)} · "
        f"reason: {as_typed(release.reason) if release.reason else 'none given'}",
        "",
        f"Artifact `{subject.artifact_sha256}`  ",
        f"Image `{subject.image_digest}`",
        "",
        "| gate | verdict | what it measured |",
        "|---|---|---|",
    ]
    lines += [_row(evidence) for evidence in dossier.latest().values()]
    return "\n".join(lines)


def _row(evidence: Evidence) -> str:
    judged = [m for m in evidence.measurements if m.outcome is not None]
    # Airflow shows no HTML in Markdown: a <br> would vanish and run the sentences together.
    shown = [_short(m) for m in judged[:4]] + ([f"and {len(judged) - 4} more"] if len(judged) > 4 else [])
    page = next((report.path for report in evidence.reports if report.path.endswith(".html")), None)
    gate = f"[{evidence.check}]({REPORTS}/{page})" if page else evidence.check
    return f"| {gate} | {evidence.outcome} | {' · '.join(shown)} |"


def _short(measurement: Measurement) -> str:
    return re.sub(r"([|\[\]`*])", r"\\\1", " ".join(measurement.sentence().split(";")[0].split()))


def as_typed(text: str) -> str:
    """Return what somebody typed as Markdown shows it, whatever it holds: nobody writes their own gates' table."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"


def rules(place: Place, release: Release, given: Sequence[Given]) -> str:
    """Return, as Markdown, who may answer and what an answer needs."""
    before = ", ".join(as_typed(one.by) for one in given)
    lines = [f"Answered by **{as_typed(str(place))}**, and not by {as_typed(release.requester)}, who asked for it."]
    if place.number > 1:
        lines = [f"**Second approval**, after {before}: another person has to agree.", *lines]
    lines.append(
        "A rejection needs a comment. An answer that does not count is recorded, and the question is asked again; "
        "the task's log says why."
    )
    return "  \n".join(lines)
