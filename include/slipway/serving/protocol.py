"""HTTP/1.1 as uvicorn speaks it, with a direct lane: a small request is answered once its last byte is here.

For each request uvicorn makes a task, an event and a timer, and writes twice; together they cost more than a compiled
model's answer.

Rules
-----
1. Directly goes only what can be answered at once: a POST to an inference path, of a length that is told and small.
2. What the application declines is handed to uvicorn as if nobody had looked at it.
3. Answers keep their order: as long as an earlier request of the connection is open, none goes directly.
4. A connection that is slow to take its answers is uvicorn's to hold back.
5. Callers say the same head again and again. One that the parser read, and whose request went directly, is recognised
   byte for byte when it comes again in one piece with its body: the parser would find the same in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from slipway.serving.replies import Header

_HEAD_ENDS = b"\r\n\r\n"


class Direct(Protocol):
    """An application that can answer without waiting."""

    def takes(self, path: bytes, size: int) -> bool:
        """Tell whether a POST to this path, with a body of so many bytes, may be answered directly now."""
        ...

    def direct(self, path: bytes, headers: Sequence[Header], body: bytes, first: bytes) -> bytes | None:
        """Return a whole response, ``first`` before its headers; None: it has to go the usual way."""
        ...


class Head(NamedTuple):
    """The head of a request that went directly, as it was sent and as it was read."""

    sent: bytes
    size: int
    url: bytes
    headers: list[Header]


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
        self._size: bytes | None = None  # as the head tells it
        self._between = True  # the parser has read no message, or one to its end
        self._declined = False
        self._head: Head | None = None  # what is recognised if it comes next
        self._rest = True  # what the parser was given ended, as far as can be proved, with a whole request
        self._ended: tuple[int, bool] | None = None  # of a request: the body's size, and whether it went directly
        self._last = 0.0  # when an answer was given directly
        self._idle: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Answer what is recognised; give anything else to the parser."""
        head = self._head
        if head is not None:
            sent, size, url, headers = head
            if len(data) == len(sent) + size and data.startswith(sent) and self._is_free(url, size):
                response = self._direct.direct(url, headers, data[len(sent) :], self._default_headers())
                if response is not None:
                    self._answer(response)
                    return
                self._declined = True
        rest, self._rest, self._head, self._ended = self._rest, False, None, None
        super().data_received(data)
        if rest and self._ended is not None:
            self._remember(data, *self._ended)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        if self._idle is not None:
            self._idle.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Make room for a request; what uvicorn wants to know of it is put together when it is handed over."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._size = None
        self._between = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        name = name.lower()
        if name == b"content-length" and self._size is None:
            self._size = value
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        if self._may_go_directly():
            self._parts = []
        else:
            self._begin_the_usual_way()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._parts is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer, or hand the whole request over."""
        self._between = True
        self._ended = int(self._size or 0), False
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
        self._answer(response)
        self._ended = len(body), True

    def shutdown(self) -> None:
        """End the connection once the request that is arriving on it has its answer."""
        if self._parts is not None:
            self._hand_over()
        super().shutdown()

    def _may_go_directly(self) -> bool:
        declined, self._declined = self._declined, False
        parser, size = self.parser, self._size
        if declined or size is None or self.expect_100_continue or not self._is_free(self.url, int(size)):
            return False
        if parser.get_method() != b"POST" or parser.should_upgrade():
            return False
        return parser.should_keep_alive() and parser.get_http_version() == "1.1"

    def _is_free(self, url: bytes, size: int) -> bool:
        """Tell whether nothing else is open here, and the application takes such a request."""
        cycle = self.cycle
        if self.pipeline or not (cycle is None or cycle.response_complete) or self.flow.write_paused:
            return False
        return self._direct.takes(url, size)

    def _answer(self, response: bytes) -> None:
        self.transport.write(response)
        self.server_state.total_requests += 1
        self._last = self.loop.time()
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()  # of an answer that went the usual way
        if self._idle is None:
            self._idle = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        """Close the connection if nothing came since the last answer, or look again when that may be.

        One timer for many answers. What is given to uvicorn, it watches with a timer of its own.
        """
        self._idle = None
        open_cycle = self.cycle is not None and not self.cycle.response_complete
        if not self._between or open_cycle or self.timeout_keep_alive_task is not None:
            return
        left = self._last + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.timeout_keep_alive_handler()
        else:
            self._idle = self.loop.call_later(left, self._look_whether_idle)

    def _remember(self, data: bytes, size: int, direct: bool) -> None:
        """Note that the data was one whole request and nothing else, if so; keep its head if that went directly."""
        end = len(data) - size
        self._rest = data.find(_HEAD_ENDS) + len(_HEAD_ENDS) == end
        if self._rest and direct:
            self._head = Head(data[:end], size, self.url, self.headers)

    def _begin_the_usual_way(self) -> None:
        """Tell uvicorn that a request began, and what its head says."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _hand_over(self) -> None:
        """Give uvicorn the request as far as it has come."""
        parts, self._parts = self._parts or [], None
        self._begin_the_usual_way()
        for part in parts:
            super().on_body(part)

    def _default_headers(self) -> bytes:
        """Return uvicorn's own headers, which it renews every second, as bytes."""
        told = self.server_state.default_headers
        if told is not self._told:
            self._told = told
            self._first = b"".join(b"%b: %b\r\n" % header for header in told)
        return self._first
