"""Send a case over HTTP: one small client, keep-alive, every call bounded in time and in bytes.

On the standard library's client: a suite is thousands of tiny requests, and a richer one costs more of the host's
time than the service under test does.
"""

from __future__ import annotations

import http.client
import queue
import time
from types import TracebackType
from urllib.parse import urlsplit

from slipway.scenarios.suite import Reply

TIMEOUT_S = 10.0
MAX_BODY = 16 << 20
# An idle connection is given up before the server closes it, so that no request meets a closing one.
MAX_IDLE_S = 1.0
_CHUNK = 1 << 16


class Client:
    """Posts JSON bodies to one service; use it as a context manager. Threads may share it.

    Parameters
    ----------
    url : str
        ``http://host:port`` of the service.
    timeout_s : float
        For one request: for each step of it, and for all of its reply.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self.timeout_s = timeout_s
        self._host, self._port = parts.hostname or "", parts.port
        self._idle: queue.LifoQueue[tuple[float, http.client.HTTPConnection]] = queue.LifoQueue()

    def __enter__(self) -> Client:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        while not self._idle.empty():
            self._idle.get()[1].close()

    def post(self, path: str, body: bytes) -> Reply:
        """Return the reply, or the error that stood in its way; never raises for either."""
        connection = self._connection()
        started = time.perf_counter()
        try:
            connection.request("POST", path, body, {"content-type": "application/json"})
            response = connection.getresponse()
            content = self._read(response)
        except TimeoutError:
            connection.close()
            return Reply(error=f"no answer within {self.timeout_s:g} s", timed_out=True, seconds=self.timeout_s)
        except (OSError, http.client.HTTPException, _TooLong) as error:
            connection.close()
            return Reply(error=f"{type(error).__name__.lstrip('_')}: {error}".rstrip(": "))
        seconds = time.perf_counter() - started
        self._idle.put((time.monotonic(), connection))
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=headers, body=content, seconds=seconds)

    def _connection(self) -> http.client.HTTPConnection:
        while True:
            try:
                since, connection = self._idle.get_nowait()
            except queue.Empty:
                return http.client.HTTPConnection(self._host, self._port, timeout=self.timeout_s)
            if time.monotonic() - since < MAX_IDLE_S:
                return connection
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        deadline = time.monotonic() + self.timeout_s
        content = bytearray()
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > MAX_BODY:
                raise _TooLong(f"a reply of more than {MAX_BODY} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError
        if response.length:
            raise http.client.IncompleteRead(bytes(content), response.length)
        response.read()  # nothing is left; this marks the connection as free for the next request
        return bytes(content)


class _TooLong(Exception):
    """A reply is longer than we are willing to read."""
