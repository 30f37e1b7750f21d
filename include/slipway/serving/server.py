"""The HTTP server: uvicorn, with a drain before its own shutdown."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

import uvicorn

from slipway.serving.app import App
from slipway.serving.protocol import DirectProtocol

_KEEP_ALIVE_SECONDS = 75  # longer than a gateway keeps an idle connection, so that the gateway closes first
_LONGEST_REQUEST_SECONDS = 30


class DrainingServer(uvicorn.Server):
    """Answers on for a while after SIGTERM or SIGINT, telling callers to leave; a second signal ends it at once.

    Closing idle connections at once, as uvicorn does, loses requests that are on their way on them.

    Parameters
    ----------
    app : App
    host, port : str, int
        Not used if the server is run on sockets that are bound already.
    drain_seconds : float
    parent : int or None
        The process without which this one is not to go on.
    """

    def __init__(self, app: App, *, host: str, port: int, drain_seconds: float, parent: int | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http=DirectProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_LONGEST_REQUEST_SECONDS,
            )
        )
        self._app = app
        self._drain_seconds = drain_seconds
        self._parent = parent
        self._ends_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain; on a second signal, end."""
        if self._ends_at is not None:
            super().handle_exit(sig, frame)
            return
        self._app.draining = True
        self._ends_at = time.monotonic() + self._drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Tell, ten times a second, whether to end: the drain is over, or the model could not be loaded."""
        if self._ends_at is None and self._parent not in (None, os.getppid()):
            self.handle_exit(signal.SIGTERM, None)
        drained = self._ends_at is not None and time.monotonic() >= self._ends_at
        if drained or self._app.failed:
            self.should_exit = True
        return await super().on_tick(counter)
