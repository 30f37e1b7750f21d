"""Run an outside program: no shell, bounded in time and in output, and nothing of it left behind.

The program gets a process group of its own, which is killed as a whole when its time is up or when we are interrupted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slipway.errors import CommandError

MAX_OUTPUT = 1 << 20
_CHUNK = 1 << 16
_DRAIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a program ended.

    Attributes
    ----------
    argv : tuple of str
    returncode : int
        Negative: killed by that signal.
    stdout, stderr : str
        UTF-8, undecodable bytes replaced. Of more than ``max_output`` bytes the end is kept.
    truncated : bool
        Whether the beginning of either was dropped.
    seconds : float
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    truncated: bool
    seconds: float

    def tail(self, lines: int = 12) -> str:
        """Return the last lines that say why: of stderr, or of stdout if that is empty."""
        text = self.stderr.strip() or self.stdout.strip()
        return "\n".join(text.splitlines()[-lines:])


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    max_output: int = MAX_OUTPUT,
    check: bool = True,
) -> Completed:
    """Run a program to its end.

    Parameters
    ----------
    argv : sequence of str or Path
        Program and arguments; no shell reads them.
    timeout_s : float
        Seconds after which its process group is killed.
    env : mapping or None
        Its whole environment; None hands on ours.
    input : str or None
        Written to its standard input, which is empty otherwise.
    max_output : int
        Bytes kept of each of stdout and stderr.
    check : bool
        Raise when it ends with anything but 0.

    Raises
    ------
    CommandError
        If it cannot be started, runs out of time, or (with ``check``) fails.
    """
    args = tuple(str(part) for part in argv)
    started = time.monotonic()
    process = _start(args, cwd, env)
    out, err = _Tail(process.stdout, max_output), _Tail(process.stderr, max_output)
    writer = threading.Thread(target=_feed, args=(process.stdin, (input or "").encode()), daemon=True)
    writer.start()
    try:
        process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        _kill_group(process)
        _ = out.finish(), err.finish()
        raise CommandError(
            f"{_shown(args)} ran for more than {timeout_s:g} s and was killed; its last words: {_words(out, err)}",
            remedy="look at what it waits for, or allow it more time",
        ) from error
    except BaseException:
        _kill_group(process)
        raise
    if not (out.finish() and err.finish()):  # a grandchild still holds the pipes
        _kill_group(process)
        _ = out.finish(), err.finish()
    done = Completed(
        argv=args,
        returncode=process.returncode,
        stdout=out.text,
        stderr=err.text,
        truncated=out.truncated or err.truncated,
        seconds=time.monotonic() - started,
    )
    if check and done.returncode != 0:
        raise CommandError(
            f"{_shown(args)} ended with {done.returncode}: {done.tail() or 'it said nothing'}",
            remedy="read what it says above and correct that",
        )
    return done


def _start(args: tuple[str, ...], cwd: Path | None, env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            args,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{args[0] if args else 'an empty command'} cannot be started: {error}",
            remedy="check that it is installed and that its folder exists",
        ) from error


def _feed(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        return
    with contextlib.suppress(OSError, ValueError):  # it may end, or close its input, before it has read all
        pipe.write(data)
    with contextlib.suppress(OSError, ValueError):
        pipe.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_DRAIN_S)


def _shown(args: tuple[str, ...]) -> str:
    line = " ".join(args)
    return line if len(line) <= 200 else line[:200] + " …"


def _words(out: _Tail, err: _Tail) -> str:
    text = err.text.strip() or out.text.strip() or "none"
    return text[-800:]


class _Tail:
    """Reads a pipe to its end in a thread and keeps the last ``limit`` bytes."""

    def __init__(self, pipe: IO[bytes] | None, limit: int) -> None:
        self._pipe = pipe
        self._limit = limit
        self._kept = bytearray()
        self.truncated = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._pipe is None:
            return
        with contextlib.suppress(OSError, ValueError), self._pipe as pipe:
            while chunk := os.read(pipe.fileno(), _CHUNK):
                self._kept += chunk
                if len(self._kept) > 2 * self._limit:
                    self._cut()

    def _cut(self) -> None:
        if len(self._kept) > self._limit:
            self.truncated = True
            del self._kept[: len(self._kept) - self._limit]

    def finish(self) -> bool:
        """Wait a moment for the pipe's end; tell whether it came."""
        self._thread.join(_DRAIN_S)
        return not self._thread.is_alive()

    @property
    def text(self) -> str:
        """What was kept."""
        self._cut()
        return self._kept.decode("utf-8", errors="replace")
