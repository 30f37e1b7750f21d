"""Start what is measured on one core and what measures it on another; stop each by its id."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"
START_S = 90.0
_POLL_S = 0.005
_GRACE_S = 10.0


class DidNotStart(Exception):
    """A system could not be started; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The server's core and the generator's."""

    server: int
    generator: int

    @classmethod
    def choose(cls) -> Cores:
        """Take two of the cores that we may use; SystemExit if there is one only."""
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            raise SystemExit("the benchmark needs two cores: one for the server, one for the load")
        return cls(allowed[0], allowed[-1])


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Let what is started meanwhile run on one core only, with all its threads and children."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was started, and the file that holds what it says."""

    process: psutil.Process
    log: Path

    @classmethod
    def start(cls, argv: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], log: Path, core: int) -> Program:
        """Start it on one core, in a session of its own; DidNotStart if there is no such program."""
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("wb") as file, pinned(core):
                child = subprocess.Popen(
                    [str(part) for part in argv],
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            return cls(psutil.Process(child.pid), log)
        except (OSError, psutil.Error) as error:
            raise DidNotStart(str(error)) from error

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE

    def stop(self) -> None:
        """End it and its children: SIGTERM to it, SIGKILL to what is left after a while."""
        with contextlib.suppress(psutil.NoSuchProcess):
            members = [self.process, *self.process.children(recursive=True)]
            self.process.terminate()
            _, left = psutil.wait_procs(members, timeout=_GRACE_S)
            for member in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(left, timeout=_GRACE_S)

    def last_words(self) -> str:
        """Return the end of what it said."""
        return self.log.read_text(errors="replace")[-1500:].strip()


def wait_ready(port: int, path: str, program: Program | None = None, *, timeout_s: float = START_S) -> float:
    """Return the seconds until ``GET path`` gave 200; DidNotStart if it died or did not get there in time."""
    started = time.perf_counter()
    while not _answers(port, path):
        if program is not None and not program.alive:
            raise DidNotStart(f"it ended: {program.last_words()}")
        if time.perf_counter() - started > timeout_s:
            said = f": {program.last_words()}" if program else ""
            raise DidNotStart(f"not ready after {timeout_s:g} s{said}")
        time.sleep(_POLL_S)
    return time.perf_counter() - started


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
