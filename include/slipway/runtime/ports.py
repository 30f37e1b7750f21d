"""Ports and readiness: what both runtimes share when they talk to a service."""

from __future__ import annotations

import errno
import http.client
import random
import socket
import time
from collections.abc import Callable

from slipway.errors import ServiceError

# Below the range from which the kernel hands out ports to outgoing connections, so that a service which restarts
# finds its port free again.
FIRST_PORT, LAST_PORT = 20_000, 29_999
READY_PATH = "/v2/health/ready"
_POLL_S = 0.05
_PROBE_TIMEOUT_S = 2.0


def free_port(host: str) -> int:
    """Return a port on which nothing listens at this moment; ServiceError if a hundred random ones are taken."""
    choose = random.SystemRandom()
    for _ in range(100):
        port = choose.randint(FIRST_PORT, LAST_PORT)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise ServiceError(
                    f"{host} is not an address of this machine: {error}", remedy="correct SLIPWAY_SERVICE_HOST"
                ) from error
            return port
    raise ServiceError(
        f"no free port on {host} between {FIRST_PORT} and {LAST_PORT}", remedy="stop services that are not needed"
    )


def answers_ready(host: str, port: int) -> bool:
    """Tell whether the service says that it is ready; anything but a 200 within two seconds is a no."""
    connection = http.client.HTTPConnection(host, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", READY_PATH)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def poll_ready(host: str, port: int, *, timeout_s: float, check_alive: Callable[[], None]) -> float | None:
    """Return the seconds until the service was ready, or None when ``timeout_s`` had passed.

    ``check_alive`` is called between probes and raises when the service has died.
    """
    started = time.monotonic()
    while True:
        if answers_ready(host, port):
            return time.monotonic() - started
        check_alive()
        if time.monotonic() - started >= timeout_s:
            return None
        time.sleep(_POLL_S)
