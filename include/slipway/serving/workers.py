"""Several processes on one port: a parent that binds it, starts them, passes signals on, and ends if one of them does.

Standard library only: the parent is small beside the processes that it starts.
"""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

_LOG = logging.getLogger("slipway.serving")
_BACKLOG = 2048
_POLL_S = 0.05


@dataclass(slots=True)
class _Workers:
    """The processes, and whether they were told to end."""

    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    told: bool = False
    codes: list[int] = field(default_factory=list)

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Take one in; what all were told while it was being started, it is told now."""
        self.running.append(process)
        if self.told:
            process.send_signal(signal.SIGTERM)

    def tell(self, sig: int, _frame: FrameType | None = None) -> None:
        """Pass a signal on."""
        self.told = True
        for process in self.running:
            process.send_signal(sig)

    def reap(self) -> None:
        """Take note of those that have ended; if one did so by itself, the others are told to."""
        for process in [process for process in self.running if process.poll() is not None]:
            self.running.remove(process)
            # A worker that ends unasked has failed, whatever it says.
            self.codes.append(process.returncode if self.told else process.returncode or 1)
            if not self.told or process.returncode:
                _LOG.error("a worker ended", extra={"fields": {"pid": process.pid, "code": process.returncode}})
            if not self.told:
                self.tell(signal.SIGTERM)


def serve_with_workers(arguments: Sequence[str], *, host: str, port: int, workers: int) -> int:
    """Run ``workers`` processes of the serving program until they end; return 0 if all of them ended well.

    Parameters
    ----------
    arguments : sequence of str
        The program's own; each worker gets them too, and where the socket and its siblings are.
    host, port : str, int
    workers : int
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        _LOG.error("%s port %s cannot be had: %s", host, port, error)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="slipway-"))
    group = _Workers()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, group.tell)
    try:
        with listening:
            for number in range(workers):
                if not group.told:
                    group.add(_start(arguments, listening, folder, number))
        while group.running:
            time.sleep(_POLL_S)
            group.reap()
    finally:
        for process in group.running:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if any(group.codes) else 0


def _start(arguments: Sequence[str], listening: socket.socket, folder: Path, number: int) -> subprocess.Popen[bytes]:
    fd = listening.fileno()
    own = ["--socket", str(fd), "--siblings", str(folder), "--worker", str(number)]
    return subprocess.Popen([sys.executable, "-m", "slipway.serving", *arguments, *own], pass_fds=(fd,))
