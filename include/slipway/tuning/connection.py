"""A keep-alive HTTP connection that asks one question at a time, with as little work as can be done in Python.

A general client takes several times the processor time of the service that it asks, and would be what is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

OK = 200
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"

Answered = Callable[[int, bytes, str], None]


class Connection(asyncio.Protocol):
    """One connection. ``on_answer(status, body, error)`` is called once for each :meth:`ask`; status 0 is no answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._on_answer: Answered | None = None

    @property
    def usable(self) -> bool:
        """Whether it is open and waits for no answer."""
        return self._transport is not None and not self._transport.is_closing() and self._on_answer is None

    def ask(self, request: bytes, on_answer: Answered) -> None:
        """Send a whole request."""
        self._on_answer = on_answer
        if self._transport is None or self._transport.is_closing():
            self._finish(0, b"", "connection lost")
            return
        self._transport.write(request)

    def close(self) -> None:
        """Close it; an answer that is still awaited never comes."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Remember where to write."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        received = self._received
        received += data
        head_end = received.find(_HEAD_END)
        if head_end < 0:
            return
        head = bytes(received[:head_end]).lower()
        body_start = head_end + len(_HEAD_END)
        length = _content_length(head)
        if length is None:
            self.close()
            self._finish(0, b"", "answer without a length")
            return
        if len(received) < body_start + length:
            return
        body = bytes(received[body_start : body_start + length])
        received.clear()
        if b"\r\nconnection: close" in head:
            self.close()
        self._finish(int(head[9:12]), body, "")

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell who waits that no answer will come."""
        self._finish(0, b"", "connection lost")

    def _finish(self, status: int, body: bytes, error: str) -> None:
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is not None:
            on_answer(status, body, error)


def _content_length(head: bytes) -> int | None:
    at = head.find(_LENGTH)
    if at < 0 or not head[9:12].isdigit():
        return None
    text = head[at + len(_LENGTH) :].split(b"\r\n", 1)[0].strip()
    return int(text) if text.isdigit() else None


def request_bytes(host: str, path: str, body: bytes) -> bytes:
    """Return a whole POST request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
