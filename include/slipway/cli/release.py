"""``release``: trigger a release's DAG run through Airflow and follow it to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from slipway.cli.clients import start_run
from slipway.cli.follow import follow_release
from slipway.cli.output import out
from slipway.core.loadprofile import load_profile
from slipway.errors import VersionNotFound
from slipway.settings import Settings

LoadProfileName = Annotated[str, typer.Option("--load-profile", help="smoke, standard, article or surge.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(release)


def release(
    model: str,
    version: Annotated[int | None, typer.Option(min=1, help="The registered version; the newest if left out.")] = None,
    load_profile_name: LoadProfileName = "standard",
    reason: Annotated[str, typer.Option(help="Why now; kept in the ledger.")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Show each step, and end when the release ends.")] = False,
) -> None:
    """Release a version through every gate. With --follow the exit code is 0 only when it is champion."""
    settings = Settings.load()
    run_id = trigger(settings, model, version=version, profile=load_profile_name, reason=reason)
    out.print(f"release {run_id} of {model} has started: {run_url(settings, model, run_id)}", soft_wrap=True)
    if not follow:
        out.print(f"follow it there; `slipway report {model}` tells it on one page")
        return
    if not follow_release(settings, model, run_id):
        raise typer.Exit(1)


def trigger(settings: Settings, model: str, *, version: int | None, profile: str, reason: str) -> str:
    """Start ``<model>.release`` and return the run's id; the declaration and the version are checked first."""
    from slipway.workflows.workbench import Workbench

    load_profile(profile)
    versions = [found.version for found in Workbench(settings).registry.versions(model)]
    resolved = max(versions, default=0) if version is None else version
    if resolved not in versions:
        raise VersionNotFound(
            f"{model} has no version {resolved or 'yet'}", remedy=f"train one with `slipway train {model}`"
        )
    run_id = f"release-v{resolved}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    conf = {"version": resolved, "load_profile": profile, "reason": reason}
    start_run(settings, f"{model}.release", run_id=run_id, conf=conf)
    return run_id


def run_url(settings: Settings, model: str, run_id: str) -> str:
    """Return the page of a release in Airflow."""
    return f"{settings.airflow_url}/dags/{model}.release/runs/{run_id}"
