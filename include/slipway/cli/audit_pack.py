"""``audit-pack``: one archive that an auditor verifies offline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from slipway.cli.output import AsJson, err, out, print_json
from slipway.errors import EvidenceError
from slipway.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="audit-pack")(audit_pack)


def audit_pack(
    file: Annotated[Path, typer.Option("--out", help="The archive to write, FILE.zip.")],
    model: Annotated[str | None, typer.Argument(help="The model; or --fleet.")] = None,
    fleet: Annotated[bool, typer.Option("--fleet", help="Every model that the ledger knows.")] = False,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write ledger, evidence, reports, cards, approvals and declarations with a program that verifies them offline.

    Exits 1 if the pack does not verify: something on this host was altered or is gone.
    """
    from slipway.workflows.audit_pack import audit_pack as write
    from slipway.workflows.workbench import Workbench

    if fleet is (model is not None):
        raise EvidenceError("say which model, or --fleet", remedy="run `slipway audit-pack MODEL --out FILE.zip`")
    bench = Workbench(Settings.load(), say=lambda line: err.print(line, markup=False, soft_wrap=True))
    with _progress() as bar:
        task = bar.add_task("files", total=None)
        made = write(
            bench,
            [model] if model else [],
            file,
            since=first and first.replace(tzinfo=UTC),
            until=last and last.replace(tzinfo=UTC) + timedelta(days=1),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print_json(made.to_json())
    else:
        for sentence in made.holds:
            out.print(sentence, markup=False, soft_wrap=True)
        out.print(f"written: {file}", markup=False, soft_wrap=True)
        out.print(f"the manifest's digest, to give by another way: {made.packed.manifest_sha256}", soft_wrap=True)
    if made.problem:
        err.print(f"The pack does not verify: {made.problem}", style="bold red", markup=False, soft_wrap=True)
        err.print("It is written as it is: the auditor will see the same.", soft_wrap=True)
        raise typer.Exit(1)


def _progress() -> Progress:
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=err, transient=True)
