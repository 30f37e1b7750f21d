"""A model's page: who serves, its versions against the gates, its trends, what was live when, its whole timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from slipway.core.verdict import Outcome
from slipway.fleet.frame import Page, ago, dag_address, digest, link, notices, page, report_address, when, whole
from slipway.fleet.inventory_page import DRIFT, MET
from slipway.fleet.matrix import matrix
from slipway.fleet.plots import latency_plot
from slipway.fleet.query import release_word
from slipway.fleet.rows import Met, Row
from slipway.fleet.values import Cell, Live
from slipway.reporting.page import card
from slipway.reporting.tables import chip

VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One entry of the ledger, told."""

    seq: int
    at: datetime
    kind: str
    tone: str
    version: int | None
    actor: str
    said: str
    hash: str
    release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAt:
    """What served at a moment: ``live`` is None if nothing did; ``problem`` says why it cannot be told."""

    asked: str
    at: datetime | None = None
    live: Live | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """All that a model's page shows.

    Attributes
    ----------
    row : Row
    cells : sequence of Cell
    cards : mapping of int to str
        Each version's model card, below the reports folder, where there is one.
    drift : str
        HTML: the watch's verdicts day by day; empty where nothing was watched.
    drift_css : str
        The style sheet that it needs.
    trend : str
        The watch's own page, below the reports folder; empty if there is none.
    timeline : sequence of Moment
        Newest first.
    older : int or None
        The entry before which the timeline goes on.
    newer : bool
        Whether there are entries after those that are shown.
    live : LiveAt or None
        The answer, if it was asked what served when.
    every_version : bool
        Whether the matrix shows all of them.
    decisions : bool
        Whether the timeline leaves out evidence and scored days.
    said : tuple of str
        What is missing, and why.
    """

    row: Row
    cells: Sequence[Cell]
    cards: Mapping[int, str]
    drift: str
    drift_css: str
    trend: str
    timeline: Sequence[Moment]
    older: int | None
    newer: bool
    live: LiveAt | None
    every_version: bool
    decisions: bool
    said: tuple[str, ...]


def model_page(facts: ModelFacts) -> Page:
    """Return the page."""
    row = facts.row
    parts = [
        '<p class="crumbs"><a href="../fleet">Fleet</a></p>',
        _heading(row),
        notices(facts.said),
        _figures(row),
        _matrix(facts),
        f'<div class="two">{_latency(row)}{_live(facts)}</div>',
        _drift(facts),
        _timeline(facts),
    ]
    return page(row.model, parts, extra_css=facts.drift_css)


def _heading(row: Row) -> str:
    declared = row.declared
    kinds = [
        "release",
        "rollback",
        *(["score"] if declared.scores else []),
        *(["monitor"] if declared.monitored else []),
    ]
    dags = " · ".join(link(dag_address(f"{row.model}.{kind}"), kind, airflow=True) for kind in kinds)
    tier = f'<span class="tier {escape(declared.tier)}">{escape(declared.tier)} risk</span>' if declared.tier else ""
    who = f"{escape(declared.team)} · {escape(declared.contact)}" if declared.team else ""
    others = f" · for {escape(', '.join(declared.stakeholders))}" if declared.stakeholders else ""
    problem = f'<p class="problem">{escape(row.problem)}</p>' if row.problem else ""
    purpose = f'<p class="lead">{escape(declared.purpose)}</p>' if declared.purpose else ""
    dags = f'<p class="small">In Airflow: {dags}</p>' if row.folder else ""
    return (
        f'<header class="model"><h1>{escape(row.model)} {tier}</h1>{purpose}{problem}'
        f'<p class="small">{who}{others}</p>{dags}</header>'
    )


def _figures(row: Row) -> str:
    return f'<div class="tiles facts">{"".join(_tile(*one) for one in _facts(row))}</div>'


def _facts(row: Row) -> Iterable[tuple[str, str, str]]:
    champion, live, release = row.summary.champion, row.summary.live, row.summary.release
    if champion is None or champion.version is None:
        yield "champion", "none", "nobody is"
    else:
        yield "champion", f"v{champion.version}", f"{digest(champion.artifact_sha256)} {ago(champion.since, row.at)}"
    if live is None:
        yield "serves", "nothing", ""
    else:
        yield "serves", f"v{live.version}", f"image {digest(live.image_digest)} {ago(live.since, row.at)}"
    if release is None:
        yield "last release", "never", ""
    else:
        word = release_word(row)
        stopped = f" at {escape(release.step)}" if word in (Outcome.FAILED.value, Outcome.INCONCLUSIVE.value) else ""
        named = f"version {release.version}" if release.version is not None else "release"
        which = link(report_address(release.page), named) if release.page else named
        mark = chip(word.lower(), word if release.outcome else "going")
        yield "last release", mark, f"{which}{stopped} {ago(release.at, row.at)}"
    load = row.load
    told = (
        " · ".join(f"{n} {whole(getattr(load, n))} of {whole(row.limit(n))} ms" for n in ("p95", "p99")) if load else ""
    )
    yield "objectives", chip(row.met.value, MET[row.met]), told if row.met is not Met.NONE else ""
    word, tone = DRIFT[row.drift]
    day = f"newest day {escape(row.watched.day)}" if row.watched and row.watched.day else ""
    yield "drift", chip(word, tone), day
    scored = row.summary.scored
    yield "last scored", ago(scored.at, row.at) if scored else "never", f"{scored.rows:,} rows" if scored else ""
    due = row.retention
    yield (
        "retention next",
        when(due[0], f"{due[0]:%Y-%m-%d}") if due else "none due",
        f"version {due[1]}" if due else "",
    )


def _tile(name: str, value: str, more: str) -> str:
    return f'<div class="tile"><span>{name}</span><b>{value}</b><small>{more}</small></div>'


def _matrix(facts: ModelFacts) -> str:
    row = facts.row
    versions = sorted(row.summary.versions, reverse=True)
    shown = versions if facts.every_version else versions[:VERSIONS_SHOWN]
    if not shown:
        return card("Versions and gates", note="The ledger has met no version yet. The first release fills this table.")
    rest = len(versions) - len(shown)
    more = f'<p class="small"><a href="?versions=all">Show {rest:,} older versions</a></p>' if rest else ""
    note = "Point at a cell, or tab to it, for its values and limits; it opens the gate's report."
    return card("Versions and gates", matrix(row, facts.cells, facts.cards, shown), more, note=note)


def _latency(row: Row) -> str:
    drawn = latency_plot(row.summary.loads)
    key = (
        '<p class="key"><span class="k p95">p95</span><span class="k p99">p99</span>'
        '<span class="k dash">limit at the time</span></p>'
    )
    if not drawn:
        return card("Latency under load", note="No load test has measured it yet.")
    return card("Latency under load", drawn, key)


def _drift(facts: ModelFacts) -> str:
    whole = (
        f'<p class="small">{link(report_address(facts.trend), "Every number, day by day")}</p>' if facts.trend else ""
    )
    if not facts.drift:
        said = (
            "Watched, and no day is recorded yet." if facts.row.declared.monitored else "Not watched: no `monitoring:`."
        )
        return card("Drift", whole, note=said)
    return card("Drift", facts.drift, whole)


def _live(facts: ModelFacts) -> str:
    asked = facts.live.asked if facts.live else ""
    form = (
        '<form class="live" method="get" action="#live"><label>At <input type="datetime-local" name="at" step="1" '
        f'value="{escape(asked)}" required> UTC</label> <button>What served?</button></form>'
    )
    return f'<section class="card" id="live"><h2>Live at</h2>{form}{_answer(facts.live)}</section>'


def _answer(found: LiveAt | None) -> str:
    if found is None:
        return '<p class="small">Any moment, in UTC: which version served, and its digests.</p>'
    if found.problem:
        return f'<p class="problem" role="status">{escape(found.problem)}</p>'
    if found.live is None:
        return '<p class="answer" role="status"><b>Nothing served</b> at that moment.</p>'
    live = found.live
    release = f" in release {escape(live.release)}" if live.release else ""
    return (
        f'<div class="answer" role="status"><p><b>Version {live.version}</b> served: {escape(live.kind)} of '
        f"{when(live.since)} UTC by {escape(live.actor)}{release}, ledger entry {live.seq:,}.</p>"
        f"<dl><dt>artifact</dt><dd><code>{escape(live.artifact_sha256 or 'not recorded')}</code></dd>"
        f"<dt>image</dt><dd><code>{escape(live.image_digest or 'not recorded')}</code></dd></dl></div>"
    )


def _timeline(facts: ModelFacts) -> str:
    if not facts.timeline:
        return f'<section class="card" id="timeline">{_which(facts)}<p class="small">No entry here.</p></section>'
    lines = "".join(_moment(one, facts.row) for one in facts.timeline)
    kept = "show=decisions" if facts.decisions else ""
    newest = f'<a href="?{kept}#timeline">← newest</a>' if facts.newer else ""
    older = f'<a href="?before={facts.older}&amp;{kept}#timeline">older →</a>' if facts.older is not None else ""
    total = f"<span>{facts.row.summary.entries:,} entries in all</span>"
    pages = f'<p class="pages small">{newest}{total}{older}</p>'
    return f'<section class="card" id="timeline">{_which(facts)}<ol class="timeline">{lines}</ol>{pages}</section>'


def _which(facts: ModelFacts) -> str:
    every, decisions = "everything", "releases and decisions"
    shown = (
        f"<b>{decisions}</b> · {link('?#timeline', every)}"
        if facts.decisions
        else f"<b>{every}</b> · {link('?show=decisions#timeline', decisions)}"
    )
    return f'<div class="top"><h2>Timeline</h2><p class="small">{shown}</p></div>'


def _moment(one: Moment, row: Row) -> str:
    run = ""
    if one.release and row.folder:
        kind = "rollback" if one.kind == "rollback" else "release"
        run = " " + link(dag_address(f"{row.model}.{kind}", one.release), "run", airflow=True, title=one.release)
    return (
        f'<li><span class="seq">{one.seq:,}</span>{when(one.at, f"{one.at:%Y-%m-%d %H:%M:%S}")}'
        f'{chip(one.kind.replace("_", " "), one.tone)}<span class="said">{escape(one.said)}'
        f'<span class="by">by {escape(one.actor)}{run} · <code title="{escape(one.hash)}">'
        f"{escape(one.hash[7:19])}</code></span></span></li>"
    )
