"""``demo-monitoring``: two weeks of rows scored day by day, a drift on the tenth, the alert and the trend."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta

import typer

from slipway.cli.demo import MODEL, demo
from slipway.cli.operate import open_alerts, print_alerts, run_interval, trend_file
from slipway.cli.output import err, out
from slipway.settings import Settings

DAYS, DRIFTS_ON, ROWS = 14, 10, 2_000
SHIFTED, SIZE = "worst_texture", 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo-monitoring")(demo_monitoring)


def demo_monitoring(
    days: int = typer.Option(DAYS, min=DRIFTS_ON + 1, help="How many days to score and watch."),
) -> None:
    """Score the example model day by day, let one input drift on day 10, and show the alert and the trend."""
    from slipway.workflows.embedded import start_embedded

    began = time.monotonic()
    if not _has_champion(Settings.load()):
        demo(model=MODEL, profile="smoke")
    start_embedded(Settings.load(), progress=lambda line: err.print(f"  {line}", markup=False))
    settings = Settings.load()
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    err.print(
        f"\n[bold]{days} days of {ROWS} rows; {SHIFTED} moves by {SIZE:g} standard deviations on day {DRIFTS_ON}[/]"
    )
    write_sample_days(settings, first, days)
    for day in range(days):
        start = first + timedelta(days=day)
        err.print(f"\n[bold]day {day + 1}, {start:%Y-%m-%d}[/]")
        for kind in ("score", "monitor"):
            if not run_interval(settings, f"{MODEL}.{kind}", start, start + timedelta(days=1)):
                raise typer.Exit(1)
    print_alerts(settings, MODEL)
    out.print(f"the trend: {trend_file(settings, MODEL)}", markup=False, soft_wrap=True)
    out.print(f"\nThe demo took {time.monotonic() - began:.0f} s. `make stop` ends what it started.")
    if not any(SHIFTED in alert["cause"] for alert in open_alerts(settings, MODEL)):
        err.print(f"the drift of {SHIFTED} raised no alert", style="bold red")
        raise typer.Exit(1)


def write_sample_days(settings: Settings, first: datetime, days: int) -> None:
    """Write the days' rows and labels where the example model's declaration looks for them."""
    import pandas as pd

    from slipway.quality.snapshot import read_table
    from slipway.replay.files import INPUTS, write_days
    from slipway.replay.generator import Replay
    from slipway.replay.shifts import Shift, ShiftKind
    from slipway.workflows.scoring_run import answering_now, declared_scoring
    from slipway.workflows.workbench import Workbench

    bench = Workbench(settings)
    files = bench.registry.files(MODEL, answering_now(bench, MODEL).subject.version)
    replay = Replay(
        spec=bench.spec(MODEL),
        base=pd.concat([read_table(files.train), read_table(files.holdout)], ignore_index=True),
        first_day=first.date(),
        rows_per_day=ROWS,
        shifts=(Shift(ShiftKind.MEAN, SHIFTED, SIZE, from_day=DRIFTS_ON),),
    )
    source = declared_scoring(bench, MODEL).source.folder
    assert source is not None and source.endswith(f"/{INPUTS}"), "the example's rows come from a folder"
    folder = (settings.var / source).parent
    shutil.rmtree(folder, ignore_errors=True)
    write_days(replay, range(1, days + 1), folder)


def _has_champion(settings: Settings) -> bool:
    from slipway.ledger.entries import SERVING_KINDS
    from slipway.workflows.workbench import Workbench

    return bool(Workbench(settings).ledger.entries(model=MODEL, kinds=SERVING_KINDS))
