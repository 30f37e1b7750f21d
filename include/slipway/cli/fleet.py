"""``models`` and ``evidence``: what there is, and what each gate found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from slipway.cli.output import AsJson, chip, err, out, print_json, print_table
from slipway.core.evidence import Evidence
from slipway.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(models)
    app.command()(evidence)


def models(as_json: AsJson = False) -> None:
    """List every onboarded model: owner, risk tier, champion, newest version.

    A model whose model.yaml does not hold is listed with its problem, the others as usual; the exit code is then 1.
    """
    from slipway.workflows.inventory import inventory
    from slipway.workflows.workbench import Workbench

    found = inventory(Workbench(Settings.load()))
    broken = [m for m in found if m["problem"]]
    if as_json:
        print_json(found)
    else:
        print_table(
            "models", ("model", "owner", "tier", "champion", "newest", "last release"), [_row(m) for m in found]
        )
    for m in broken:
        err.print(Text.assemble((m["name"], "bold red"), f": {m['problem']}"), soft_wrap=True)
    if broken:
        remedy = "correct what is named; every other model is listed as it is"
        err.print(Text.assemble(("What to do:", "bold"), f" {remedy}."), soft_wrap=True)
        raise typer.Exit(1)


def _row(m: Mapping[str, Any]) -> tuple[Any, ...]:
    if m["problem"]:
        return (m["name"], Text("broken", style="red"), "-", "-", "-", m["last_release"] or "never")
    return (m["name"], m["owner"], m["risk_tier"], _v(m["champion"]), _v(m["newest"]), m["last_release"] or "never")


def evidence(
    model: str,
    version: Annotated[int | None, typer.Option(min=1, help="Only this version's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what each gate measured, against which threshold, on which bytes."""
    from slipway.specs import model_folder
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    model_folder(settings, model)
    found = Workbench(settings).ledger.evidence(model, version)
    if as_json:
        print_json([e.to_json() for e in found])
        return
    if not found:
        which = model if version is None else f"{model} version {version}"
        out.print(f"no evidence on {which} yet: `slipway release {model}`")
    for item in found:
        print_evidence(item)


def print_evidence(item: Evidence) -> None:
    """Print one check's evidence."""
    bytes_and_time = f" {item.subject} · {item.runtime} · {item.seconds:.1f} s"
    out.print(Text.assemble("\n", (item.check.value, "bold"), " ", chip(item.outcome), bytes_and_time), soft_wrap=True)
    rows: list[tuple[Any, ...]] = [
        (
            f"  {m.name}",
            _number(m.value),
            _limit(m.bound, m.threshold),
            m.unit,
            m.n,
            chip(m.outcome) if m.outcome is not None else "",
        )
        for m in item.measurements
    ]
    if rows:
        print_table("", ("  measurement", "value", "limit", "unit", "n", ""), rows)
    for reason in item.reasons:
        out.print(f"  {reason}", style="red", markup=False, soft_wrap=True)
    for report in item.reports:
        out.print(f"  {report.path}", style="dim", markup=False, soft_wrap=True)


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.6g}"


def _limit(bound: Any, threshold: float | None) -> str:
    return "" if threshold is None else f"{'<=' if bound.value == 'max' else '>='} {threshold:.6g}"


def _v(version: int | None) -> str:
    return "none" if version is None else f"v{version}"
