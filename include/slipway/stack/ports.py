"""Ports on the loopback interface: which one each service gets, and who holds one that is taken.

1. A port that the caller asks for is used, or the start fails and says who holds it.
2. A port that was used before is used again when it is free, or held by this checkout's own services.
3. Anything else gets a free port from the kernel.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping

import psutil

from slipway.errors import StackError

HOST = "127.0.0.1"
NAMES = ("mlflow", "airflow", "gateway", "gateway_admin")
MAX_ATTEMPTS = 50
UNSEEN = "a process that this user may not see"


def choose(
    asked: Mapping[str, int],
    remembered: Mapping[str, int],
    *,
    ours: Collection[int] = (),
    free: Callable[[int], bool] | None = None,
) -> dict[str, int]:
    """Return a port for each of ``NAMES``.

    Parameters
    ----------
    asked : Mapping[str, int]
        Ports that must be used, by name.
    remembered : Mapping[str, int]
        Ports of the last start, by name.
    ours : Collection[int]
        Ports that this checkout's own services hold now.
    free : Callable[[int], bool], optional
        Whether a port can be bound; `is_free` unless given.

    Raises
    ------
    StackError
        If an asked port has an unknown name, is not a port, is asked for twice or is taken.
    """
    free = free or is_free
    _check(asked)
    chosen = dict(asked)
    for name, port in asked.items():
        if port not in ours and not free(port):
            raise StackError(
                f"port {port}, asked for {name}, is held by {holder(port)}",
                remedy=f"end that process, or ask for another {name} port, or none",
            )
    for name in NAMES:
        if name in chosen:
            continue
        port = remembered.get(name, 0)
        usable = port > 0 and port not in chosen.values() and (port in ours or free(port))
        chosen[name] = port if usable else unused(chosen.values())
    return chosen


def _check(asked: Mapping[str, int]) -> None:
    unknown = sorted(set(asked) - set(NAMES))
    if unknown:
        raise StackError(f"no service has a port named {', '.join(unknown)}", remedy=f"use {', '.join(NAMES)}")
    for name, port in asked.items():
        if not 0 < port < 65536:
            raise StackError(f"{port} is not a port, asked for {name}", remedy="use a number from 1 to 65535")
    if len(set(asked.values())) < len(asked):
        raise StackError("two services are asked to share one port", remedy="give each a port of its own")


def unused(taken: Collection[int]) -> int:
    """Return a port that is free now and not in ``taken``."""
    for _ in range(MAX_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
    raise StackError("no free port was found on the loopback interface", remedy="end programs that hold many ports")


def is_free(port: int) -> bool:
    """Return whether ``port`` can be bound on the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A server may bind while old connections of the last one linger; so may this probe.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Return who listens on ``port``, as far as this user may see it."""
    try:
        listening = (c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN and c.pid)
        pid = next((c.pid for c in listening if c.laddr and c.laddr.port == port), None)
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else UNSEEN
    except psutil.Error:
        return UNSEEN
