"""How one service is started, as a value, and small helpers that its three kinds share."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PROBE_TIMEOUT_S = 2.0
# A service must not inherit what its caller set for another Airflow, MLflow or Python path; connections and variables
# that tasks read are the caller's to give.
FOREIGN = ("AIRFLOW_", "_AIRFLOW_", "MLFLOW_", "_MLFLOW_", "PYTHONPATH", "PYTHONHOME")
WELCOME = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a service is started.

    Attributes
    ----------
    name : str
        Its name in ``stack.json``, in the logs and in messages.
    command : Callable[[], tuple[str, ...]]
        Gives the command line; called only when the service is started.
    env : Mapping[str, str]
        Its whole environment.
    identity : tuple[str, ...]
        What makes it the service that is wanted: a running one of another identity is replaced.
    folder : Path
        Its working folder, made if missing.
    port : int
        Where it listens; 0 where it does not.
    url : str
        Where it is reached; empty where it has no address.
    """

    name: str
    command: Callable[[], tuple[str, ...]]
    env: Mapping[str, str]
    identity: tuple[str, ...]
    folder: Path
    port: int = 0
    url: str = ""

    @property
    def fingerprint(self) -> str:
        """A digest of the identity."""
        return hashlib.sha256(json.dumps(self.identity).encode()).hexdigest()[:16]


def clean_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment for a service: nothing foreign, this environment's programs first on PATH.

    >>> sorted(clean_environment({"AIRFLOW_HOME": "/elsewhere", "AIRFLOW_VAR_REGION": "eu", "LANG": "C"}))
    ['AIRFLOW_VAR_REGION', 'LANG', 'PATH']
    """
    kept = {name: value for name, value in caller.items() if name.startswith(WELCOME) or not name.startswith(FOREIGN)}
    scripts = sysconfig.get_path("scripts")
    return {**kept, "PATH": os.pathsep.join(part for part in (scripts, caller.get("PATH", os.defpath)) if part)}


def program(name: str) -> str:
    """Return the path of a program of this environment."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def version(distribution: str) -> str:
    """Return the installed version of a package, empty when it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def answers(url: str) -> bool:
    """Return whether a GET of ``url`` gives a 2xx status within two seconds."""
    try:
        return httpx.get(url, timeout=PROBE_TIMEOUT_S, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def get_json(url: str) -> dict[str, Any] | None:
    """Return the object that a GET of ``url`` gives; None when it gives nothing of the kind."""
    try:
        response = httpx.get(url, timeout=PROBE_TIMEOUT_S, trust_env=False)
        body = response.json() if response.is_success else None
    except (httpx.HTTPError, ValueError):
        return None
    return body if isinstance(body, dict) else None
