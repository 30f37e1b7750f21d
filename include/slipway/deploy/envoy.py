"""Envoy's configuration, as values. Pure: :mod:`slipway.deploy.files` writes it.

``/models/<model>/…`` goes to the model's service as ``/…``; ``/v2/models/<model>/…`` goes as it is. An unknown model
is 404, one without a service 503, both as JSON. A request that a service has begun to read is never sent again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slipway.deploy.routes import Backend, Route

Json = dict[str, Any]

ROUTES_NAME = "slipway"
BACKEND_HEADER = "x-slipway-backend"
REQUEST_SECONDS = 30
CONNECT_SECONDS = 1
# Shorter than the services' own keep-alive (`serving/server.py`: 75 s): a connection is closed by Envoy, never by the
# service under a request that is on its way.
IDLE_SECONDS = 3

_TYPE = "type.googleapis.com/envoy."
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster_name(model: str, backend: Backend) -> str:
    """Return the name of a backend's cluster: ``<model>-v<version>-<first 8 digits of its digest>``."""
    return f"{model}-v{backend.version}-{backend.digest.removeprefix('sha256:')[:8]}"


def render(routes: Iterable[Route], *, version: str) -> tuple[Json, Json]:
    """Return what Envoy reads from its two files: clusters (CDS) and routes (RDS).

    Parameters
    ----------
    routes : iterable of Route
    version : str
        Told back by Envoy's admin interface once it is in force.
    """
    ordered = sorted(routes, key=lambda route: route.model)
    clusters = [_cluster(route.model, b) for route in ordered for b in route.backends]
    table = {
        "@type": _TYPE + "config.route.v3.RouteConfiguration",
        "name": ROUTES_NAME,
        "virtual_hosts": [
            {
                # The version is in here because Envoy takes no notice of an update that changes nothing.
                "name": f"slipway {version}",
                "domains": ["*"],
                "routes": [entry for route in ordered for entry in _entries(route)] + [_unknown()],
            }
        ],
    }
    return {"version_info": version, "resources": clusters}, {"version_info": version, "resources": [table]}


def _cluster(model: str, backend: Backend) -> Json:
    endpoint = {"address": {"socket_address": {"address": backend.host, "port_value": backend.port}}}
    name = cluster_name(model, backend)
    return {
        "@type": _TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC" if _is_address(backend.host) else "STRICT_DNS",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {
                "@type": "type.googleapis.com/" + _HTTP_OPTIONS,
                "common_http_protocol_options": {"idle_timeout": f"{IDLE_SECONDS}s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _entries(route: Route) -> list[Json]:
    own, v2 = {"prefix": f"/models/{route.model}/"}, {"path_separated_prefix": f"/v2/models/{route.model}"}
    if not route.backends:
        answer = {"direct_response": _direct(503, f"model {route.model} has no service")}
        return [{"match": own, **answer}, {"match": v2, **answer}]
    action = _action(route)
    return [{"match": own, "route": {**action, "prefix_rewrite": "/"}}, {"match": v2, "route": action}]


def _action(route: Route) -> Json:
    shares = [
        {
            "name": cluster_name(route.model, backend),
            "weight": backend.weight,
            "response_headers_to_add": [
                {
                    "header": {"key": BACKEND_HEADER, "value": cluster_name(route.model, backend)},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
        }
        for backend in route.backends
        if backend.weight
    ]
    action: Json = {
        "weighted_clusters": {"clusters": shares},
        "timeout": f"{REQUEST_SECONDS}s",
        "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2},
    }
    shadow = route.mirror and route.of_role(route.mirror.role)
    if route.mirror and shadow:
        fraction = {"default_value": {"numerator": route.mirror.percent, "denominator": "HUNDRED"}}
        mirror = {"cluster": cluster_name(route.model, shadow), "runtime_fraction": fraction}
        action["request_mirror_policies"] = [mirror]
    return action


def _unknown() -> Json:
    return {"match": {"prefix": "/"}, "direct_response": _direct(404, "there is no such model here")}


def _direct(status: int, text: str) -> Json:
    return {"status": status, "body": {"inline_string": text}}


def bootstrap(*, cds: Path, rds: Path, host: str, port: int, admin_port: int) -> Json:
    """Return Envoy's start configuration: one listener, its routes and clusters read from files that it watches."""
    return {
        "node": {"id": "slipway-gateway", "cluster": "slipway"},
        "admin": {"address": _address(host, admin_port)},
        "dynamic_resources": {"cds_config": _watched(cds)},
        "static_resources": {
            "listeners": [
                {
                    "name": "gateway",
                    "address": _address(host, port),
                    "filter_chains": [{"filters": [_connection_manager(rds)]}],
                }
            ]
        },
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _watched(path: Path) -> Json:
    source = {"path": str(path), "watched_directory": {"path": str(path.parent)}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def _connection_manager(rds: Path) -> Json:
    router = {"@type": _TYPE + "extensions.filters.http.router.v3.Router"}
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": _TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "gateway",
            "rds": {"route_config_name": ROUTES_NAME, "config_source": _watched(rds)},
            "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
            "use_remote_address": True,
            "normalize_path": True,
            "merge_slashes": True,
            "stream_idle_timeout": f"{2 * REQUEST_SECONDS}s",
            # Whatever Envoy answers by itself is JSON, as a service's errors are.
            "local_reply_config": {
                "body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%", "status": "%RESPONSE_CODE%"}}
            },
        },
    }
