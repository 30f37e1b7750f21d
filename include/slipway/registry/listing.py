"""Which versions are registered, asked of MLflow's server over HTTP.

A watch asks every few seconds, for each model: it need not load MLflow's client for that, which takes a hundred
megabytes and a second.
"""

from __future__ import annotations

import functools
from typing import Any

import httpx

from slipway.errors import RegistryError, RegistryUnreachable
from slipway.registry.copies import ARCHIVED, RESTORED_FROM

NEWEST = 200
_SEARCH = "/api/2.0/mlflow/model-versions/search"
_READY = "READY"
_OLD = frozenset({ARCHIVED, RESTORED_FROM})


def newest_versions(tracking_uri: str, registered_model: str, *, timeout_s: float = 10) -> tuple[int, ...]:
    """Return the numbers of a registered model's newest versions, at most :data:`NEWEST`, oldest first.

    A version whose files are not complete yet is not among them, nor one that went to the archive or came back from
    it: it is no new one. A model that is not registered has none.

    Raises
    ------
    RegistryUnreachable
        If no MLflow server answers there.
    RegistryError
        If what answers is none, or refuses.
    """
    if not tracking_uri.startswith(("http://", "https://")):
        raise RegistryUnreachable(
            f"new versions are watched at an MLflow server, and {tracking_uri!r} is none",
            remedy="start one (`slipway start`), or set SLIPWAY_TRACKING_URI to its address",
        )
    query = {
        "filter": "name='{}'".format(registered_model.replace("'", "''")),
        "max_results": str(NEWEST),
        "order_by": "version_number DESC",
    }
    try:
        found = _client().get(tracking_uri.rstrip("/") + _SEARCH, params=query, timeout=timeout_s)
    except httpx.HTTPError as error:
        raise RegistryUnreachable(
            f"{tracking_uri} does not answer: {error}", remedy="start the registry, or correct SLIPWAY_TRACKING_URI"
        ) from error
    if found.is_server_error:
        raise RegistryUnreachable(f"{tracking_uri} is in trouble: {found.status_code}", remedy="look into its log")
    return _numbers(found, tracking_uri)


@functools.cache
def _client() -> httpx.Client:
    """Return the one client of this process: to make one reads all certificates, at every look of every watch."""
    return httpx.Client()


def _numbers(found: httpx.Response, tracking_uri: str) -> tuple[int, ...]:
    try:
        versions: list[dict[str, Any]] = found.raise_for_status().json().get("model_versions", [])
        ready = (one for one in versions if one.get("status", _READY) == _READY)
        return tuple(sorted(int(one["version"]) for one in ready if not _OLD & _tags(one)))
    except (httpx.HTTPStatusError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RegistryError(
            f"{tracking_uri} does not answer as MLflow does: {error}",
            remedy="check that SLIPWAY_TRACKING_URI is an MLflow server's address",
        ) from error


def _tags(version: dict[str, Any]) -> frozenset[str]:
    return frozenset(tag["key"] for tag in version.get("tags") or ())
