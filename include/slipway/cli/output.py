"""How the program speaks: people read tables, programs read ``--json``, errors say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from slipway.core.verdict import Outcome

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.INCONCLUSIVE: "yellow"}


def print_json(value: Any) -> None:
    """Print a JSON value, indented, to standard output."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table; a cell is shown as it is, brackets and all, unless it is a Text with a style."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in row))
    if title:
        out.print(title, style="italic", markup=False, soft_wrap=True)
    out.print(table)


def chip(outcome: Outcome) -> Text:
    """Return an outcome in its colour."""
    return Text(outcome.value, style=STYLES[outcome])


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show a spinner while a block works that may take more than two seconds."""
    with err.status(text):
        yield
