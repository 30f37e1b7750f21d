"""``demo``: from nothing to an answer at the gateway, through every gate, without a question asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from slipway.cli.clients import airflow
from slipway.cli.decide import answer
from slipway.cli.follow import follow_release
from slipway.cli.output import err, out
from slipway.cli.release import run_url, trigger
from slipway.cli.services import print_addresses
from slipway.core.evidence import Check
from slipway.core.verdict import Measurement, Outcome
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.core.evidence import Evidence

MODEL = "tumor_malignancy"
APPROVER = "officer"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    model: str = typer.Option(MODEL, help="Which model to release."),
    profile: str = typer.Option("smoke", help="Which load profile its load test uses."),
) -> None:
    """Start everything, train a model, release it through every gate, and ask the champion at the gateway."""
    from slipway.workflows.embedded import prepare_runtime, start_embedded
    from slipway.workflows.train import train

    began = time.monotonic()
    settings = Settings.load()
    _title("1. the services: Airflow, MLflow, the gateway")
    start_embedded(settings, progress=_line)
    settings = Settings.load()
    prepare_runtime(settings, progress=_line)
    _title(f"2. train {model} and register it")
    trained = train(settings, model)
    _line(f"version {trained['version']}: " + ", ".join(f"{k} {v:.4f}" for k, v in trained["metrics"].items()))
    _title(f"3. release version {trained['version']}: {model}.release in Airflow")
    run_id = trigger(settings, model, version=int(trained["version"]), profile=profile, reason="the demo")
    _line(run_url(settings, model, run_id))
    if not follow_release(settings, model, run_id, on_waiting=lambda: _approve(settings, model)):
        raise typer.Exit(1)
    _title("4. ask the champion at the gateway")
    if not _ask(settings, model, int(trained["version"])):
        raise typer.Exit(1)
    _summary(settings, model, run_id)
    print_addresses(settings)
    out.print(f"\nThe demo took {time.monotonic() - began:.0f} s. `make stop` ends what it started.")


def _approve(settings: Settings, model: str) -> None:
    answer(settings, model, option="Approve", comment="approved by the demo", user=APPROVER)
    _line(f"approved by {APPROVER}, who is not the one who asked")


def _ask(settings: Settings, model: str, version: int) -> bool:
    from slipway.workflows.predict import predict, sample_rows

    rows = sample_rows(settings, model, count=2)
    reply = predict(settings, model, rows)
    _line(f"POST {settings.gateway_url}/models/{model}/invocations")
    _line(f"version {reply['version']} answers {reply['predictions']}")
    return bool(reply["version"] == version)


def _summary(settings: Settings, model: str, run_id: str) -> None:
    from slipway.workflows.leadtime import lead_time
    from slipway.workflows.workbench import Workbench

    evidence = [e for e in Workbench(settings).ledger.evidence(model) if e.release == run_id]
    for item in evidence:
        if item.check is Check.TUNE_SERVING and item.outcome is Outcome.PASSED:
            _line(f"tuned: {item.details['reason']}")
        if item.check is Check.LOAD_TEST and item.outcome is Outcome.PASSED:
            _line(_latency(item))
    timing = lead_time(airflow(settings), f"{model}.release", run_id, evidence)
    _line(
        f"lead time {timing.wall:.1f} s: the gates' own work {timing.gates:.1f} s, approval {timing.waiting:.1f} s, "
        f"everything else {timing.overhead:.1f} s"
    )


def _latency(evidence: Evidence) -> str:
    values = {m.name: m for m in evidence.measurements}
    p95, p99 = values["latency.p95"], values["latency.p99"]
    return f"under load: {_against('p95', p95)}, {_against('p99', p99)}"


def _against(name: str, measured: Measurement) -> str:
    return f"{name} {measured.value:.1f} ms (limit {measured.threshold:g})"


def _title(text: str) -> None:
    err.print(f"\n[bold]{text}[/]")


def _line(text: str) -> None:
    err.print(f"  {text}", markup=False, soft_wrap=True)
