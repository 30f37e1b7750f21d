"""The card as Markdown: the same sections, tables and numbers as the page, for a repository or a wiki."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slipway.cards.card import Block, Card, Difference, FactList, Grid, Measured, Prose, Section
from slipway.core.verdict import Bound, Measurement
from slipway.reporting.release.headline import TITLES
from slipway.reporting.tables import number


def to_markdown(card: Card) -> str:
    """Return the whole card; the same card gives the same bytes."""
    figures = " · ".join(f"{name} **{_text(value)}**" for name, value in card.figures.items())
    lines = [f"# {_text(card.title)}", _text(card.lead), figures, *(_section(section) for section in card.sections)]
    return "\n\n".join(line for line in lines if line) + "\n"


def _section(section: Section) -> str:
    parts = [f"## {_text(section.title)}", *(_block(block) for block in section.blocks), _text(section.note)]
    return "\n\n".join(part for part in parts if part)


def _block(block: Block) -> str:
    match block:
        case Prose():
            return block.text
        case FactList():
            return "\n".join(f"- {_text(name)}: {_text(value)}" for name, value in block.items)
        case Measured():
            if not block.measurements:
                return _text(block.empty)
            header = ("Verdict", "Measurement", "Value", "Limit", "n", "Note")
            return _table(header, (_measured(m) for m in block.measurements), numeric=(2, 3, 4))
        case Grid():
            return _table(block.header, block.rows, numeric=block.numeric)
        case Difference():
            return _difference(block)


def _measured(m: Measurement) -> tuple[str, ...]:
    side = "" if m.threshold is None else "≤ " if m.bound is Bound.MAX else "≥ "
    limit = "" if m.threshold is None else side + number(float(m.threshold), m.unit)
    n = f"{m.n:,}" if m.n >= m.n_required else f"{m.n:,} of {m.n_required:,} needed"
    verdict = "recorded" if m.outcome is None else m.outcome.value
    return (verdict, m.name, number(m.value, m.unit), limit, n, m.note)


def _difference(block: Difference) -> str:
    rows = []
    for line in block.lines:
        change = line.here - line.there
        word = {True: " (better)", False: " (worse)", None: ""}[line.better]
        name = f"{line.name}, same rows" if line.same_rows else line.name
        shown = f"{'+' if change > 0 else ''}{number(float(change), line.unit)}{word}"
        both = (number(line.there, line.unit), number(line.here, line.unit))
        rows.append((name, TITLES[line.check.value], *both, shown))
    header = ("Measurement", "Gate", f"Version {block.other}", f"Version {block.version}", "Difference")
    return _table(header, rows, numeric=(2, 3, 4))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Iterable[int] = ()) -> str:
    right = set(numeric)
    marks = ["---:" if at in right else "---" for at in range(len(header))]
    lines = [header, marks, *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    r"""Return text so that Markdown shows it as it is.

    >>> print(_text("a|b\n*c* <d>"))
    a\|b \*c\* \<d>
    """
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_|<[]" else char for char in flat)
