"""``predict`` and ``rollback``: talk to what serves, and put the version before back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.clients import airflow
from slipway.cli.follow import follow_run
from slipway.cli.output import AsJson, out, print_json, print_table
from slipway.errors import SpecError
from slipway.settings import Settings


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

    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"{file} cannot be read: {error}", remedy="give a JSON list of rows") from error
    answer = ask(Settings.load(), model, rows if isinstance(rows, list) else [rows])
    if as_json:
        print_json(answer)
        return
    shown = [(i, p) for i, p in enumerate(answer["predictions"])]
    print_table(f"{model} version {answer['version']}", ("row", "answer"), shown)
    for flag in answer.get("flags", []):
        out.print(f"row {flag['row']}: {flag['column']} {flag['reason']}, {flag['policy']}", style="yellow")


def rollback(
    model: str,
    reason: Annotated[str, typer.Option(help="What is wrong; kept in the ledger.")] = "",
) -> None:
    """Put the previous champion back, through ``<model>.rollback``; ends when it serves."""
    settings = Settings.load()
    client = airflow(settings)
    run_id = f"rollback-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    client.wait_for_dag(f"{model}.rollback", timeout_s=60)
    client.trigger(f"{model}.rollback", run_id=run_id, conf={"reason": reason})
    if not follow_run(settings, f"{model}.rollback", run_id):
        raise typer.Exit(1)
    out.print(f"the previous champion of {model} serves again")
