"""The embedded stack as one thing: services, gateway, model servers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError
from slipway.settings import Settings
from slipway.stack import StackState
from slipway.stack import start as start_stack
from slipway.stack import status as stack_status
from slipway.stack import stop as stop_stack
from slipway.workflows.workbench import Workbench

Progress = Callable[[str], None]


def start_embedded(settings: Settings, *, progress: Progress) -> StackState:
    """Start Airflow, MLflow and the gateway; what runs already is kept."""
    from slipway.deploy.envoy import write_bootstrap

    def gateway_config(port: int, admin_port: int) -> Path:
        return write_bootstrap(settings.gateway, port=port, admin_port=admin_port)

    return start_stack(settings, progress=progress, gateway_config=gateway_config)


def stop_embedded(settings: Settings, *, progress: Progress) -> list[str]:
    """Stop model servers of this checkout in either runtime, then the services; return their names."""
    stopped = []
    for runtime in _runtimes(settings):
        for handle in runtime.list():
            runtime.stop(handle)
            stopped.append(handle.name)
            progress(f"stopped {handle.name}")
    return stopped + stop_stack(settings, progress=progress)


def fleet_status(settings: Settings) -> dict[str, Any]:
    """Return what runs as JSON values: services, model servers, routes."""
    servers = [handle for runtime in _runtimes(settings) for handle in runtime.list()]
    bench = Workbench(settings)
    return {
        "services": [s.to_json() for s in stack_status(settings).services],
        "servers": [{**handle.to_json(), "url": handle.url} for handle in servers],
        "routes": [
            {"model": model, "version": b.version, "weight": b.weight, "url": f"http://{b.host}:{b.port}"}
            for model, route in bench.gateway.routes().items()
            for b in route.backends
        ],
    }


def prepare_runtime(settings: Settings, *, progress: Progress) -> None:
    """See to it that a container engine that answers has a base image; say which runtime will be used, and why."""
    from slipway.runtime.commands import run
    from slipway.runtime.engine import engine_answers
    from slipway.runtime.select import base_image, open_runtime

    if settings.runtime != "process" and engine_answers():
        try:
            base_image(settings)
        except SlipwayError:
            script = settings.root / "containers" / "base" / "build.sh"
            progress("no base image here: making one from Debian packages")
            if os.geteuid() == 0:
                run([str(script)], timeout_s=900, cwd=settings.root, check=False)
    progress(f"runtime: {open_runtime(settings).name}")


def logins(settings: Settings) -> dict[str, str]:
    """Return the embedded Airflow's users and passwords; empty where Airflow is not ours."""
    try:
        return dict(json.loads(passwords_file(settings).read_text()))
    except (OSError, ValueError):
        return {}


def password_of(settings: Settings, user: str) -> str:
    """Return a user's password: of the embedded Airflow, else the settings' own."""
    return logins(settings).get(user, settings.airflow_password)


def passwords_file(settings: Settings) -> Path:
    """Where the embedded Airflow keeps its users' passwords."""
    return settings.var / "airflow" / "passwords.json"


def _runtimes(settings: Settings) -> list[Any]:
    from slipway.runtime.docker import DockerRuntime
    from slipway.runtime.engine import engine_answers
    from slipway.runtime.process import ProcessRuntime

    found: list[Any] = [ProcessRuntime(settings)]
    if engine_answers():
        found.append(DockerRuntime(settings))
    return found
