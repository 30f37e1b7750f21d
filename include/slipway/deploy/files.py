"""The gateway's folder: the routing state, what Envoy reads, and who may write.

::

    state.json      the routes in force: the truth
    envoy.json      Envoy's start configuration
    xds/cds.json    clusters, xds/rds.json: routes; both rendered from the state, watched by Envoy
    staging/        files on their way: written and synced before the first one is renamed
    locks/          one writer at a time
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from slipway.deploy import envoy
from slipway.deploy.routes import Route
from slipway.errors import GatewayError, ServiceError, SlipwayError
from slipway.runtime.files import locked, write_json

LOCK_SECONDS = 60.0


class GatewayFiles:
    """Reads and writes the gateway's folder; nothing is made before it is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state.json"
        self.bootstrap = folder / "envoy.json"
        self.cds = folder / "xds" / "cds.json"
        self.rds = folder / "xds" / "rds.json"
        self._staging = folder / "staging"

    def read_routes(self) -> dict[str, Route]:
        """Return the routes in force, by model; GatewayError if the state is not readable."""
        try:
            data = json.loads(self.state.read_text(encoding="utf-8"))
            return {name: Route.from_json(route) for name, route in data["routes"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, LookupError, TypeError, AttributeError, SlipwayError) as error:
            raise GatewayError(
                f"the routing state {self.state} cannot be read: {error}",
                remedy="move the file aside and deploy each champion again; Envoy serves on meanwhile",
            ) from error

    def live_clusters(self) -> list[dict[str, Any]]:
        """Return the clusters in the file that Envoy reads; none if there is no such file."""
        try:
            return list(json.loads(self.cds.read_text(encoding="utf-8"))["resources"])
        except (OSError, ValueError, LookupError, TypeError):
            return []

    def stage(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write a file, on disk for sure, where nobody reads it yet."""
        path = self._staging / name
        write_json(path, content, synced=True)
        return path

    def put(self, staged: Path, target: Path) -> None:
        """Let a staged file take its target's place, at once and whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)

    def clear_staging(self) -> None:
        """Remove what was staged and not used."""
        for path in self._staging.glob("*.json"):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self, name: str, *, timeout_s: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the lock ``name``; a dead holder's lock is free. GatewayError if it is not free in time."""
        path = self.folder / "locks" / f"{name}.lock"
        with ExitStack() as held:
            try:
                held.enter_context(locked(path, timeout_s=timeout_s))
            except ServiceError as error:
                raise GatewayError(
                    f"another change holds {path.name} for more than {timeout_s:g} s",
                    remedy="wait until it has ended, then try again",
                ) from error
            yield


def write_bootstrap(folder: Path, *, port: int, admin_port: int, host: str = "127.0.0.1") -> Path:
    """Write everything that Envoy needs to start, with the routes of the state, and return its start file.

    Start it with ``envoy --disable-hot-restart -c <file>``. What a crash left half-written is set right here.

    Parameters
    ----------
    folder : Path
        The gateway's folder; made if missing.
    port, admin_port : int
        Where Envoy serves, and its admin interface.
    host : str
        The address that both listen on.

    Raises
    ------
    GatewayError
        If the folder cannot be written or the state not be read.
    """
    files = GatewayFiles(folder.resolve())
    try:
        with files.locked("routes"):
            cds, rds = envoy.render(files.read_routes().values(), version="start")
            start = envoy.bootstrap(cds=files.cds, rds=files.rds, host=host, port=port, admin_port=admin_port)
            for content, target in ((cds, files.cds), (rds, files.rds), (start, files.bootstrap)):
                files.put(files.stage(target.name, content), target)
    except OSError as error:
        raise disk_error(files.folder, error) from error
    return files.bootstrap


def disk_error(folder: Path, error: OSError) -> GatewayError:
    """Return the error for a folder that cannot be written."""
    return GatewayError(
        f"the gateway's folder {folder} cannot be written: {error}",
        remedy="free disk space or correct its permissions; traffic flows as before",
    )
