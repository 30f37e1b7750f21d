"""``audit``: is everything still as it was recorded?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.text import Text

from slipway.cli.ledger import print_finding
from slipway.cli.output import AsJson, chip, err, out, print_json
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.workflows.audit import Audit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(as_json: AsJson = False) -> None:
    """Compare ledger, anchors, reports and champions with what was recorded; exit with 1 unless all of it holds.

    It does what the DAG fleet.audit does: new findings are recorded and paged, a moved alias is put back where
    model.yaml says so, and the ledger is anchored.
    """
    from slipway.core.verdict import Outcome
    from slipway.workflows.audit import audit as make_audit
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    bench = Workbench(settings, say=lambda line: err.print(line, markup=False, style="dim", soft_wrap=True))
    found = make_audit(bench, actor="slipway audit")
    if as_json:
        print_json(found.to_json())
    else:
        _print(found, str(settings.reports / found.report))
    if found.outcome is not Outcome.PASSED:
        raise typer.Exit(1)


def _print(found: Audit, page: str) -> None:
    compared = (
        f" {found.ledger.entries} ledger entries, {found.reports.files} report files, {len(found.models)} models; "
        f"{len(found.findings)} findings, {len(found.new)} of them new"
    )
    out.print(Text.assemble(("audit ", "bold"), chip(found.outcome), compared), soft_wrap=True)
    for finding in found.findings:
        print_finding(finding)
    out.print(f"the page: {page}", markup=False, soft_wrap=True)
