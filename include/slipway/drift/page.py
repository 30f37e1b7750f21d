"""The drift report: the verdict first, then the columns, most evidence first, each beside its reference."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from slipway.core.identity import Subject
from slipway.core.verdict import Measurement, Outcome
from slipway.drift.distance import Check
from slipway.drift.plots import beside, evidence
from slipway.drift.result import ColumnDrift, DriftResult
from slipway.drift.tables import Kind
from slipway.reporting.page import card, own_file, page, tiles
from slipway.reporting.tables import chip, measurement_table, number, table

SHOWN = 30
HEADER = ("Column", "Reference and window", "Distance", "Threshold", "Evidence", "Seen", "Finds 95 in 100")
METHOD = (
    "Each threshold is what resampled windows of the reference stay below. One alarm is counted for the whole run, "
    "over all columns and checks, so that adding columns does not add alarms. Evidence is the distance in units of its "
    "threshold; the mark is 1."
)
NAMES = {Check.DISTRIBUTION: "distribution", Check.VALUE: "one value", Check.MISSING: "missing"}


def drift_page(
    result: DriftResult, subject: Subject, *, window: str, evidently: str | None = None, title: str = "Drift"
) -> str:
    """Return the report as a self-contained HTML document.

    Parameters
    ----------
    result : DriftResult
    subject : Subject
        The version that was watched.
    window : str
        What was compared, for instance ``2026-11-23``; text.
    evidently : str, optional
        The file name of Evidently's report beside this one.
    title : str
    """
    other = (
        f'<p><a href="{escape(evidently)}">Evidently\'s report</a> of a sample of the same rows.</p>'
        if evidently
        else ""
    )
    parts = [
        _figures(result),
        _listed("What could not be told", [m for m in result.measurements if m.outcome is Outcome.INCONCLUSIVE]),
        _listed("Performance", [m for m in result.measurements if m.name == "drift.performance"]),
        _columns(result.columns),
        card("How the thresholds were set", _method(result), other, note=METHOD),
        card("All measurements", f"<details><summary>Show</summary>{measurement_table(result.measurements)}</details>"),
    ]
    lead = f"{window}: {result.sentence}"
    css = own_file(__file__, "page.css")
    return page(title, subject, parts, outcome=result.outcome, lead=lead, css=css, wide=True)


def _figures(result: DriftResult) -> str:
    details, drifted = result.details, result.drifted
    shifts = sorted(c.shift_found for c in result.columns if c.shift_found is not None and c.kind is Kind.NUMBER)
    found = number(shifts[len(shifts) // 2], "sd") if shifts else "-"
    return tiles(
        [
            ("rows in the window", details.get("rows", 0)),
            ("rows in the reference", details.get("reference_rows", 0)),
            ("columns compared", len(result.columns)),
            ("measurements past their threshold", len(drifted), "bad" if drifted else "good"),
            ("false alarms a month, at most", details.get("false_alarms_per_month")),
            ("shift found 95 times in 100", found),
        ]
    )


def _listed(heading: str, measurements: Sequence[Measurement]) -> str:
    return card(heading, measurement_table(measurements)) if measurements else ""


def _columns(columns: Sequence[ColumnDrift]) -> str:
    if not columns:
        return ""
    first = table(HEADER, [_row(column) for column in columns[:SHOWN]], numeric=(2, 3))
    rest = table(HEADER, [_row(column) for column in columns[SHOWN:]], numeric=(2, 3))
    more = f"<details><summary>{len(columns) - SHOWN} more</summary>{rest}</details>" if columns[SHOWN:] else ""
    legend = '<p class="small">Grey: the reference. Blue line: this window. Most evidence first.</p>'
    return card("Columns", legend, f'<div class="columns">{first}{more}</div>')


def _row(column: ColumnDrift) -> tuple[str, ...]:
    worst = column.worst
    unit = "sd" if worst.check is Check.DISTRIBUTION and column.kind is Kind.NUMBER else "1"
    name = f"<code>{escape(column.measured)}</code><br>"
    mark = chip("FAILED") if worst.evidence > 1 else '<span class="small">quiet</span>'
    before, now = column.pictured
    below = "".join(f"<span>{escape(end)}</span>" for end in column.ends)
    return (
        name + mark,
        f'{beside(before, now)}<div class="ends">{below}</div>',
        escape(number(worst.value, unit)),
        escape(number(worst.limit, unit)),
        f'{evidence(worst.evidence)}<span class="small">{worst.evidence:.2f} ({NAMES[worst.check]})</span>',
        f'<div class="said small">{escape(column.seen)}</div>',
        f'<span class="small">{escape(_power(column))}</span>',
    )


def _power(column: ColumnDrift) -> str:
    """Return the smallest drift that is found, in words."""
    if column.shift_found is None:
        shift = "no shift"
    elif column.kind is Kind.NUMBER:
        shift = f"shift of {column.shift_found:.2g} sd"
    else:
        shift = f"{100 * column.shift_found:.2g} % of the rows changing"
    return shift if column.missing_found is None else f"{shift}; {100 * column.missing_found:.2g} % going missing"


def _method(result: DriftResult) -> str:
    details = result.details
    if "draws" not in details:
        return "<p>Nothing was calibrated.</p>"
    days = details["reference_days"]
    drawn = f"{details['draws']:,} resampled windows of {details['calibrated_rows']:,} rows, seed {details['seed']}"
    kept = f"allowing for the differences between {days} reference days" if days else "rows taken as independent"
    tail = " The quantile was extrapolated from an exponential tail." if details["extrapolated"] else ""
    said = [f"{drawn}, {kept}.{tail}", details["power"]]
    rows = details.get("sampling", {})
    if rows and rows["used"] < rows["rows"]:
        error = f"a share is off by {100 * rows['share_error']:.2g} points at most, 95 times in 100"
        said.append(f"{rows['used']:,} of {rows['rows']:,} rows, a stratified sample, for the time budget: {error}.")
    return "".join(f"<p>{escape(line)}</p>" for line in said if line)
