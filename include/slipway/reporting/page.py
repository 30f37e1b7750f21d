"""One self-contained HTML page: heading with subject and verdict, figures, cards. Nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from slipway.core.identity import Subject
from slipway.core.verdict import Outcome
from slipway.reporting.tables import number, outcome_chip


def page(
    title: str,
    subject: Subject,
    parts: Iterable[str],
    *,
    outcome: Outcome | None = None,
    lead: str = "",
    css: str = "",
    script: str = "",
    wide: bool = False,
) -> str:
    """Return a whole HTML document that names what it is about.

    Parameters
    ----------
    title : str
        What the report shows, for instance ``Load test``; text.
    subject : Subject
        Its model and version stand in the heading, its digests below.
    parts : iterable of str
        HTML; empty parts are left out.
    outcome : Outcome, optional
        The verdict beside the heading.
    lead : str
        The sentence to read first; text.
    css, script : str
        What this report needs beyond the base, as written in a file of its own.
    wide : bool
        Whether the page needs more than a text's width.
    """
    heading = f"{title}: {subject.model} version {subject.version}"
    verdict = "" if outcome is None else " " + outcome_chip(outcome)
    shown = [
        f"<h1>{escape(heading)}{verdict}</h1>",
        f'<p class="digests">{_digests(subject)}</p>',
        f'<p class="lead">{escape(lead)}</p>' if lead else "",
        *parts,
    ]
    return document(heading, shown, css=css, script=script, wide=wide)


def document(title: str, parts: Iterable[str], *, css: str = "", script: str = "", wide: bool = False) -> str:
    """Return a whole HTML document in the base's looks, with a title for its window and nothing above its parts.

    Parameters
    ----------
    title : str
        Text.
    parts : iterable of str
        HTML; empty parts are left out.
    css, script, wide
        As of :func:`page`.
    """
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style(css)}</style>"
    )
    main = "\n".join(part for part in parts if part)
    opened = '<main class="wide">' if wide else "<main>"
    code = f"<script>{script}</script>" if script else ""
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{opened}\n{main}\n</main>{code}</body></html>\n'
    )


def style(css: str = "") -> str:
    """Return a page's whole style sheet: the base's, then ``css``; what a policy that names it by digest needs."""
    return own_file(__file__, "base.css") + css


def own_file(module: str, name: str) -> str:
    """Return the text of a file beside a module: its style sheet or script; ``module`` is its ``__file__``."""
    return Path(module).with_name(name).read_text(encoding="utf-8")


def card(heading: str, *parts: str, note: str = "") -> str:
    """Return a titled box around HTML parts; ``note`` is text."""
    said = f'<p class="small">{escape(note)}</p>' if note else ""
    return f'<section class="card"><h2>{escape(heading)}</h2>{"".join(parts)}{said}</section>'


def tiles(figures: Iterable[tuple[str, object] | tuple[str, object, str]]) -> str:
    """Return a line of figures, each with its name and, if it has one, its tone: ``good`` or ``bad``.

    >>> tiles([("rows", 1200), ("failed", 3, "bad")])
    '<div class="tiles"><div class="tile"><b>1,200</b><span>rows</span></div><div class="tile bad"><b>3</b>\
<span>failed</span></div></div>'
    """
    shown = []
    for name, value, *tone in figures:
        classes = " ".join(["tile", *filter(None, tone)])
        shown.append(f'<div class="{escape(classes)}"><b>{escape(number(value))}</b><span>{escape(name)}</span></div>')
    return f'<div class="tiles">{"".join(shown)}</div>'


def _digests(subject: Subject) -> str:
    found = {"artifact": subject.artifact_sha256, "image": subject.image_digest}
    return " · ".join(f"{name} <code>{digest[7:19]}</code>" for name, digest in found.items() if digest)
