"""The embedded stack as one thing: services, gateway, model servers."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway.core.service import Runtime
from slipway.errors import EngineUnavailable, ImageBuildError
from slipway.settings import Settings
from slipway.stack.stack import start as start_stack
from slipway.stack.stack import status as stack_status
from slipway.stack.stack import stop as stop_stack
from slipway.workflows.restore import Restoration, Restored, restore_champions
from slipway.workflows.workbench import Workbench

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a start came to: the services that run, and what became of each champion."""

    services: int
    champions: tuple[Restored, ...]

    @property
    def healthy(self) -> bool:
        """Whether every champion serves."""
        return all(champion.outcome is not Restoration.FAILED for champion in self.champions)


def start_embedded(settings: Settings, *, progress: Progress) -> Started:
    """Start Airflow, MLflow and the gateway, then put every champion that does not run back into service.

    What runs already is kept. A champion that cannot be restored is told, and does not fail the start.

    Raises
    ------
    StackError
        If a service does not become healthy; what this call started is ended then.
    LedgerError
        If nobody can tell which champions there are; the services run then.
    """
    from slipway.deploy.files import write_bootstrap

    def gateway_config(port: int, admin_port: int) -> Path:
        return write_bootstrap(settings.gateway, port=port, admin_port=admin_port)

    state = start_stack(settings, progress=progress, gateway_config=gateway_config)
    now = replace(
        settings,
        tracking_uri=state.addresses.tracking_uri,
        gateway_url=state.addresses.gateway_url,
        gateway_admin_url=state.addresses.gateway_admin_url,
    )
    runtimes = {runtime.name: runtime for runtime in _runtimes(now)}
    champions = restore_champions(Workbench(now, say=progress), runtimes)
    return Started(services=len(state.services), champions=champions)


def stop_embedded(settings: Settings, *, progress: Progress) -> list[str]:
    """Stop the services, then the model servers of this checkout in either runtime; return their names.

    The scheduler goes first: a gate that is still at work must not see its candidate vanish and call that a verdict.
    """
    stopped = stop_stack(settings, progress=progress)
    for runtime in _runtimes(settings):
        for handle in runtime.list():
            runtime.stop(handle)
            stopped.append(handle.name)
            progress(f"stopped {handle.name}")
    return stopped


def fleet_status(settings: Settings) -> dict[str, Any]:
    """Return what runs as JSON values: services, model servers, routes and whether somebody is behind them."""
    runtimes = {runtime.name: runtime for runtime in _runtimes(settings)}
    servers = [handle for runtime in runtimes.values() for handle in runtime.list()]
    bench = Workbench(settings)
    return {
        "services": [
            {"name": s.name, "healthy": s.healthy, "url": s.url, "pid": s.pid} for s in stack_status(settings).services
        ],
        "servers": [{**handle.to_json(), "url": handle.url} for handle in servers],
        "routes": [
            {
                "model": model,
                "version": b.version,
                "weight": b.weight,
                "role": b.role,
                "url": b.handle.url,
                "alive": b.handle.runtime in runtimes and runtimes[b.handle.runtime].is_alive(b.handle),
            }
            for model, route in bench.gateway.routes().items()
            for b in route.backends
        ],
    }


def prepare_runtime(settings: Settings, *, progress: Progress) -> None:
    """See to it that a container engine that answers has a base image; say which runtime will be used, and why."""
    from slipway.runtime.commands import run
    from slipway.runtime.select import base_image, choose_runtime

    if settings.runtime != "process":
        try:
            base_image(settings)
        except ImageBuildError:
            script = settings.root / "containers" / "base" / "build.sh"
            if os.geteuid() == 0:
                progress("no base image here: making one from Debian packages (about a minute)")
                run([script], timeout_s=900, cwd=settings.root, check=False)
        except EngineUnavailable as error:
            progress(error.reason)
    name, why = choose_runtime(settings)
    progress(f"runtime {name}: {why}")


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


def _runtimes(settings: Settings) -> list[Runtime]:
    from slipway.runtime.docker import DockerRuntime
    from slipway.runtime.engine import connect
    from slipway.runtime.process import ProcessRuntime

    found: list[Runtime] = [ProcessRuntime(settings)]
    with contextlib.suppress(EngineUnavailable):
        connect().close()
        found.append(DockerRuntime(settings))
    return found
