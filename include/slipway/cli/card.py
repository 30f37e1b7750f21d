"""``card``: what a version is for, what it was shown to do, and what it must not be used for."""

from __future__ import annotations

from typing import Annotated

import typer

from slipway.cli.output import AsJson, err, out, print_json, working
from slipway.cli.report import open_page
from slipway.core.cardformat import CardFormat
from slipway.settings import Settings
from slipway.specs import model_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(card)


def card(
    model: str,
    version: Annotated[int | None, typer.Option(min=1, help="The champion, or the newest, if left out.")] = None,
    form: Annotated[CardFormat, typer.Option("--format", help="What to write.")] = CardFormat.HTML,
    as_json: AsJson = False,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Write a version's model card: numbers from evidence, prose from card.md, the difference to the champion first."""
    from slipway.workflows.model_card import model_card, write_card
    from slipway.workflows.workbench import Workbench

    settings = Settings.load()
    model_folder(settings, model)
    bench = Workbench(settings, say=lambda line: err.print(line, markup=False, soft_wrap=True))
    with working(f"gathering the card of {model}"):
        made = model_card(bench, model, version=version)
        path = write_card(bench, made, form=form)
    if as_json:
        print_json(made.to_json() | {"path": str(path)})
    else:
        out.print(made.title, style="bold", markup=False, soft_wrap=True)
        figures = " · ".join(f"{name} {value}" for name, value in made.figures.items())
        out.print(figures, markup=False, soft_wrap=True)
        out.print(f"in full: {path}", markup=False, soft_wrap=True)
    if show:
        open_page(path)
