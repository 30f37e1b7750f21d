"""``score``, ``monitor`` and ``alerts``: batch runs on demand, the nightly watch, and what it has found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from slipway.cli.clients import start_run
from slipway.cli.follow import follow_run
from slipway.cli.output import AsJson, out, print_json, print_table
from slipway.errors import SpecError
from slipway.settings import Settings
from slipway.specs import load_model

From = Annotated[str, typer.Option("--from", help="Start of the interval, UTC: 2026-03-01 or 2026-03-01T06:00.")]
To = Annotated[str, typer.Option("--to", help="End of the interval, not included; a day after its start if left out.")]
Day = Annotated[str, typer.Option(help="The day to judge, UTC; yesterday if left out.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(score)
    app.command()(monitor)
    app.command()(alerts)


def score(model: str, start: From, end: To = "") -> None:
    """Score the rows of an interval with the version that serves, through the model's score DAG; ends when it does."""
    settings = Settings.load()
    if load_model(settings, model).scoring is None:
        raise SpecError(f"{model} declares no batch scoring", remedy="add `scoring:` to its model.yaml")
    begin = _moment(start)
    if not run_interval(settings, f"{model}.score", begin, _moment(end) if end else begin + timedelta(days=1)):
        raise typer.Exit(1)


def monitor(model: str, day: Day = "") -> None:
    """Compare a scored day with its reference and decide alerts, through the model's monitor DAG."""
    settings = Settings.load()
    if load_model(settings, model).monitoring is None:
        raise SpecError(f"{model} declares no monitoring", remedy="add `monitoring:` to its model.yaml")
    begin = _moment(day) if day else _midnight(datetime.now(UTC)) - timedelta(days=1)
    if not run_interval(settings, f"{model}.monitor", begin, begin + timedelta(days=1)):
        raise typer.Exit(1)
    print_alerts(settings, model)
    out.print(f"the trend of weeks: {trend_file(settings, model)}", markup=False, soft_wrap=True)


def alerts(model: str, as_json: AsJson = False) -> None:
    """List a model's open alerts, each with what to do next."""
    settings = Settings.load()
    load_model(settings, model)
    if as_json:
        print_json(open_alerts(settings, model))
        return
    print_alerts(settings, model)


def run_interval(settings: Settings, dag_id: str, start: datetime, end: datetime) -> bool:
    """Run a DAG over an interval and follow it to its end; True if it succeeded."""
    run_id = f"{dag_id.rpartition('.')[2]}-{start:%Y%m%dT%H%M}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    start_run(settings, dag_id, run_id=run_id, conf={"start": start.isoformat(), "end": end.isoformat()})
    return follow_run(settings, dag_id, run_id)


def open_alerts(settings: Settings, model: str) -> list[dict[str, Any]]:
    """Return a model's open alerts as JSON values, oldest first."""
    from slipway.monitoring.alerts import AlertState
    from slipway.workflows.monitor import open_store
    from slipway.workflows.workbench import Workbench

    found = open_store(Workbench(settings)).alerts(model, states=[AlertState.OPEN])
    return [
        {
            "cause": alert.cause,
            "severity": alert.severity.value,
            "version": alert.version,
            "first_seen": alert.first_seen.isoformat(),
            "last_seen": alert.last_seen.isoformat(),
            "said": alert.said,
            "next_step": alert.next_step,
        }
        for alert in found
    ]


def print_alerts(settings: Settings, model: str) -> None:
    """Print a model's open alerts."""
    found = open_alerts(settings, model)
    if not found:
        out.print(f"{model} has no open alert")
        return
    columns = ("severity", "cause", "since", "last seen", "what was seen", "what to do")
    names = ("severity", "cause", "first_seen", "last_seen", "said", "next_step")
    print_table(f"open alerts of {model}", columns, [[one[name] for name in names] for one in found])


def trend_file(settings: Settings, model: str) -> str:
    """Return where the page of a model's weeks is."""
    from slipway.workflows.watch_trend import trend_path

    return str(settings.reports / trend_path(model))


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise SpecError(f"{text!r} is no time", remedy="write 2026-03-01, or 2026-03-01T06:00") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(date(moment.year, moment.month, moment.day), datetime.min.time(), tzinfo=UTC)
