"""Versions against gates: one cell each, its values beside their limits on hover and on focus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from slipway.core.evidence import Check
from slipway.core.retention import Stage
from slipway.core.verdict import Bound, Outcome
from slipway.fleet.frame import ago, digest, link, report_address, when
from slipway.fleet.rows import Row
from slipway.fleet.values import Cell, Known, Number
from slipway.reporting.tables import chip, number

_MARKS = {Outcome.PASSED.value: "✓", Outcome.FAILED.value: "✕", Outcome.INCONCLUSIVE.value: "?"}


def matrix(row: Row, cells: Sequence[Cell], cards: Mapping[int, str], versions: Sequence[int]) -> str:
    """Return the table: a line for each of ``versions``, a column for each gate, then digests and documents."""
    found = {(cell.version, cell.check): cell for cell in cells}
    head = "".join(
        f'<th scope="col">{escape(name)}</th>'
        for name in ("version", *(check.value.replace("_", " ") for check in Check), "artifact", "image", "documents")
    )
    body = "".join(_line(row, version, found, cards.get(version, "")) for version in versions)
    return f'<table class="matrix"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _line(row: Row, version: int, found: Mapping[tuple[int, str], Cell], model_card: str) -> str:
    known = row.summary.versions[version]
    gates = "".join(f"<td>{_cell(found.get((version, check.value)), check)}</td>" for check in Check)
    since = f'<span class="sub">{ago(known.since, row.at)}</span>'
    return (
        f'<tr><th scope="row">v{version}{_marks(row, version, known)}{since}</th>{gates}'
        f"<td>{digest(known.artifact_sha256)}</td><td>{digest(known.image_digest)}</td>"
        f"<td>{_documents(known, model_card)}</td></tr>"
    )


def _marks(row: Row, version: int, known: Known) -> str:
    live = row.summary.live
    marks = [chip("champion", "PASSED")] if row.champion == version else []
    marks += [chip("serves")] if live is not None and live.version == version else []
    marks += [chip("archived", "recorded")] if known.stage is not Stage.PRESENT else []
    marks += [chip("held", "recorded")] if known.held else []
    return " " + " ".join(marks) if marks else ""


def _documents(known: Known, model_card: str) -> str:
    found = [link(report_address(known.page), "release")] if known.page else []
    found += [link(report_address(model_card), "card")] if model_card else []
    return " · ".join(found) or '<span class="none">-</span>'


def _cell(cell: Cell | None, check: Check) -> str:
    if cell is None:
        return '<span class="gate absent" title="no evidence">·</span>'
    mark = _MARKS.get(cell.outcome, "·")
    said = escape(f"{check.value} {cell.outcome}, version {cell.version}")
    inside = f'{mark}<span class="tip" hidden>{_tip(cell)}</span>'
    if not cell.report:
        return f'<span class="gate {escape(cell.outcome)}" tabindex="0" aria-label="{said}">{inside}</span>'
    address = escape(report_address(cell.report))
    return f'<a class="gate {escape(cell.outcome)}" href="{address}" aria-label="{said}">{inside}</a>'


def _tip(cell: Cell) -> str:
    head = f"<b>{escape(cell.check)}</b> {chip(cell.outcome)} <small>{when(cell.at)} · entry {cell.seq:,}</small>"
    reason = f'<p class="problem">{escape(cell.reason)}</p>' if cell.reason else ""
    rows = "".join(_number(one) for one in cell.numbers)
    more = f"<small>and {cell.more:,} more that were held against a limit</small>" if cell.more else ""
    return f"{head}{reason}<table><tbody>{rows}</tbody></table>{more}"


def _number(one: Number) -> str:
    side = "≤" if one.bound == Bound.MAX.value else "≥"
    value = "not measured" if one.value is None else number(one.value, one.unit)
    return (
        f'<tr><td class="mark {escape(one.outcome)}">{_MARKS.get(one.outcome, "·")}</td><td>{escape(one.name)}</td>'
        f'<td class="num">{escape(value)}</td><td class="num">{side} {escape(number(one.threshold, one.unit))}</td>'
        f'<td class="num">n={one.n:,}</td></tr>'
    )
