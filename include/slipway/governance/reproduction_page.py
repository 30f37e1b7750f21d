"""The page of one reproduction: what was asked, what came of it, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from slipway.core.reproduction import AnswersCompared, ContentCompared, Reproduction
from slipway.reporting.page import card, page, tiles
from slipway.reporting.tables import measurement_table, number, table

_LEAD = (
    "Built a second time from the lock, the wheel cache and the artifact, each verified by digest, without network and "
    "without anything that was built before; then asked its golden rows."
)
_TONES: Mapping[bool | None, str] = {True: "good", False: "bad", None: ""}


def render(result: Reproduction) -> str:
    """Return the page of a result."""
    parts = [
        tiles(_figures(result)),
        card("Why", f"<p>{escape(result.problem)}</p>") if result.problem else "",
        card("What decided", measurement_table(result.measurements())),
        "" if result.answers is None else _answers(result.answers),
        "" if result.content is None else _content(result.content),
        card("What was used", _facts(result)),
    ]
    return page("Reproduction", result.subject, parts, outcome=result.verdict.outcome, lead=_LEAD)


def _figures(result: Reproduction) -> list[tuple[str, object, str]]:
    content, answers = result.content, result.answers
    identical = None if content is None else content.identical
    designed = content is not None and bool(content.other_base)
    same = None if answers is None else answers.changed == 0
    return [
        ("built again", "yes" if result.rebuilt else "no", _TONES[result.rebuilt]),
        ("content", "another base" if designed else _word(identical), "" if designed else _TONES[identical]),
        ("answers", _word(same), _TONES[same]),
        ("golden rows", 0 if answers is None else answers.rows, ""),
        ("took", f"{result.seconds:.0f} s", ""),
    ]


def _word(same: bool | None) -> str:
    return {True: "identical", False: "different", None: "not compared"}[same]


def _answers(answers: AnswersCompared) -> str:
    if not answers.changed:
        return card("Answers", f"<p>All {answers.rows} answers are the same to the last bit.</p>")
    rows = [
        (
            str(one.row),
            f"<code>{escape(repr(one.before))}</code>",
            f"<code>{escape(repr(one.after))}</code>",
            number(one.difference),
            number(one.relative),
            number(one.ulps),
        )
        for one in answers.examples
    ]
    header = ("Golden row", "Before", "Now", "Difference", "Relative", "Units in the last place")
    note = (
        f"{answers.changed} of {answers.rows} differ: by at most {answers.max_difference:.3g}, "
        f"relatively {answers.max_relative:.3g}, {answers.max_ulps} units in the last place."
    )
    return card("Answers", table(header, rows, numeric=(0, 3, 4, 5)), note=note)


def _content(content: ContentCompared) -> str:
    facts = {"before": content.before or "not known", "now": content.after or "not known"}
    digests = table((), [(escape(key), f"<code>{escape(value)}</code>") for key, value in facts.items()])
    said = f"Compared with {content.by}." if content.by else "There is nothing left to compare with."
    if content.other_base:
        said += f" Built on {content.other_base} on purpose, so that the content differs by design."
    shown = table(("What differs",), [(f"<code>{escape(path)}</code>",) for path in content.paths])
    more = (content.changed or 0) - len(content.paths)
    rest = f"<p>and {more:,} more</p>" if more > 0 else ""
    return card("Content", digests, shown if content.paths else "", rest, note=said)


def _facts(result: Reproduction) -> str:
    facts = {
        "artifact": result.subject.artifact_sha256,
        "first image": result.subject.image_digest or "",
        "second image (removed)": result.image or "none",
        "runtime": result.runtime,
        **{f"note {number}": note for number, note in enumerate(result.notes, start=1)},
    }
    return table((), [(escape(key), f"<code>{escape(value)}</code>") for key, value in facts.items()])
