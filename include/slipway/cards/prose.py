"""``card.md``: the half of a card that a person writes, by its second-level headings.

Rules
-----
1. A heading that the card knows goes to the card's own section of that meaning; any other keeps its heading.
2. What is not written is said to be missing; nothing is made up for it.
3. HTML in the text is shown, never obeyed.
"""

from __future__ import annotations

import re

_HEADING = re.compile(r"^##\s+(.+?)\s*#*\s*$", re.MULTILINE)

PLACES = {
    "intended use": "Intended use",
    "factors": "Factors",
    "metrics": "Metrics",
    "data": "Training data",
    "training data": "Training data",
    "evaluation data": "Evaluation data",
    "ethics": "Ethical considerations",
    "ethical considerations": "Ethical considerations",
    "limits": "Caveats and recommendations",
    "caveats": "Caveats and recommendations",
    "caveats and recommendations": "Caveats and recommendations",
}
"""A heading of card.md, in lower case -> the section of the card that it belongs to."""


def parts_of(text: str) -> dict[str, str]:
    r"""Return the text below each second-level heading, by the card's section.

    >>> parts_of("# Churn\n## Limits\n- one country\n## History\nlong\n")
    {'Caveats and recommendations': '- one country', 'History': 'long'}
    """
    found: dict[str, str] = {}
    marks = [*_HEADING.finditer(text)]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):  # without a heading there is an end, and nothing to end
        body = text[mark.end() : end].strip()
        place = PLACES.get(mark[1].strip().lower(), mark[1].strip())
        if body:
            found[place] = f"{found[place]}\n\n{body}" if place in found else body
    return found


def to_html(text: str) -> str:
    """Return Markdown as HTML; HTML inside of it is escaped, and no picture is fetched."""
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(text))
