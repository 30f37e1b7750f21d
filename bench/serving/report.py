"""The figures as tables on the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from bench.serving.claims import NATIVE, title
from bench.serving.figures import Cell, Cells
from bench.serving.run import Failure
from bench.serving.systems import SLIPWAY

COLUMNS = (
    ("throughput_c1", "1 conn\nreq/s"),
    ("throughput_c16", "16 conn\nreq/s"),
    ("p99_ms_at_10", "p99 ms\nat 10/s"),
    ("p99_ms_at_100", "p99 ms\nat 100/s"),
    ("p99_ms_at_1000", "p99 ms\nat 1,000/s"),
    ("rows100", "100 rows\nrows/s"),
    ("rows10k", "10,000 rows\nrows/s"),
    ("rows10k_binary", "10,000 rows\nbinary"),
)


def show(
    console: Console,
    cells: Cells,
    models: Sequence[str],
    failures: Iterable[Failure],
    *,
    setups: Mapping[tuple[str, str], str],
) -> None:
    """Print one table for each model: medians and ranges over rounds and turns; a system that failed is a row of it.

    ``setups`` says how a system is set up for a model, by (system, model).
    """
    failed = list(failures)
    for model in models:
        table = Table(title=f"{model}: median (range) over rounds and turns", title_justify="left", title_style="bold")
        table.add_column("system", no_wrap=True)
        for _, heading in COLUMNS:
            table.add_column(heading, justify="right")
        for system in sorted(cells.systems(model), key=_rank):
            shown = (shown_cell(cells.get(model, system, measure)) for measure, _ in COLUMNS)
            setup = setups.get((system, model), "default")
            name = title(system) if setup == "default" else f"{title(system)} ({setup})"
            table.add_row(name, *shown, style="bold" if system == SLIPWAY else None)
        for failure in failed:
            if failure.model in (model, "all"):
                table.add_row(title(failure.system), "[red]failed, see below[/red]", *[""] * (len(COLUMNS) - 1))
        console.print(table)
    if any(cell.errors for cell in cells.known.values()):
        console.print("! some requests were refused, lost or answered with an error; inf: more than 1 % of them were")
    for failure in failed:
        console.print(f"[red]{failure.system} on {failure.model}:[/red] {failure.reason[-600:]}", markup=True)


def shown_cell(cell: Cell | None) -> str:
    r"""Return a figure as a table has it.

    >>> shown_cell(Cell("1/s", {0: 1000.0, 1: 1200.0}, 50))
    '1,100\n(1,000 to 1,200)'
    """
    if cell is None:
        return "-"
    mark = "!" if cell.errors else ""
    if cell.low == cell.high:
        return f"{mark}{_number(cell.median)}"
    return f"{mark}{_number(cell.median)}\n({_number(cell.low)} to {_number(cell.high)})"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _rank(system: str) -> int:
    order = ("mlflow", "mlserver", "bentoml", "slipway", "slipway:", "echo", NATIVE)
    known = "slipway:" if ":" in system else system
    return order.index(known) if known in order else len(order)
