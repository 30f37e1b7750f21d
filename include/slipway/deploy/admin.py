"""What Envoy itself says it does, from its admin interface; bounded in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import httpx

from slipway.deploy.smoke import make_client
from slipway.errors import GatewayError

POLL_SECONDS = 0.02
CALL_SECONDS = 5.0


class EnvoyAdmin:
    """Asks Envoy what is in force.

    Parameters
    ----------
    url : str
        The admin address, for instance ``http://127.0.0.1:9901``.
    timeout_s : float
        How long Envoy may take to apply a change.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    @cached_property
    def _client(self) -> httpx.Client:
        return make_client(self._url, timeout_s=CALL_SECONDS)

    def wait_for_clusters(self, wanted: list[dict[str, Any]]) -> None:
        """Wait until each cluster is active at its address; GatewayError if it is not in time."""
        addresses = {cluster["name"]: _address(cluster) for cluster in wanted}

        def missing() -> str:
            dump = self._dump("dynamic_active_clusters")
            active = {item["cluster"]["name"]: _address(item["cluster"]) for item in dump}
            late = sorted(name for name, address in addresses.items() if active.get(name) != address)
            return f"clusters not active: {', '.join(late)}" if late else ""

        self._wait(missing)

    def wait_for_routes(self, version: str) -> None:
        """Wait until the routes of that version are in force; GatewayError if they are not in time."""

        def missing() -> str:
            dump = self._dump("dynamic_route_configs")
            if any(item.get("version_info") == version for item in dump):
                return ""
            for item in dump:
                state = item.get("error_state", {})
                if state.get("version_info") == version:
                    return f"Envoy rejected the routes: {state.get('details', '')}"
            return f"routes {version} not in force"

        self._wait(missing)

    def active_requests(self, cluster: str) -> int:
        """Return how many requests a cluster's service is working on; 0 for one that Envoy does not know."""
        found = self._get("/clusters", format="json").get("cluster_statuses", [])
        hosts = [host for status in found if status["name"] == cluster for host in status.get("host_statuses", [])]
        stats = [stat for host in hosts for stat in host.get("stats", [])]
        return sum(int(stat.get("value", 0)) for stat in stats if stat["name"] == "rq_active")

    def _wait(self, missing: Callable[[], str]) -> None:
        deadline = time.monotonic() + self._timeout_s
        while problem := missing():
            if "rejected" in problem or time.monotonic() >= deadline:
                raise GatewayError(
                    f"Envoy did not take the change: {problem}",
                    remedy="read Envoy's log; it must watch the gateway folder that is written here",
                )
            time.sleep(POLL_SECONDS)

    def _dump(self, resource: str) -> list[dict[str, Any]]:
        return list(self._get("/config_dump", resource=resource).get("configs", []))

    def _get(self, path: str, **query: str) -> Mapping[str, Any]:
        try:
            answer = self._client.get(self._url + path, params=query)
            answer.raise_for_status()
            return dict(answer.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise GatewayError(
                f"the gateway's admin interface at {self._url or '(no address)'} does not answer: {error}",
                remedy="start Envoy, or correct SLIPWAY_GATEWAY_ADMIN_URL",
            ) from error


def _address(cluster: Mapping[str, Any]) -> tuple[str, int] | None:
    try:
        endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        socket = endpoint["address"]["socket_address"]
        return str(socket["address"]), int(socket["port_value"])
    except (LookupError, TypeError):
        return None
