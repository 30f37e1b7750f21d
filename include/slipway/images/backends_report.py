"""The part of the build's report that says which backend serves, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from slipway.images.backends import Choice
from slipway.reporting.tables import chip, number, table

_WORDS = {"native": ("reference", ""), "same": ("same answers", "PASSED"), "refused": ("refused", "FAILED")}
_HEADER = ("Backend", "Outcome", "1 row, µs", "1,000 rows, µs", "Rows", "Largest difference", "Why")


def backends_section(choice: Choice) -> str:
    """Return a table of all backends, the served one marked, and the row that shows the largest difference of each."""
    rows = choice.evidence.get("candidates", [])
    if not rows:
        reason = str(choice.evidence.get("reason", "")) or "nothing was compared"
        return f"<p>The server finds out by itself how to call the model: {escape(reason)}</p>"
    tolerance = choice.evidence["tolerance"]
    lead = (
        f"What serves was compared on {choice.evidence['rows']:,} rows with the native model, and must agree within "
        f"{tolerance['absolute']:g} + {tolerance['relative']:g} |answer|; what is slower, on a part of them."
    )
    body = [_line(one, served=one["name"] == choice.backend) for one in rows]
    differing = "".join(_differing(one) for one in rows if one.get("row"))
    return f"<p>{escape(lead)}</p>{table(_HEADER, body, numeric=(2, 3, 4, 5))}{differing}"


def _line(one: Mapping[str, Any], *, served: bool) -> tuple[str, ...]:
    word, tone = _WORDS.get(one["outcome"], (one["outcome"], "recorded"))
    name = f"<b>{escape(one['name'])}</b>" if served else escape(one["name"])
    return (
        f"{name} {chip('served', 'PASSED')}" if served else name,
        chip(word, tone or "recorded"),
        number(one["us_1"]),
        number(one["us_1000"]),
        f"{one['rows']:,}" if one["rows"] else "-",
        "-" if one["largest_difference"] is None else f"{one['largest_difference']:.3g}",
        f'<span class="small">{escape(one["reason"])}</span>',
    )


def _differing(one: Mapping[str, Any]) -> str:
    values = ", ".join(f"{escape(name)} = {escape(repr(value))}" for name, value in one["row"].items())
    said = f"the native model says {one['native_answer']!r}, {one['name']} says {one['answer']!r}"
    title = f"Largest difference of {one['name']}: {said}"
    return f"<details><summary>{escape(title)}</summary><p><code>{values}</code></p></details>"
