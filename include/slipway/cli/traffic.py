"""``predict`` and ``rollback``: talk to what serves, and put the version before back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.cli.clients import start_run
from slipway.cli.follow import follow_run
from slipway.cli.output import AsJson, out, print_json, print_table
from slipway.errors import SpecError
from slipway.settings import Settings
from slipway.specs import model_folder


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(predict)
    app.command()(rollback)


def predict(
    model: str,
    file: Annotated[Path, typer.Option(help="JSON: a list of rows, each an object of column to value.")],
    as_json: AsJson = False,
) -> None:
    """Send rows to the champion through the gateway and print its answers."""
    from slipway.workflows.predict import predict as ask

    rows = _rows(file)
    answer = ask(Settings.load(), model, rows)
    if as_json:
        print_json(answer)
        return
    shown = [(i, p) for i, p in enumerate(answer["predictions"])]
    print_table(f"{model} version {answer['version']}", ("row", "answer"), shown)
    for flag in answer.get("flags", []):
        out.print(
            f"row {flag['row']}: {flag['column']} {flag['reason']}, {flag['policy']}", style="yellow", markup=False
        )


def _rows(file: Path) -> list[dict[str, Any]]:
    remedy = 'give a JSON list of rows: [{"column": 1.5}]'
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{file} cannot be read: {error}", remedy=remedy) from error
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise SpecError(f"{file} holds no list of rows", remedy=remedy)
    return rows


def rollback(
    model: str,
    reason: Annotated[str, typer.Option(help="What is wrong; kept in the ledger.")] = "",
) -> None:
    """Put the previous champion back, through the model's rollback DAG; ends when it serves."""
    settings = Settings.load()
    model_folder(settings, model)
    run_id = f"rollback-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    start_run(settings, f"{model}.rollback", run_id=run_id, conf={"reason": reason})
    if not follow_run(settings, f"{model}.rollback", run_id):
        raise typer.Exit(1)
    out.print(f"the previous champion of {model} serves again")
