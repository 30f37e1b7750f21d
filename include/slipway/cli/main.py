"""``slipway``: onboard, train, release, look, roll back."""

from __future__ import annotations

import sys

import typer
from rich.text import Text

from slipway.cli import (
    decide,
    demo,
    demo_monitoring,
    fleet,
    ledger,
    lineage,
    onboard,
    operate,
    release,
    report,
    services,
    traffic,
)
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
COMMANDS = (
    demo,
    demo_monitoring,
    services,
    onboard,
    release,
    report,
    decide,
    operate,
    fleet,
    ledger,
    lineage,
    traffic,
)
for module in COMMANDS:
    module.register(app)


def main() -> None:
    """Run the program; an error of ours is one paragraph and exit code 1, never a traceback."""
    from slipway.workflows.disk import disk_explained

    try:
        with disk_explained():
            app()
    except SlipwayError as error:
        err.print(Text.assemble((type(error).__name__, "bold red"), f" {error.reason}."), soft_wrap=True)
        err.print(Text.assemble(("What to do:", "bold"), f" {error.remedy}."), soft_wrap=True)
        sys.exit(1)
