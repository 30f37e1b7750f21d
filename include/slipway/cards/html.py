"""The card as one self-contained page, in the looks of every other report, and fit for paper."""

from __future__ import annotations

from html import escape

from slipway.cards.card import Block, Card, Difference, FactList, Grid, Measured, Prose, Section
from slipway.cards.prose import to_html as prose_html
from slipway.reporting.page import card as box
from slipway.reporting.page import own_file, page, tiles
from slipway.reporting.release.compare import Compared
from slipway.reporting.release.headline import TITLES
from slipway.reporting.tables import measurement_table, number, table


def to_html(card: Card) -> str:
    """Return the whole page; the same card gives the same bytes."""
    parts = [tiles(card.figures.items()), *(_section(section) for section in card.sections)]
    return page("Model card", card.subject, parts, lead=card.lead, css=own_file(__file__, "card.css"))


def _section(section: Section) -> str:
    return box(section.title, *(_block(block) for block in section.blocks), note=section.note)


def _block(block: Block) -> str:
    match block:
        case Prose():
            return f'<div class="prose">{prose_html(block.text)}</div>'
        case FactList():
            lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in block.items)
            return f"<dl>{lines}</dl>"
        case Measured():
            if not block.measurements:
                return f'<p class="small">{escape(block.empty)}</p>' if block.empty else ""
            return measurement_table(block.measurements)
        case Grid():
            return table(block.header, [[escape(cell) for cell in row] for row in block.rows], numeric=block.numeric)
        case Difference():
            return _difference(block)


def _difference(block: Difference) -> str:
    rows = [
        (
            f"<code>{escape(line.name)}</code>{' <small>same rows</small>' if line.same_rows else ''}",
            escape(TITLES[line.check.value]),
            escape(number(line.there, line.unit)),
            escape(number(line.here, line.unit)),
            f'<span class="{_tone(line)}">{escape(_change(line))}</span>',
        )
        for line in block.lines
    ]
    header = ("Measurement", "Gate", f"Version {block.other}", f"Version {block.version}", "Difference")
    return table(header, rows, numeric=(2, 3, 4))


def _tone(line: Compared) -> str:
    return {True: "up", False: "down", None: "same"}[line.better]


def _change(line: Compared) -> str:
    change = line.here - line.there
    sign = "+" if change > 0 else "-" if change < 0 else ""
    word = {True: " better", False: " worse", None: ""}[line.better]
    return f"{sign}{number(float(abs(change)), line.unit)}{word}"
