"""``lineage``: what a row, a version or a dataset was made of, and what was made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from slipway.cli.output import AsJson, err, out, print_json, working
from slipway.core.lineage import Direction, Graph, NodeKind
from slipway.errors import SpecError
from slipway.settings import Settings
from slipway.specs import model_folder

if TYPE_CHECKING:
    from slipway.workflows.lineage import Lineage
    from slipway.workflows.workbench import Workbench

MOST_BRANCHES = 12


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(lineage)


def lineage(
    model: Annotated[str | None, typer.Argument(help="The model; not needed with --dataset.")] = None,
    row: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of a row; once for each of its keys.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="A version.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="A dataset's name, or a data file's or snapshot's digest.")
    ] = None,
    direction: Annotated[Direction, typer.Option(help="up: made of; down: made from it.")] = Direction.BOTH,
    as_json: AsJson = False,
    show: Annotated[bool, typer.Option("--open", help="Open the picture in a browser.")] = False,
) -> None:
    """Tell what a row, a version or a dataset was made of, and what was made of it."""
    from slipway.workflows.lineage import write_page
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    bench = Workbench(settings)
    with working("reading the ledger"):
        found = _asked(bench, model, row, version, dataset, direction)
        page = write_page(bench, found)
    if as_json:
        print_json(found.to_json() | {"page": str(page)})
    else:
        out.print(found.title, style="bold", markup=False, soft_wrap=True)
        _print(found, direction)
        out.print(f"as a picture: {page}", markup=False, soft_wrap=True)
    if show:
        import webbrowser

        if not webbrowser.open(page.as_uri()):
            err.print(f"there is no browser here; open {page} yourself", markup=False, soft_wrap=True)


def _asked(
    bench: Workbench,
    model: str | None,
    row: list[str] | None,
    version: int | None,
    dataset: str | None,
    direction: Direction,
) -> Lineage:
    from slipway.cli.connections import database_url
    from slipway.workflows.lineage import lineage_of_data, lineage_of_row, lineage_of_version

    if sum((bool(row), version is not None, dataset is not None)) != 1 or (dataset is None) == (model is None):
        raise SpecError(
            "lineage is asked of one thing",
            remedy="give MODEL --row KEY=VALUE, or MODEL --version N, or --dataset NAME_OR_DIGEST",
        )
    if dataset is not None:
        return lineage_of_data(bench, dataset, direction)
    assert model is not None
    model_folder(bench.settings, model)
    if version is not None:
        return lineage_of_version(bench, model, version, direction)
    return lineage_of_row(bench, model, _keys(row or ()), direction, connect=database_url)


def _keys(row: Iterable[str]) -> dict[str, str]:
    found = {}
    for part in row:
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise SpecError(f"{part!r} names no row", remedy="write KEY=VALUE")
        found[name] = value
    return found


def _print(found: Lineage, direction: Direction) -> None:
    for name in found.asked:
        if direction is not Direction.DOWN:
            out.print(_tree(found.graph, name, upward=True, title="made of"), soft_wrap=True)
        if direction is not Direction.UP and (direction is Direction.DOWN or found.graph.after(name)):
            out.print(_tree(found.graph, name, upward=False, title="made from it"), soft_wrap=True)


def _tree(graph: Graph, name: str, *, upward: bool, title: str) -> Tree:
    tree = Tree(Text.assemble(_label(graph, name), (f"  {title}:", "dim")))
    _grow(graph, tree, name, upward=upward)
    return tree


def _grow(graph: Graph, tree: Tree, name: str, *, upward: bool) -> None:
    there = graph.before(name) if upward else graph.after(name)
    for following in there[-MOST_BRANCHES:]:
        branch = tree.add(_label(graph, following))
        _grow(graph, branch, following, upward=upward)
        if upward and graph.nodes[following].kind is NodeKind.BATCH:
            for watch in graph.after(following):
                if graph.nodes[watch].kind is NodeKind.DRIFT:
                    branch.add(Text(graph.nodes[watch].label, style="dim"))
    if len(there) > MOST_BRANCHES:
        tree.add(Text(f"and {len(there) - MOST_BRANCHES:,} earlier ones; --json has them all", style="dim"))


def _label(graph: Graph, name: str) -> Text:
    node = graph.nodes[name]
    facts = node.facts
    said = Text(node.label, style="bold" if node.kind is NodeKind.ROW else "")
    for digest in ("artifact_sha256", "snapshot"):
        if facts.get(digest):
            said.append(f"  {facts[digest][7:19]}", style="dim")
    if node.kind is NodeKind.BATCH:
        said.append(f"  run {facts['run']}", style="dim")
        if facts.get("in_ledger") is False:
            said.append("  not in the ledger yet", style="yellow")
    for answer in facts.get("answered", ()):
        said.append("\n" + ", ".join(f"{key}={value}" for key, value in answer.items()))
    for aside in facts.get("set_aside", ()):
        said.append(f"\nset aside by version {aside['version']}: {aside['why']}", style="yellow")
    return said
