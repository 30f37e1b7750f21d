"""``ledger verify`` and ``ledger show``: the chain of everything that happened."""

from __future__ import annotations

from typing import Annotated

import typer

from slipway.cli.output import AsJson, out, print_json, print_table
from slipway.settings import Settings

ledger_app = typer.Typer(help="The append-only, hash-chained record of evidence and decisions.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger_app, name="ledger")


@ledger_app.command()
def verify(as_json: AsJson = False) -> None:
    """Walk the whole chain; name the first entry that does not hold, and exit with 1."""
    from slipway.workflows.workbench import Workbench

    result = Workbench(Settings.load()).ledger.verify()
    if as_json:
        print_json({"entries": result.entries, "head": {"seq": result.head.seq, "hash": result.head.hash}})
    else:
        out.print(f"[green]the chain holds[/]: {result.entries} entries, head {result.head.hash}", soft_wrap=True)


@ledger_app.command()
def show(
    model: Annotated[str | None, typer.Option(help="Only this model's entries.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries."""
    from slipway.workflows.workbench import Workbench

    entries = Workbench(Settings.load()).ledger.entries(model=model)[-limit:]
    if as_json:
        print_json([entry.to_json() for entry in entries])
        return
    rows = [
        (e.seq, f"{e.at:%Y-%m-%d %H:%M:%S}", e.kind.value, f"{e.model} v{e.version}", e.actor, e.hash[7:19])
        for e in entries
    ]
    print_table("ledger", ("entry", "at (UTC)", "kind", "model", "by", "hash"), rows)
