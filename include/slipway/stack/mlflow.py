"""MLflow's tracking server and registry on the loopback interface: SQLite and a folder under ``var/mlflow``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slipway.settings import Settings
from slipway.stack.ports import HOST
from slipway.stack.service import Service, answers, clean_environment, program, version

NAME = "mlflow"


def url(port: int) -> str:
    """Return where the server answers.

    >>> url(5000)
    'http://127.0.0.1:5000'
    """
    return f"http://{HOST}:{port}"


def service(settings: Settings, *, port: int, caller: Mapping[str, str]) -> Service:
    """Return how the server is started; its folder is made on the way."""
    folder = settings.var / "mlflow"
    return Service(
        name=NAME,
        command=lambda: server_command(folder, port=port),
        env={**clean_environment(caller), **server_environment()},
        identity=(*server_command(folder, port=port), version("mlflow")),
        folder=folder,
        port=port,
        url=url(port),
    )


def server_command(folder: Path, *, port: int) -> tuple[str, ...]:
    """Return the server's command line: one worker, artifacts served by it, loopback only."""
    return (
        program("mlflow"),
        "server",
        f"--backend-store-uri=sqlite:///{folder}/mlflow.db",
        f"--artifacts-destination={folder}/artifacts",
        "--serve-artifacts",
        f"--host={HOST}",
        f"--port={port}",
        "--workers=1",
    )


def server_environment() -> dict[str, str]:
    """Return what the server's environment adds: without the job runner it is two processes instead of ten."""
    return {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def healthy(address: str) -> bool:
    """Return whether the server at ``address`` says that it is well."""
    return answers(f"{address}/health")
