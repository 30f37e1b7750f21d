"""Where load may go: to this host or a private network, never to anybody else's."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from slipway.errors import ServiceError


def require_private(url: str) -> str:
    """Return ``url`` without a trailing slash, if it is plain HTTP to a loopback or private address.

    Raises
    ------
    ServiceError
        If it is anything else: load on a public address is an attack, not a test.

    >>> require_private("http://127.0.0.1:8080/")
    'http://127.0.0.1:8080'
    """
    remedy = "give the address of a candidate that this host started, for instance http://127.0.0.1:8080"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise ServiceError(f"{url!r} is not an address: {error}", remedy=remedy) from error
    if parts.scheme != "http" or not host:
        raise ServiceError(f"{url!r} is not a plain HTTP address", remedy=remedy)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServiceError(f"host {host!r} cannot be resolved: {error}", remedy=remedy) from error
    for address in sorted({str(entry[4][0]) for entry in found}):
        if not _is_private(address):
            raise ServiceError(f"{host} is {address}, neither loopback nor private", remedy=remedy)
    return url.rstrip("/")


def _is_private(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    # Link-local holds the clouds' metadata services; 0.0.0.0 is not a destination.
    return ip.is_loopback or (ip.is_private and not (ip.is_link_local or ip.is_unspecified or ip.is_reserved))
