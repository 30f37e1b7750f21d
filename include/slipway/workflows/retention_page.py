"""The page of a retention run: what goes, why, what it frees; what stays, and why; what needs somebody's eye."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.retention import Action
from slipway.reporting.page import card, document, tiles
from slipway.reporting.tables import chip, table
from slipway.workflows.retention_plan import PAGE_FILE, Row, plan_folder
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.workflows.retain import Retained

WHERE = ("registry", "images", "cache", "reports")


def page_path(digest: str) -> str:
    """Return where a plan's page is, below the reports folder.

    >>> page_path("sha256:" + "0" * 64)
    'fleet/retention/000000000000/retention.html'
    """
    return f"fleet/retention/{digest[7:19]}/{PAGE_FILE}"


def write_page(bench: Workbench, done: Retained) -> Path:
    """Write the page of a plan, anew once it was carried out, and say where it is."""
    path = plan_folder(bench, done.digest) / PAGE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(done), encoding="utf-8")
    bench.say(f"page: {path}")
    return path


def render(done: Retained) -> str:
    """Return the page as HTML."""
    plan = done.plan
    freed = done.bytes if done.applied else plan.bytes
    parts = [
        f"<h1>Retention {chip('carried out' if done.applied else 'dry run', 'PASSED' if done.applied else '')}</h1>",
        f'<p class="digests">plan <code>{escape(done.digest)}</code> · ages as of {plan.at:%Y-%m-%d %H:%M} UTC</p>',
        f'<p class="lead">{escape(_lead(done))}</p>',
        tiles(
            [
                ("versions looked at", len(plan.rows)),
                ("removed" if done.applied else "to remove", len(plan.removals) - _stuck(done)),
                ("reclaimed" if done.applied else "to reclaim", size(freed)),
                ("problems", len(done.problems), "bad" if done.problems else "good"),
            ]
        ),
        _problems(done.problems),
        _removals(done),
        _kept(row for row in plan.rows if row.action is Action.KEEP),
        _gone(row for row in plan.rows if row.action is Action.GONE),
    ]
    return document("Retention", parts, wide=True)


def size(count: int) -> str:
    """Return bytes as a person reads them.

    >>> size(999), size(1_234_567), size(5_000_000_000)
    ('999 B', '1.2 MB', '5.0 GB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if abs(count) >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _lead(done: Retained) -> str:
    if done.applied:
        return f"{size(done.bytes)} reclaimed; every version that went is in the archive, read back before it went."
    if not done.plan.removals:
        return "Nothing is to be removed."
    return f"Nothing was changed. To carry out exactly this: slipway retention --apply --plan {done.digest}"


def _stuck(done: Retained) -> int:
    return sum(1 for removal in done.removals if removal.problem)


def _problems(problems: Iterable[str]) -> str:
    shown = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return card("Needs somebody's eye", f"<ul>{shown}</ul>") if shown else ""


def _removals(done: Retained) -> str:
    removed = {(r.row.model, r.row.version): r for r in done.removals}
    rows = []
    for row in done.plan.removals:
        of_row = removed.get((row.model, row.version))
        sizes = of_row.reclaimed if of_row else row.sizes or {}
        rows.append(
            [
                *_named(row),
                *(escape(size(sizes.get(where, 0))) for where in WHERE),
                f"<code>{escape(of_row.archive)}</code>" if of_row and of_row.archive else "",
            ]
        )
    header = ("Model", "Version", "Registered", "It …", *(where.capitalize() for where in WHERE), "Archive")
    title = "Archived and removed" if done.applied else "To archive and remove"
    return card(title, table(header, rows, numeric=(1, 2, 4, 5, 6, 7))) if rows else ""


def _kept(rows: Iterable[Row]) -> str:
    lines = [_named(row) for row in rows]
    return card("Stays", table(("Model", "Version", "Registered", "It …"), lines, numeric=(1, 2))) if lines else ""


def _gone(rows: Iterable[Row]) -> str:
    lines = [_named(row) for row in rows]
    note = "slipway restore MODEL --version N brings one back, bit for bit."
    header = ("Model", "Version", "Registered", "It …")
    return card("In the archive", table(header, lines, numeric=(1, 2)), note=note) if lines else ""


def _named(row: Row) -> list[str]:
    return [escape(row.model), str(row.version), escape(row.created_at[:10]), escape(row.reason)]
