"""What the fleet's pages have in common: their looks, their script, and the policy that lets nothing else in.

The policy names the one style sheet and the one script by their digests: markup that somebody typed into a name or a
comment could not run, even where it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from urllib.parse import quote

from slipway.reporting.page import document, own_file, style

PREFIX = "/slipway"
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page, and the Content-Security-Policy that it is to be sent with."""

    html: str
    policy: str


def page(title: str, parts: Iterable[str], *, extra_css: str = "") -> Page:
    """Return a page of HTML parts; ``extra_css`` is a further style sheet of ours."""
    css = own_file(__file__, "fleet.css") + extra_css
    script = own_file(__file__, "fleet.js")
    return Page(document(title, parts, css=css, script=script, wide=True), policy(style(css), script))


@cache
def policy(css: str, script: str) -> str:
    """Return the policy of a page with exactly this style sheet and this script."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_digest(script)}",
            f"style-src {_digest(css)}",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
            "base-uri 'none'",
        ]
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# -- addresses ----------------------------------------------------------------------------------------------------


def model_address(model: str) -> str:
    """Return where a model's page is."""
    return f"{PREFIX}/fleet/{quote(model, safe='')}"


def report_address(path: str) -> str:
    """Return where a report file is, its path being below the reports folder."""
    return f"{PREFIX}/reports/{quote(path)}"


def dag_address(dag: str, run: str = "") -> str:
    """Return Airflow's page of a DAG, or of one of its runs."""
    return f"/dags/{quote(dag, safe='')}" + (f"/runs/{quote(run, safe='')}" if run else "")


def link(address: str, text: str, *, airflow: bool = False, title: str = "") -> str:
    """Return a link; ``airflow`` marks one that leaves the frame which Airflow shows the page in."""
    mark = " data-top" if airflow else ""
    told = f' title="{escape(title)}"' if title else ""
    return f'<a href="{escape(address)}"{mark}{told}>{escape(text)}</a>'


# -- words --------------------------------------------------------------------------------------------------------


def ago(moment: datetime, now: datetime) -> str:
    """Return a time as its distance from now, with the time itself to look up.

    >>> ago(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))
    '<time datetime="2026-01-02T00:00:00+00:00" title="2026-01-02 00:00:00 UTC">3 days ago</time>'
    """
    return when(moment, distance((now - moment).total_seconds()))


def when(moment: datetime, text: str = "") -> str:
    """Return a time in UTC as an element; ``text`` instead of the day and minute."""
    utc = moment.astimezone(UTC)
    shown = text or f"{utc:%Y-%m-%d %H:%M}"
    return f'<time datetime="{escape(utc.isoformat())}" title="{utc:%Y-%m-%d %H:%M:%S} UTC">{escape(shown)}</time>'


def distance(seconds: float) -> str:
    """Return how long ago something was, or in how long it will be, in the largest unit that fits.

    >>> distance(30), distance(7300), distance(-86400 * 40), distance(86400 * 800)
    ('just now', '2 hours ago', 'in 40 days', '2 years ago')
    """
    size = abs(seconds)
    if size < 60:
        return "just now"
    units = ((60.0, "minute"), (3600.0, "hour"), (_DAY, "day"), (365.25 * _DAY, "year"))
    unit, name = next(pair for pair in reversed(units) if size >= pair[0])
    count = int(size / unit)
    told = f"{count} {name}{'' if count == 1 else 's'}"
    return f"{told} ago" if seconds > 0 else f"in {told}"


def whole(milliseconds: float | None) -> str:
    """Return a latency as short as it tells something: whole milliseconds from 10 on.

    >>> whole(59.96), whole(4.213), whole(None)
    ('60', '4.2', '-')
    """
    if milliseconds is None:
        return "-"
    return f"{milliseconds:,.0f}" if milliseconds >= 10 else f"{milliseconds:.2g}"


def digest(text: str | None) -> str:
    """Return a digest's first digits, with all of them to look up and to copy."""
    if not text:
        return '<span class="none">-</span>'
    return f'<code class="digest" title="{escape(text)}">{escape(text[7:19])}</code>'


def notices(said: Iterable[str]) -> str:
    """Return what is missing on the page, or nothing."""
    lines = "".join(f"<li>{escape(one)}</li>" for one in said)
    return f'<ul class="notices" role="status">{lines}</ul>' if lines else ""
