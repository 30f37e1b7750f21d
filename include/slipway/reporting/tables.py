"""Tables, chips and numbers as a report shows them. What is named text here is escaped; what is named HTML is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import shorten

MAX_NOTE = 300


def chip(word: str, tone: str = "") -> str:
    """Return a chip; its colour follows from ``tone``, an outcome's name, else from the word itself.

    >>> chip("all as expected", "PASSED")
    '<span class="chip PASSED">all as expected</span>'
    """
    return f'<span class="chip {escape(tone or word)}">{escape(word)}</span>'


def outcome_chip(outcome: Outcome | None) -> str:
    """Return the chip of a verdict; a measurement without a threshold is only recorded."""
    return chip("recorded" if outcome is None else outcome.value)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Iterable[int] = ()) -> str:
    """Return a table; header cells are text, body cells are HTML, ``numeric`` names right-aligned columns.

    An empty header makes a table without one.
    """
    right = set(numeric)
    head = f"<thead>{_line([escape(cell) for cell in header], 'th', right)}</thead>" if header else ""
    body = "".join(_line(row, "td", right) for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def measurement_table(measurements: Iterable[Measurement]) -> str:
    """Return measurements with thresholds and verdicts, those that stop the release first."""
    order = {Outcome.FAILED: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASSED: 2, None: 3}
    rows = [
        (
            outcome_chip(m.outcome),
            f"<code>{escape(m.name)}</code>",
            escape(number(m.value, m.unit)),
            escape(_limit(m)),
            f"{m.n:,}" if m.n >= m.n_required else f"{m.n:,} of {m.n_required:,} needed",
            f'<span class="small">{escape(shorten(m.note, MAX_NOTE))}</span>',
        )
        for m in sorted(measurements, key=lambda m: order[m.outcome])
    ]
    return table(("Verdict", "Measurement", "Value", "Limit", "n", "Note"), rows, numeric=(2, 3, 4))


def number(value: object, unit: str = "1") -> str:
    """Return a number as a person reads it, with its unit if it has one; other things as text.

    >>> number(0.123456789), number(12345.678), number(3.0), number(None, "ms"), number(1200, "rows")
    ('0.1235', '12,346', '3', '-', '1,200 rows')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        shown = f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    else:
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return shown if unit in ("", "1") else f"{shown} {unit}"


def _limit(measurement: Measurement) -> str:
    if measurement.threshold is None:
        return ""
    side = "≤" if measurement.bound is Bound.MAX else "≥"
    return f"{side} {number(float(measurement.threshold), measurement.unit)}"


def _line(cells: Sequence[str], tag: str, right: set[int]) -> str:
    marks = (' class="num"' if at in right else "" for at in range(len(cells)))
    return "<tr>" + "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True)) + "</tr>"
