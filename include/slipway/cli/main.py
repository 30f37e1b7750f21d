"""``slipway``: onboard, train, release, look, roll back."""

from __future__ import annotations

import sys

import typer

from slipway.cli import decide, demo, fleet, ledger, onboard, release, services, traffic
from slipway.cli.output import err
from slipway.errors import SlipwayError

app = typer.Typer(
    name="slipway",
    help="Take a registered model to production through gates, and keep it honest there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
for module in (demo, services, onboard, release, decide, fleet, ledger, traffic):
    module.register(app)


def main() -> None:
    """Run the program; an error of ours is one paragraph and exit code 1, never a traceback."""
    try:
        app()
    except SlipwayError as error:
        err.print(f"[bold red]{type(error).__name__}[/] {_escape(error.reason)}.", soft_wrap=True)
        err.print(f"[bold]What to do:[/] {_escape(error.remedy)}.", soft_wrap=True)
        sys.exit(1)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
