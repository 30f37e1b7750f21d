"""``report`` and ``champion``: why a release ended as it did, and who is champion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.output import AsJson, err, out, print_json, print_table
from slipway.settings import Settings
from slipway.specs import model_folder


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(report)
    app.command()(champion)


def report(
    model: str,
    version: Annotated[int | None, typer.Option(min=1, help="The newest release of this version.")] = None,
    release: Annotated[str | None, typer.Option(help="This release; the newest one if left out.")] = None,
    as_json: AsJson = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Tell a release on one page: what stopped it, every value against its threshold, what to do next."""
    from slipway.workflows.release_report import release_story, write_release_report
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    model_folder(settings, model)
    bench = Workbench(settings)
    story = release_story(bench, model, version=version, release=release)
    page = write_release_report(bench, model, release=story.release)
    if as_json:
        print_json(story.to_json() | {"page": str(page)})
    else:
        out.print(story.headline, style="bold", markup=False, soft_wrap=True)
        for line in filter(None, (story.because, *(f"What to do: {sentence}" for sentence in story.what_next))):
            out.print(line, markup=False, soft_wrap=True)
        for path in story.altered:
            err.print(f"altered after it was recorded: {path}", style="red", markup=False, soft_wrap=True)
        out.print(f"in full: {page}", markup=False, soft_wrap=True)
    if show:
        open_page(page)


def open_page(page: Path) -> None:
    """Open a page in a browser; say where it is where there is none."""
    import webbrowser

    if not webbrowser.open(page.as_uri()):
        err.print(f"there is no browser here; open {page} yourself", markup=False, soft_wrap=True)


def champion(
    model: str,
    as_recorded: Annotated[
        bool, typer.Option("--as-recorded", help="Point the registry's alias at the champion that the ledger knows.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show who is champion in the registry and in the ledger. They must agree: exits 1 where they do not."""
    import getpass

    from slipway.workflows.standing import CHAMPION, put_alias_right, recorded
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    model_folder(settings, model)
    bench = Workbench(settings)
    if as_recorded:
        put_alias_right(bench, model, actor=getpass.getuser())
    alias, known = bench.registry.alias(model, CHAMPION), recorded(bench, model)
    agree = known is None or known.version == alias
    if as_json:
        print_json({"registry": alias, "ledger": None if known is None else known.version, "agree": agree})
    else:
        rows = [("registry", _v(alias)), ("ledger", "never knew one" if known is None else _v(known.version))]
        print_table(f"champion of {model}", ("says", "version"), rows)
    if not agree:
        err.print(f"They disagree: `slipway champion {model} --as-recorded` makes the alias follow the ledger.")
        raise typer.Exit(1)


def _v(version: int | None) -> str:
    return "none" if version is None else f"v{version}"
