"""Lineage, asked from either end: of a row, a version, or a dataset.

Rules
-----
1. The ledger tells everything but which rows a batch holds; that, the sink's rows tell themselves, by their stamps.
2. A row that two versions have answered has two batches. One that was set aside says why, beside any answer.
3. A row that nobody has seen is an error: it is not the same as a row without a history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.core.lineage import Direction, Graph, Node, NodeKind, batch_node, row_node
from slipway.core.lineage_ledger import KINDS, graph_of
from slipway.core.operations_spec import ScoringSpec
from slipway.errors import SpecError
from slipway.ledger.entries import EntryKind
from slipway.lineage.picture import lineage_page
from slipway.lineage.rows import FILE, rows_in_folder, rows_in_table
from slipway.scoring import Interval, answers, quarantine
from slipway.scoring.tables import database_of, reflected
from slipway.scoring.urls import Folder, parse_place
from slipway.workflows.scoring_run import Connect, declared_scoring, place
from slipway.workflows.workbench import Workbench

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """An answer: what was asked, in words; the nodes that it was asked of; the part of the graph that they lead to."""

    title: str
    asked: tuple[str, ...]
    graph: Graph

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"title": self.title, "asked": list(self.asked), **self.graph.to_json()}


def lineage_of_version(bench: Workbench, model: str, version: int, direction: Direction) -> Lineage:
    """Return what a version was made of, and what was made of it; SpecError if the ledger knows none such."""
    graph = _graph(bench, model)
    found = graph.find(NodeKind.VERSION, model=model, version=version)
    if not found:
        known = sorted({node.facts["version"] for node in graph.find(NodeKind.VERSION)})
        raise SpecError(
            f"the ledger knows no version {version} of {model} (known: {', '.join(map(str, known)) or 'none'})",
            remedy=f"release it: `slipway release {model} --version {version}`",
        )
    return _answer(f"lineage of {model} version {version}", graph, found, direction)


def lineage_of_data(bench: Workbench, named: str, direction: Direction) -> Lineage:
    """Return what was made of a dataset or a snapshot, of any model; SpecError if the ledger knows none such."""
    graph = _graph(bench)
    found = graph.of_data(named)
    if not found:
        known = sorted(str(node.facts["dataset"]) for node in graph.find(NodeKind.DATASET))
        raise SpecError(
            f"no version was made of {named!r} (datasets known: {', '.join(known) or 'none'})",
            remedy="name a dataset, or 8 digits or more of a file's or a snapshot's digest",
        )
    return _answer(f"lineage of {named}", graph, found, direction)


def lineage_of_row(
    bench: Workbench, model: str, keys: Mapping[str, str], direction: Direction, *, connect: Connect
) -> Lineage:
    """Return which versions, images and data answered a row, or why it was set aside; downward, who watched it.

    Raises
    ------
    SpecError
        If the keys are not those declared, or nobody has seen such a row.
    """
    scoring = declared_scoring(bench, model)
    if set(keys) != set(scoring.keys):
        raise SpecError(
            f"a row of {model} is named by {', '.join(scoring.keys)}, not by {', '.join(keys) or 'nothing'}",
            remedy="give " + " ".join(f"--row {name}=VALUE" for name in scoring.keys),
        )
    scored = _scored(bench, scoring, model, keys, connect)
    aside = _set_aside(bench, model, keys)
    row = row_node(
        model,
        keys,
        answered=[_told(one, bench.spec(model).to_signature().output.name) for one in scored],
        set_aside=[{"why": one[quarantine.REASON], **_of_the_path(one)} for one in aside],
    )
    if not scored and not aside:
        raise SpecError(
            f"{model} has neither answered nor set aside a {row.label}",
            remedy=f"check the key; answers are in {scoring.sink.label}, its rows come from {scoring.source.label}",
        )
    known = _graph(bench, model)
    batches = [*map(_batch, scored), *(_quarantined(known, model, one) for one in aside)]
    graph = known.with_row(row, batches)
    found = _answer(f"lineage of {row.label} of {model}", graph, [row], direction)
    if direction is Direction.UP:
        return found
    watched = graph.closure([batch.id for batch in batches], Direction.DOWN)
    return replace(found, graph=graph.beside(found.graph, watched))


def write_page(bench: Workbench, lineage: Lineage) -> Path:
    """Write the answer as a page with a picture; return its path."""
    name = "".join(letter if letter.isalnum() else "-" for letter in lineage.title)[:100]
    page = bench.settings.reports / "lineage" / f"{name}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(lineage_page(lineage.graph, title=lineage.title, asked=lineage.asked), encoding="utf-8")
    return page


def _graph(bench: Workbench, model: str | None = None) -> Graph:
    kinds = [EntryKind(kind) for kind in KINDS]
    return graph_of(bench.ledger.entries(model=model, kinds=kinds))


def _answer(title: str, graph: Graph, found: Iterable[Node], direction: Direction) -> Lineage:
    asked = tuple(node.id for node in found)
    return Lineage(title=title, asked=asked, graph=graph.closure(asked, direction))


def _scored(
    bench: Workbench, scoring: ScoringSpec, model: str, keys: Mapping[str, str], connect: Connect
) -> list[dict[str, Any]]:
    """Return the sink's rows of these keys; those of another model in the same table are not ours."""
    output = bench.spec(model).to_signature().output.name
    columns = (*answers.STAMPS, output)
    url, table = place(bench.settings, scoring.sink, connect)
    where = parse_place(url, table=table)
    if isinstance(where, Folder):
        found = rows_in_folder(where.path, keys, columns=columns)
    else:
        with database_of(where).reading() as connection:
            known = reflected(connection, where)
            found = [] if known is None else rows_in_table(connection, known, keys, columns=columns)
    return [row for row in found if row.get(answers.MODEL) == model]


def _set_aside(bench: Workbench, model: str, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    folder = bench.settings.var / "scoring" / "quarantine" / model
    return rows_in_folder(folder, keys, columns=quarantine.COLUMNS)


def _told(row: Row, output: str) -> dict[str, Any]:
    stamps = {name: row[name] for name in (answers.VERSION, answers.IMAGE, answers.RUN)}
    return {output: row.get(output), **stamps, answers.AT: _utc(row[answers.AT]).isoformat()}


def _batch(row: Row) -> Node:
    subject = {
        "model": row[answers.MODEL],
        "version": int(row[answers.VERSION]),
        "image_digest": row[answers.IMAGE],
    }
    interval = Interval(_utc(row[answers.START]), _utc(row[answers.END]))
    return batch_node(subject, run=row[answers.RUN], interval=interval.to_json(), in_ledger=False)


def _quarantined(known: Graph, model: str, row: Row) -> Node:
    said = _of_the_path(row)
    interval = said["interval"] or {"start": "unknown", "end": "unknown"}
    images = known.find(NodeKind.IMAGE, model=model, version=said["version"])
    subject = {
        "model": model,
        "version": said["version"],
        "image_digest": images[-1].facts["image_digest"] if images else None,
    }
    return batch_node(subject, run=row[quarantine.RUN], interval=interval, in_ledger=False)


def _of_the_path(row: Row) -> dict[str, Any]:
    """Return the version and the interval that a quarantined row's file is of: its path has them."""
    version, slug, _ = PurePosixPath(row[FILE]).parts[-3:]
    interval = Interval.from_slug(slug)
    return {"version": int(version.removeprefix("v")), "interval": interval and interval.to_json()}


def _utc(moment: datetime | str) -> datetime:
    """Return a stamp's time, which SQLite gives without its zone."""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
