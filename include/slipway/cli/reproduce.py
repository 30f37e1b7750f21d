"""``reproduce``: build an old version again and prove that it still answers the same."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer
from rich.text import Text

from slipway.cli.output import AsJson, chip, err, out, print_json
from slipway.core.verdict import Outcome
from slipway.settings import Settings
from slipway.specs import model_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reproduce)


def reproduce(
    model: str,
    version: Annotated[int | None, typer.Option(min=1, help="This version; the newest if left out.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every version that was released once.")] = False,
    base: Annotated[
        str | None, typer.Option(help="Build on this base image: contents then differ by design, answers must not.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a version again from lock, wheel cache and artifact, without network, and compare content and answers.

    Exits 0 only if each was built again and answers as it did, to the last bit.
    """
    from slipway.workflows.reproduce import choose, report_path, sentence
    from slipway.workflows.reproduce import reproduce as build_again
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    model_folder(settings, model)
    bench = Workbench(settings, say=lambda line: err.print(line, style="dim", markup=False, soft_wrap=True))
    drill = f"{bench.now():%Y%m%dT%H%M%SZ}"
    versions = choose(bench, model, version=version, every=every)
    found = build_again(bench, versions, actor=getpass.getuser(), base=base, drill=drill)
    if as_json:
        print_json([one.to_json() for one in found])
    for one in found if not as_json else ():
        outcome = one.verdict.outcome
        _, _, said = sentence(one).partition(": ")
        out.print(Text.assemble(f"{one.subject.model} version {one.subject.version} ", chip(outcome), f" {said}"))
        for line in _differences(one.to_json()):
            out.print(f"  {line}", markup=False, soft_wrap=True)
        out.print(f"  in full: {settings.reports / report_path(one, drill)}", markup=False, soft_wrap=True)
    if any(one.verdict.outcome is not Outcome.PASSED for one in found):
        raise typer.Exit(1)


def _differences(result: dict[str, Any]) -> list[str]:
    content, answers = result["content"] or {}, result["answers"] or {}
    shown = list(result["notes"])
    if not content.get("other_base"):
        shown += content.get("paths", [])[:10]
    return shown + [
        f"golden row {one['row']}: {one['before']!r}, now {one['after']!r}" for one in answers.get("examples", [])
    ]
