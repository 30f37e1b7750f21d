"""``retention``, ``hold``, ``release-hold``, ``restore`` and ``decommission``: what is kept, how long."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from slipway.cli.output import AsJson, err, out, print_json, print_table, working
from slipway.core.retention import Action
from slipway.errors import SpecError
from slipway.settings import Settings
from slipway.specs import model_folder

if TYPE_CHECKING:
    from slipway.workflows.retain import Retained
    from slipway.workflows.workbench import Workbench

Version = Annotated[int, typer.Option(min=1, help="The version's number.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
STYLES = {Action.KEEP: "green", Action.REMOVE: "bold red", Action.GONE: "dim"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(retention)
    app.command()(hold)
    app.command("release-hold")(release_hold)
    app.command()(restore)
    app.command()(decommission)


def retention(
    model: Annotated[str | None, typer.Argument(help="Only this model's; all if left out.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Carry the plan out; without it nothing is changed.")] = False,
    plan: Annotated[str, typer.Option(help="With --apply: carry out this earlier plan, by its digest.")] = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show which versions stay and which would be archived and removed, and why; with --apply, do exactly that.

    A version is archived, the archive is read back, and only then it is removed. Exits 1 if something stood in the
    way of a version; the others were done.
    """
    from slipway.workflows.retain import apply_retention, plan_retention
    from slipway.workflows.retention_page import size

    if plan and not apply:
        raise SpecError("--plan names what to carry out", remedy="add --apply, or leave --plan out for a new plan")
    settings = Settings.load()
    if model is not None:
        model_folder(settings, model)
    bench, digest = _bench(settings), plan
    if not digest:
        with working("looking at every version"):
            done = plan_retention(bench, None if model is None else [model], actor=getpass.getuser())
        digest = done.digest
        if not as_json or not apply:
            _show(done, as_json=as_json)
    if apply:
        if not yes and not as_json:
            freed = "" if plan else f" ({len(done.plan.removals)} versions, {size(done.plan.bytes)})"
            typer.confirm(f"Carry out plan {digest[7:19]}{freed}?", abort=True)
        done = apply_retention(bench, digest, actor=getpass.getuser())
        _show(done, as_json=as_json)
    if done.problems:
        raise typer.Exit(1)


def hold(model: str, version: Version, reason: Reason = "") -> None:
    """Put a legal hold on a version: retention leaves it alone until the hold is lifted."""
    from slipway.workflows.holds import hold as put_on_hold

    settings = Settings.load()
    model_folder(settings, model)
    put_on_hold(_bench(settings), model, version, actor=getpass.getuser(), reason=reason)


def release_hold(model: str, version: Version, reason: Reason = "") -> None:
    """Lift a legal hold that ``slipway hold`` put on a version."""
    from slipway.workflows.holds import lift_hold

    settings = Settings.load()
    model_folder(settings, model)
    lift_hold(_bench(settings), model, version, actor=getpass.getuser(), reason=reason)


def restore(
    model: str,
    version: Version,
    reason: Reason = "",
    reports_only: Annotated[bool, typer.Option("--reports-only", help="Put back its report files alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring an archived version back into the registry, its files verified bit for bit; then release it as usual."""
    from slipway.workflows.restore_version import restore_reports, restore_version

    settings = Settings.load()
    model_folder(settings, model)
    bench = _bench(settings)
    if reports_only:
        count = restore_reports(bench, model, version)
        if as_json:
            print_json({"model": model, "version": version, "reports": count})
        else:
            out.print(f"{count} report files of {model} version {version} are back below {settings.reports}")
        return
    done = restore_version(bench, model, version, actor=getpass.getuser(), reason=reason)
    if as_json:
        print_json(done.to_json())
        return
    out.print(
        f"{model} version {done.restored_as} is back; `slipway release {model} --version {done.restored_as}`"
        " builds its image and judges it",
        soft_wrap=True,
    )


def decommission(
    model: str,
    reason: Reason = "",
    lift: Annotated[bool, typer.Option("--lift", help="Let a decommissioned model be released again.")] = False,
    yes: Yes = False,
) -> None:
    """Stop a model for good: no traffic, no service, no alias, no release; its evidence is kept for its period."""
    from slipway.workflows.decommission import commission
    from slipway.workflows.decommission import decommission as stop_for_good

    settings = Settings.load()
    model_folder(settings, model)
    bench = _bench(settings)
    if lift:
        commission(bench, model, actor=getpass.getuser(), reason=reason)
        return
    if not yes:
        typer.confirm(f"Stop {model} for good? It serves nobody from then on", abort=True)
    stop_for_good(bench, model, actor=getpass.getuser(), reason=reason)


def _bench(settings: Settings) -> Workbench:
    from slipway.workflows.workbench import Workbench

    return Workbench(settings, say=lambda line: err.print(line, markup=False, soft_wrap=True))


def _show(done: Retained, *, as_json: bool) -> None:
    from slipway.workflows.retention_page import page_path, size

    if as_json:
        print_json(done.to_json())
        return
    rows = [
        (
            row.model,
            row.version,
            _chip(row.action),
            f"{row.bytes:,}" if row.bytes else "",
            f"it {row.reason}",
        )
        for row in done.plan.rows
    ]
    print_table("retention", ("model", "version", "", "bytes", "why"), rows)
    for problem in done.problems:
        err.print(Text.assemble(("problem", "bold red"), f" {problem}"), soft_wrap=True)
    page = Path(Settings.load().reports / page_path(done.digest))
    told = f"reclaimed {size(done.bytes)}" if done.applied else f"would reclaim {size(done.plan.bytes)}"
    out.print(f"{told}; plan {done.digest}\npage: {page}", markup=False, soft_wrap=True)


def _chip(action: Action) -> Text:
    return Text(action.value, style=STYLES[action])
