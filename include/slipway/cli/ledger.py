"""``ledger verify``, ``ledger anchor`` and ``ledger show``: the chain of everything that happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from slipway.cli.output import AsJson, err, out, print_json, print_table, working
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.core.finding import Finding
    from slipway.ledger.proof import Verification

ledger_app = typer.Typer(help="The append-only, hash-chained record of evidence and decisions.", no_args_is_help=True)
_STYLES = {"fail": "bold red", "unknown": "yellow", "warn": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger_app, name="ledger")


@ledger_app.command()
def verify(as_json: AsJson = False) -> None:
    """Walk the whole chain beside every anchor; name the first entry that does not hold, and exit with 1."""
    from slipway.core.verdict import Outcome
    from slipway.workflows.anchor import verify_ledger
    from slipway.workflows.workbench import Workbench

    with working("walking the chain"):
        found = verify_ledger(Workbench(Settings.load()))
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)
    if found.outcome is Outcome.FAILED:
        raise typer.Exit(1)


def _print(found: Verification) -> None:
    if found.head is not None:
        out.print(f"[green]the chain holds[/]: {found.entries} entries, head {found.head.hash}", soft_wrap=True)
    if found.anchors:
        beyond = "entry lies" if found.beyond == 1 else "entries lie"
        out.print(f"{found.anchors} anchors were used; {found.beyond} {beyond} beyond the last one", soft_wrap=True)
    for finding in found.findings:
        print_finding(finding)


def print_finding(finding: Finding) -> None:
    """Print what is wrong and what to do about it, to the stream of errors."""
    style = _STYLES[finding.severity.value]
    err.print(Text.assemble((finding.kind.value, style), f": {finding.what}."), soft_wrap=True)
    err.print(Text.assemble(("What to do:", "bold"), f" {finding.remedy}."), soft_wrap=True)


@ledger_app.command()
def anchor(as_json: AsJson = False) -> None:
    """Sign the ledger's head and keep it outside the database: in the anchor file and in MLflow."""
    from slipway.workflows.anchor import anchor_ledger
    from slipway.workflows.workbench import Workbench

    done = anchor_ledger(Workbench(Settings.load(), say=lambda line: err.print(line, markup=False, soft_wrap=True)))
    if as_json:
        print_json(done.to_json())
        return
    out.print(f"entry {done.head.seq} is anchored, signed with {done.head.key}", soft_wrap=True)
    for place, where in done.where.items():
        out.print(f"  {place}: {where}", markup=False, soft_wrap=True)


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
