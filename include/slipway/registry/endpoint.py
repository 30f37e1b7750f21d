"""Does anything listen where the registry should be? Answered in seconds, before MLflow's own long retries begin."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slipway.errors import RegistryUnreachable

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def probe(uri: str, *, timeout_s: float) -> None:
    """Raise RegistryUnreachable unless a tracking URI's host accepts a connection, or its SQLite file exists.

    Parameters
    ----------
    uri : str
        ``http(s)://…``, a database URL, or ``sqlite:///path``. Other kinds (``databricks``) are not probed.
    timeout_s : float
        Longest wait for the connection, in seconds.
    """
    parts = urlsplit(uri)
    kind = parts.scheme.split("+")[0]
    if kind == "sqlite":
        _require_file(Path(unquote(parts.path[1:])))
    elif parts.hostname and kind in _PORTS:
        _connect(parts.hostname, parts.port or _PORTS[kind], timeout_s)


def _require_file(path: Path) -> None:
    # SQLite would make an empty database of a mistyped path, and the registry would seem to have lost its models.
    if not path.is_file():
        raise RegistryUnreachable(
            f"there is no registry database at {path}",
            remedy="start the stack, train a model, or correct SLIPWAY_TRACKING_URI",
        )


def _connect(host: str, port: int, timeout_s: float) -> None:
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError as error:
        raise RegistryUnreachable(
            f"the model registry at {host}:{port} does not answer: {error}",
            remedy="start it (`make demo` starts an embedded one), or correct SLIPWAY_TRACKING_URI",
        ) from error
