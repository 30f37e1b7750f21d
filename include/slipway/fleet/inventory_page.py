"""The inventory: one line a model, with what a person looks for first, filtered and sorted by the page's address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from slipway.core.verdict import Outcome
from slipway.fleet.frame import (
    Page,
    ago,
    dag_address,
    digest,
    link,
    model_address,
    notices,
    page,
    report_address,
    when,
    whole,
)
from slipway.fleet.query import PER_PAGE, RELEASES, Query, release_word
from slipway.fleet.rows import Drift, Met, Row
from slipway.reporting.page import tiles
from slipway.reporting.tables import chip

NOTHING = '<span class="none">-</span>'
_COLUMNS = (
    ("model", "Model"),
    ("owner", "Owner"),
    ("tier", "Risk"),
    ("champion", "Champion"),
    ("age", "Since"),
    ("released", "Last release"),
    ("scored", "Last scored"),
    ("drift", "Drift"),
    ("objectives", "p95 · p99, ms"),
    ("retention", "Retention"),
)
DRIFT = {
    Drift.PAGE: ("page", "FAILED"),
    Drift.NOTE: ("note", "INCONCLUSIVE"),
    Drift.BEHIND: ("watch behind", "INCONCLUSIVE"),
    Drift.UNKNOWN: ("not told", "plain"),
    Drift.QUIET: ("quiet", "PASSED"),
    Drift.UNWATCHED: ("not watched", "plain"),
}
MET = {Met.YES: "PASSED", Met.NO: "FAILED", Met.UNKNOWN: "INCONCLUSIVE", Met.NONE: "plain"}


def inventory_page(rows: Sequence[Row], query: Query, said: Iterable[str], *, seq: int) -> Page:
    """Return the page.

    Parameters
    ----------
    rows : sequence of Row
        Every model that the reader may see.
    query : Query
    said : iterable of str
        What is missing, and why.
    seq : int
        The ledger's entry up to which it was read.
    """
    found = query.choose(rows)
    parts = [
        f'<header class="top"><h1>Fleet</h1><p class="small">as of ledger entry {seq:,}</p></header>',
        notices(said),
        _figures(rows),
        _filter(rows, query),
        f'<div id="rows">{_table(found, query)}</div>',
    ]
    return page("Fleet", parts)


def _figures(rows: Sequence[Row]) -> str:
    def count(name: str, number: int, tone: str) -> tuple[str, object, str]:
        return name, number, tone if number else ""

    return tiles(
        [
            ("models", len(rows)),
            count("with a champion", sum(row.champion is not None for row in rows), ""),
            count("release going on", sum(release_word(row) == "going on" for row in rows), ""),
            count("last release stopped", sum(release_word(row) in ("FAILED", "INCONCLUSIVE") for row in rows), "bad"),
            count("open drift pages", sum(row.drift is Drift.PAGE for row in rows), "bad"),
            count("objectives missed", sum(row.met is Met.NO for row in rows), "bad"),
            count("broken declarations", sum(bool(row.problem) for row in rows), "bad"),
        ]
    )


def _filter(rows: Sequence[Row], query: Query) -> str:
    owners = sorted({row.declared.team for row in rows if row.declared.team}, key=str.casefold)
    asked = "".join(
        [
            '<input type="search" name="text" placeholder="model, owner or purpose" aria-label="Search" '
            f'value="{escape(query.text)}" maxlength="200">',
            _choice("tier", "any risk", ("low", "medium", "high"), query.tier),
            _choice("owner", "any owner", owners, query.owner),
            _choice("release", "any last release", RELEASES, query.release),
            _choice("drift", "any drift", [state.value for state in Drift], query.drift),
            _choice("met", "any objectives", [state.value for state in Met], query.met),
        ]
    )
    kept = f'<input type="hidden" name="sort" value="{escape(query.sort)}">' if query.sort != "model" else ""
    kept += '<input type="hidden" name="down" value="1">' if query.down else ""
    return (
        f'<form class="filter" id="filter" method="get" role="search">{asked}{kept}<button>Show</button>'
        '<a class="clear" href="?">clear</a></form>'
    )


def _choice(name: str, every: str, values: Iterable[str], chosen: str) -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(value)}</option>'
        for value in values
    )
    said = escape(every.removeprefix("any "))
    return f'<select name="{name}" aria-label="{said}"><option value="">{escape(every)}</option>{options}</select>'


def _table(found: Sequence[Row], query: Query) -> str:
    pages = max(1, -(-len(found) // PER_PAGE))
    here = min(query.page, pages)
    shown = found[(here - 1) * PER_PAGE : here * PER_PAGE]
    if not shown:
        return '<p class="card empty">No model matches. <a href="?">Show all</a></p>'
    head = "".join(_head(name, said, query) for name, said in _COLUMNS)
    body = "".join(_row(row) for row in shown)
    table = f'<table class="fleet"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<section class="card rows">{table}</section>{_pages(query, here, pages, len(found))}'


def _head(name: str, said: str, query: Query) -> str:
    mine = query.sort == name
    down = mine and not query.down
    state = f' aria-sort="{"descending" if query.down else "ascending"}"' if mine else ""
    arrow = f'<span class="arrow">{"▼" if query.down else "▲"}</span>' if mine else ""
    address = query.address(sort=name, down=down)
    return f'<th scope="col"{state}><a href="{escape(address)}">{escape(said)}{arrow}</a></th>'


def _row(row: Row) -> str:
    cells = (
        _name(row),
        escape(row.declared.team) or NOTHING,
        f'<span class="tier {escape(row.declared.tier)}">{escape(row.declared.tier)}</span>'
        if row.declared.tier
        else "",
        _champion(row),
        _since(row),
        _released(row),
        _scored(row),
        _drift(row),
        _objectives(row),
        _retention(row),
    )
    labels = (said for _, said in _COLUMNS)
    shown = "".join(f'<td data-label="{escape(label)}">{cell}</td>' for label, cell in zip(labels, cells, strict=True))
    return f'<tr data-model="{escape(row.model)}">{shown}</tr>'


def _name(row: Row) -> str:
    said = f'<span class="problem">{escape(row.problem)}</span>' if row.problem else escape(row.declared.purpose)
    return f'<b>{link(model_address(row.model), row.model)}</b><span class="purpose">{said}</span>'


def _champion(row: Row) -> str:
    champion, live = row.summary.champion, row.summary.live
    if champion is None or champion.version is None:
        return NOTHING
    other = ""
    if live is None:
        other = '<span class="warn">does not serve</span>'
    elif live.version != champion.version:
        other = f'<span class="warn">v{live.version} serves</span>'
    return f"<b>v{champion.version}</b> {digest(champion.artifact_sha256)}{other}"


def _since(row: Row) -> str:
    champion = row.summary.champion
    return ago(champion.since, row.at) if champion and champion.version is not None else NOTHING


def _released(row: Row) -> str:
    release = row.summary.release
    if release is None:
        return '<span class="none">never</span>'
    word = release_word(row)
    mark = chip(word.lower(), word if release.outcome else "going")
    address = report_address(release.page) if release.page else dag_address(f"{row.model}.release")
    version = f"v{release.version}" if release.version is not None else "release"
    step = f" at {escape(release.step)}" if release.outcome not in (None, Outcome.PASSED.value) else ""
    return (
        f'{mark} {link(address, version, title=release.reason)}<span class="sub">{ago(release.at, row.at)}{step}</span>'
    )


def _scored(row: Row) -> str:
    scored = row.summary.scored
    if scored is None:
        return NOTHING if not row.declared.scores else '<span class="none">not yet</span>'
    return f'{ago(scored.at, row.at)}<span class="sub">{scored.rows:,} rows</span>'


def _drift(row: Row) -> str:
    word, tone = DRIFT[row.drift]
    watched = row.watched
    day = f'<span class="sub">{escape(watched.day)}</span>' if watched and watched.day else ""
    count = (watched.pages or watched.notes) if watched else 0
    return chip(f"{count} {word}s" if count > 1 else word, tone) + day


def _objectives(row: Row) -> str:
    if row.load is None:
        return NOTHING if row.met is Met.NONE else chip(row.met.value, MET[row.met])
    told = " · ".join(
        f'{whole(getattr(row.load, name))}<span class="of">/{whole(row.limit(name))}</span>' for name in ("p95", "p99")
    )
    return f'{chip(row.met.value, MET[row.met])}<span class="sub figures">{told}</span>'


def _retention(row: Row) -> str:
    due = row.retention
    if due is None:
        return NOTHING
    moment, version = due
    late = ' class="warn"' if moment <= row.at else ""
    return f'<span{late}>{when(moment, f"{moment:%Y-%m-%d}")}</span><span class="sub">v{version}</span>'


def _pages(query: Query, here: int, pages: int, found: int) -> str:
    said = f"{found:,} model{'' if found == 1 else 's'}"
    if pages == 1:
        return f'<p class="pages small">{said}</p>'
    first = (here - 1) * PER_PAGE
    back = link(query.address(page=here - 1), "← before") if here > 1 else ""
    on = link(query.address(page=here + 1), "next →") if here < pages else ""
    place = f"{first + 1:,} to {min(first + PER_PAGE, found):,} of {said}"
    return f'<p class="pages small">{back}<span>{place}</span>{on}</p>'
