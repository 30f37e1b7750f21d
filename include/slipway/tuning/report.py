"""The tuning's report: the frontier as a picture, what decided, every configuration."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from slipway.core.identity import Subject
from slipway.core.spec import Objectives
from slipway.core.verdict import Measurement, Outcome
from slipway.reporting.page import card, own_file, page, tiles
from slipway.reporting.tables import chip, measurement_table, number, table
from slipway.tuning.candidates import DEFAULT, name, simplicity
from slipway.tuning.choose import MARGIN, Choice, standing
from slipway.tuning.picture import picture
from slipway.tuning.points import Point
from slipway.tuning.search import Searched

HEADER = (
    "",
    "Configuration",
    "",
    "Requests/s",
    "of the default",
    "p50",
    "p95",
    "p99",
    "Errors",
    "Refused",
    "Wrong",
    "n",
)
PICTURE_NOTE = (
    "Up is more throughput with a few connections that never pause, left is a shorter p99 at the arrival rate. A bar "
    "is the spread of the repeats; a hollow dot was measured once, while screening. The line joins what no other "
    "configuration beats in both. Numbers are those of the table; refused: a 429 or 503 at saturation."
)


def render(
    subject: Subject,
    *,
    choice: Choice,
    found: Searched,
    best: Sequence[Point],
    objectives: Objectives,
    measurements: Sequence[Measurement],
    outcome: Outcome,
) -> str:
    """Return the report as one self-contained HTML page."""
    ordered = sorted([*found.points, *found.screened], key=lambda p: simplicity(p.options))
    default = next(p for p in found.points if p.options == DEFAULT)
    gain = choice.point.throughput / default.throughput if default.throughput else None
    parts = [
        tiles(
            [
                ("chosen", name(choice.point.options)),
                ("requests/s", number(choice.point.throughput)),
                ("of the default's", "-" if gain is None else f"{gain:.2f} x"),
                ("p99 at the arrival rate", number(choice.point.p99_ms, "ms")),
                ("wrong answers", (wrong := sum(p.wrong for p in ordered)), "bad" if wrong else ""),
            ]
        ),
        card(
            "Throughput against p99",
            picture(ordered, best=best, chosen=choice.point, limit_ms=objectives.p99_ms),
            note=PICTURE_NOTE,
        ),
        card("What decided", measurement_table(measurements)),
        card("Configurations", _points(ordered, choice, default, objectives), note=_limited(found)),
        _unmeasured(found),
        card("Served with", f"<pre>{escape(_environment(choice))}</pre>"),
    ]
    css = own_file(__file__, "report.css")
    return page("Serving options", subject, parts, outcome=outcome, lead=_lead(choice, objectives), css=css)


def _lead(choice: Choice, objectives: Objectives) -> str:
    return (
        f"Chosen: {name(choice.point.options)}. Why: {choice.reason}. Arrival rate "
        f"{objectives.arrival_rate_per_s:g}/s, p99 at most {objectives.p99_ms:g} ms; another configuration than the "
        f"default must keep {MARGIN:.0%} of it."
    )


def _points(ordered: Sequence[Point], choice: Choice, default: Point, objectives: Objectives) -> str:
    rows = []
    for at, point in enumerate(ordered, start=1):
        stands = standing(point, objectives, margin=1.0 if point is default else MARGIN)
        final = len(point.repeats) > 1
        word = "chosen" if point is choice.point else (stands.value if final else "screened only")
        tone = {"chosen": "PASSED", "breaks": "FAILED", "unclear": "INCONCLUSIVE"}.get(word, "recorded")
        share = f"{point.throughput / default.throughput:.2f} x" if default.throughput else "-"
        spread = f" <small>{number(point.slowest)} to {number(point.fastest)}</small>" if final else ""
        rows.append(
            (
                str(at),
                f"<code>{escape(name(point.options))}</code>",
                chip(word, tone),
                number(point.throughput) + spread,
                share,
                *(number(value, "ms") for value in (point.p50_ms, point.p95_ms, point.p99_ms)),
                f"{point.error_rate:.2%}",
                number(point.refused),
                str(point.wrong),
                number(point.requests),
            )
        )
    return table(HEADER, rows, numeric=(0, *range(3, len(HEADER))))


def _limited(found: Searched) -> str:
    limited = [name(p.options) for p in found.points if p.generator_limited]
    return f"The generator set the pace of {', '.join(limited)}: they can do more than is shown." if limited else ""


def _unmeasured(found: Searched) -> str:
    if not found.unmeasured:
        return ""
    rows = [(f"<code>{escape(name(options))}</code>", escape(why)) for options, why in found.unmeasured.items()]
    return card("Not measured", table(("Configuration", "Why"), rows))


def _environment(choice: Choice) -> str:
    return "\n".join(f"{key}={value}" for key, value in choice.point.options.to_env().items())
