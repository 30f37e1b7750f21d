"""Responses: their common headers, and what a failure looks like."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Iterable
from http import HTTPStatus
from itertools import count
from typing import NamedTuple

import orjson

from slipway.core.identity import Subject
from slipway.errors import SlipwayError
from slipway.serving import http_errors
from slipway.serving.faults import TooLarge

Header = tuple[bytes, bytes]

JSON = b"application/json"
_LOG = logging.getLogger(__name__)
_IN_IDS = (string.ascii_letters + string.digits + "._:-").encode()
_LONGEST_ID = 128
_STATUS_LINE = {one.value: b"HTTP/1.1 %d %b\r\n" % (one.value, one.phrase.encode()) for one in HTTPStatus}


class Reply(NamedTuple):
    """A response, before its common headers."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()


class Replies:
    """What all responses of one version have in common."""

    def __init__(self, subject: Subject) -> None:
        self._identity: tuple[Header, ...] = (
            (b"x-slipway-model", subject.model.encode()),
            (b"x-slipway-version", str(subject.version).encode()),
            (b"x-slipway-artifact", subject.artifact_sha256.removeprefix("sha256:")[:12].encode()),
        )
        self._usual = ((b"content-type", JSON), *self._identity)
        self._usual_lines = _lines(self._usual)
        self._prefix = secrets.token_hex(8).encode()
        self._next = count(1).__next__

    def request_id(self, given: bytes | None) -> bytes:
        """Return the caller's own id, if it is short and plain; else a new one."""
        if given and len(given) <= _LONGEST_ID and not given.translate(None, _IN_IDS):
            return given
        return b"%b%016x" % (self._prefix, self._next())

    def headers(self, reply: Reply, request_id: bytes, draining: bool) -> list[Header]:
        """Return a response's headers."""
        headers = [*self._usual, (b"content-length", b"%d" % len(reply.body)), (b"x-request-id", request_id)]
        if reply.status == 200 and reply.content_type is JSON and not draining:
            return headers
        if reply.content_type is not JSON:
            headers[0] = (b"content-type", reply.content_type)
        headers.extend(reply.headers)
        if draining:
            headers.append((b"connection", b"close"))
        return headers

    def wire(self, reply: Reply, request_id: bytes, first: bytes) -> bytes:
        """Return a whole HTTP/1.1 response, ``first`` before its own header lines."""
        body = reply.body
        if reply.status == 200 and reply.content_type is JSON and not reply.headers:
            told = b"%bcontent-length: %d\r\nx-request-id: %b\r\n" % (self._usual_lines, len(body), request_id)
        else:
            told = _lines(self.headers(reply, request_id, draining=False))
        return b"%b%b%b\r\n%b" % (_STATUS_LINE[reply.status], first, told, body)


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def failure(error: Exception, request_id: bytes) -> Reply:
    """Return the response for a fault; what is our own fault is logged with its traceback."""
    status = http_errors.status_of(error)
    if status == 500:
        message = str(error) if isinstance(error, SlipwayError) else "the server's own code failed"
        _LOG.error(message, exc_info=error, extra={"fields": {"request_id": request_id.decode()}})
    headers = http_errors.headers_of(error)
    if isinstance(error, TooLarge):
        headers.append((b"connection", b"close"))  # part of the body may be unread
    return Reply(status, orjson.dumps(http_errors.body_of(error)), headers=tuple(headers))
