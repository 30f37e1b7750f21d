"""What the processes that share a port tell each other, so that any of them can speak for all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson

from slipway.serving.metrics import Snapshot
from slipway.serving.routes import Route

_TIMEOUT_S = 2.0
_MOST_BYTES = 64 * 1024 * 1024


class Siblings:
    """One of several processes; each answers the others' questions on a Unix socket of its own.

    Parameters
    ----------
    folder : Path
        Where the sockets are; its path must be short.
    own : int
        This process's number, from 0.
    workers : int
    """

    def __init__(self, folder: Path, own: int, workers: int) -> None:
        self._folder = folder
        self._own = own
        self._others = [number for number in range(workers) if number != own]

    @contextlib.asynccontextmanager
    async def serve(self, tell: Callable[[Route], Snapshot]) -> AsyncIterator[None]:
        """Answer the others' questions while the context is entered."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Tell one of the others what it asks for."""
            with contextlib.suppress(OSError, ValueError, asyncio.TimeoutError):
                line = await asyncio.wait_for(reader.readline(), _TIMEOUT_S)
                writer.write(orjson.dumps(tell(Route(line.decode().strip()))) + b"\n")
                await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(answer, self._path(self._own))
        async with server:
            yield

    async def ask(self, route: Route) -> list[Snapshot]:
        """Return what each of the others has to say; one that does not answer in time is left out.

        For READY it is said not to be ready.
        """
        told = await asyncio.gather(*(self._ask(number, route) for number in self._others))
        if route is Route.READY:
            return [one or {"ready": False} for one in told]
        return [one for one in told if one is not None]

    async def _ask(self, number: int, route: Route) -> Snapshot | None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(self._path(number), limit=_MOST_BYTES)
                try:
                    writer.write(f"{route.value}\n".encode())
                    told: Snapshot = orjson.loads(await reader.readline())
                    return told
                finally:
                    writer.close()
        except (OSError, ValueError, TimeoutError):
            return None

    def _path(self, number: int) -> str:
        return str(self._folder / f"{number}.sock")
