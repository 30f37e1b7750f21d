"""HTTP/1.1 as uvicorn speaks it, with a direct lane: a small request is answered once its last byte is here.

For each request uvicorn makes a task, an event and a timer, and writes twice; together they cost more than a compiled
model's answer.

Rules
-----
1. Directly goes only what can be answered at once: a POST to an inference path, of a length that is told and small.
2. What the application declines is handed to uvicorn as if nobody had looked at it.
3. Answers keep their order: as long as an earlier request of the connection is open, none goes directly.
4. A connection that is slow to take its answers is uvicorn's to hold back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from slipway.serving.replies import Header


class Direct(Protocol):
    """An application that can answer without waiting."""

    def takes(self, path: bytes, size: int) -> bool:
        """Tell whether a POST to this path, with a body of so many bytes, may be answered directly now."""
        ...

    def direct(self, path: bytes, headers: Sequence[Header], body: bytes, first: bytes) -> bytes | None:
        """Return a whole response, ``first`` before its headers; None: it has to go the usual way."""
        ...


class DirectProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._direct = cast("Direct", config.app)
        self._parts: list[bytes] | None = None  # of the body of a request that may go directly
        self._told: list[tuple[bytes, bytes]] | None = None
        self._first = b""

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        if self._may_go_directly():
            self._parts = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._parts is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer, or hand the whole request over."""
        if self._parts is None:
            super().on_message_complete()
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        response = self._direct.direct(self.url, self.headers, body, self._default_headers())
        if response is None:
            self._hand_over()
            super().on_message_complete()
            return
        self._parts = None
        self.transport.write(response)
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self._unset_keepalive_if_required()  # of the answer before, if both requests came at once
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def shutdown(self) -> None:
        """End the connection once the request that is arriving on it has its answer."""
        if self._parts is not None:
            self._hand_over()
        super().shutdown()

    def _may_go_directly(self) -> bool:
        parser, cycle = self.parser, self.cycle
        if parser.get_method() != b"POST" or self.expect_100_continue or parser.should_upgrade():
            return False
        if self.pipeline or not (cycle is None or cycle.response_complete) or self.flow.write_paused:
            return False
        size = next((value for name, value in self.headers if name == b"content-length"), None)
        if size is None or not self._direct.takes(self.url, int(size)):
            return False
        return parser.should_keep_alive() and parser.get_http_version() == "1.1"

    def _hand_over(self) -> None:
        """Give uvicorn the request as far as it has come."""
        parts, self._parts = self._parts or [], None
        super().on_headers_complete()
        for part in parts:
            super().on_body(part)

    def _default_headers(self) -> bytes:
        """Return uvicorn's own headers, which it renews every second, as bytes."""
        told = self.server_state.default_headers
        if told is not self._told:
            self._told = told
            self._first = b"".join(b"%b: %b\r\n" % header for header in told)
        return self._first
