"""Small self-contained HTML pages: one shell, tables, cards and verdict chips. No script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from slipway.core.verdict import Bound, Measurement, Outcome

STYLE = """
:root{--ink:#1b2430;--soft:#5d6b7c;--line:#e3e8ee;--ground:#f5f7fa;--good:#17794a;--bad:#b3261e;--unsure:#8a5a00}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:16px;margin:0 0 12px}
h1 .chip{font-size:15px;vertical-align:3px;margin-left:8px}
a{color:#2f6fb3}
.lead{color:var(--soft);margin:0 0 20px}
.card{background:#fff;border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:0 0 18px;overflow-x:auto}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 18px}
.tile{background:#fff;border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:23px;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:14px}
.grid figure,.row figure{margin:0}.row{display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start}
figcaption{font-size:12px;color:var(--soft)}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-size:12px;color:var(--soft);font-weight:600;border-bottom:1px solid var(--line)}
th{padding:6px 10px}
td{border-bottom:1px solid var(--line);padding:7px 10px;vertical-align:top}
tr:last-child td{border-bottom:0}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:12px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:break-word}
details{margin-top:10px}summary{cursor:pointer;color:#2f6fb3}
.small{color:var(--soft);font-size:12px}
.chip{display:inline-block;border-radius:99px;padding:1px 10px;font-size:12px;font-weight:600;white-space:nowrap}
.PASSED{background:#e2f4ea;color:var(--good)}.FAILED{background:#fde8e6;color:var(--bad)}
.INCONCLUSIVE,.QUARANTINED{background:#fdf1d8;color:var(--unsure)}.WARNING{background:#eef1f5;color:#44505f}
.recorded{background:#eef1f5;color:var(--soft)}
"""


def page(title: str, lead: str, parts: Iterable[str], *, outcome: Outcome | None = None) -> str:
    """Return a whole HTML document; ``parts`` are HTML already, ``title`` and ``lead`` are text."""
    body = "\n".join(part for part in parts if part)
    verdict = "" if outcome is None else " " + outcome_chip(outcome)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f'<body><main><h1>{escape(title)}{verdict}</h1><p class="lead">{escape(lead)}</p>\n{body}\n'
        "</main></body></html>\n"
    )


def card(heading: str, *parts: str, note: str = "") -> str:
    """Return a titled box around HTML parts; ``note`` is text."""
    said = f'<p class="small">{escape(note)}</p>' if note else ""
    return f'<section class="card"><h2>{escape(heading)}</h2>{"".join(parts)}{said}</section>'


def tiles(pairs: Iterable[tuple[str, object]]) -> str:
    """Return a line of figures, each with its name."""
    shown = (f'<div class="tile"><b>{escape(number(v))}</b><span>{escape(k)}</span></div>' for k, v in pairs)
    return f'<div class="tiles">{"".join(shown)}</div>'


def chip(word: str) -> str:
    """Return a coloured chip; the colour follows from the word."""
    return f'<span class="chip {escape(word)}">{escape(word)}</span>'


def outcome_chip(outcome: Outcome | None) -> str:
    """Return the chip of a verdict; a measurement without a threshold is only recorded."""
    return chip("recorded" if outcome is None else outcome.value)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Iterable[int] = ()) -> str:
    """Return a table; header cells are text, body cells are HTML, ``numeric`` names right-aligned columns."""
    right = set(numeric)

    def line(cells: Sequence[str], tag: str) -> str:
        marks = (' class="num"' if at in right else "" for at in range(len(cells)))
        return (
            "<tr>" + "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True)) + "</tr>"
        )

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line([escape(h) for h in header], 'th')}</thead><tbody>{body}</tbody></table>"


def measurement_table(measurements: Iterable[Measurement]) -> str:
    """Return measurements with thresholds and verdicts, those that stop the release first."""
    order = {Outcome.FAILED: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASSED: 2, None: 3}
    rows = [
        (
            outcome_chip(m.outcome),
            f"<code>{escape(m.name)}</code>",
            escape(number(m.value, m.unit)),
            escape(_limit(m)),
            str(m.n) if m.n >= m.n_required else f"{m.n} of {m.n_required}",
            f'<span class="small">{escape(m.note)}</span>',
        )
        for m in sorted(measurements, key=lambda m: order[m.outcome])
    ]
    return table(("Verdict", "Measurement", "Value", "Limit", "n", "Note"), rows, numeric=(2, 3, 4))


def number(value: object, unit: str = "1") -> str:
    """Return a number as a person reads it, with its unit if it has one; other things as text.

    >>> number(0.123456789), number(None, "ms"), number(12, "rows")
    ('0.1235', '-', '12 rows')
    """
    if value is None:
        return "-"
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return shown if unit == "1" else f"{shown} {unit}"


def _limit(measurement: Measurement) -> str:
    if measurement.threshold is None:
        return ""
    side = "≤" if measurement.bound is Bound.MAX else "≥"
    return f"{side} {number(float(measurement.threshold), measurement.unit)}"
