"""A model server that stands still now and then: ``python -m bench.loadtest.server EVERY SECONDS``; prints its port.

It doubles ``x``. Its one thread stops for SECONDS every EVERY seconds, as a collection, a lock or a swapped page does,
whether or not anybody asks. It ends with its parent.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

HEAD = "HTTP/1.1 {} OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"


class Server:
    """Answers ``POST /invocations`` and ``GET /metrics``."""

    def __init__(self) -> None:
        self.answered = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it closes."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *fields = head.split("\r\n")
                length = next((int(f.split(":")[1]) for f in fields if f.lower().startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                status, kind, content = self.answer(line, body)
                writer.write(HEAD.format(status, kind, len(content)).encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def answer(self, line: str, body: bytes) -> tuple[int, str, bytes]:
        """Return the status, the type and the content of an answer."""
        if line.startswith("GET /metrics"):
            return 200, "text/plain", self.metrics().encode()
        self.answered += 1
        rows = json.loads(body)["dataframe_records"]
        return 200, "application/json", json.dumps({"predictions": [2 * row["x"] for row in rows]}).encode()

    def metrics(self) -> str:
        """Return what the process uses, as a served model tells it."""
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        status = dict(line.split(":", 1) for line in lines if ":" in line)
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return (
            f'slipway_requests_total{{route="invocations",status="200"}} {self.answered}\n'
            f"process_resident_memory_bytes {int(status['VmRSS'].split()[0]) * 1024}\n"
            f"process_open_fds {descriptors}\nprocess_threads {int(status['Threads'])}\n"
        )


async def stall(every: float, seconds: float, parent: int) -> None:
    """Stop the whole process now and then; end it when its parent has gone."""
    following = time.monotonic() + every
    while os.getppid() == parent:
        await asyncio.sleep(min(0.5, max(0.0, following - time.monotonic())))
        if time.monotonic() >= following:
            following += every
            time.sleep(seconds)  # the whole process: that is the point
    os._exit(0)


async def main(every: float, seconds: float) -> None:
    """Serve on a free port of the loopback until the parent ends."""
    server = await asyncio.start_server(Server().serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stall(every, seconds, os.getppid())


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2])))
