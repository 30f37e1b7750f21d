"""Programs in the background: start one in a session of its own, know it again, end it with all that it started.

A service is known by its pid and creation time: a pid alone may belong to somebody else by now. It leads a session, and
ending it ends the session: Airflow's tasks leave their service's process group, not its session. What a task
started in a session of its own, such as a model's serving program, is left alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from slipway.errors import StackError

GRACE_S = 10.0
KILL_S = 5.0
# The kernel keeps creation times relative to boot: a corrected clock moves them a little.
CLOCK_TOLERANCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Identity:
    """One process: its pid and its creation time in seconds since 1970."""

    pid: int
    created: float


# What this program started and has not collected yet; without it an ended child would stay a zombie.
_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path) -> Identity:
    """Start ``command`` in the background, in its own session, its output in ``log``.

    The log of the run before is kept beside it, as ``<log>.1``.

    Raises
    ------
    StackError
        If the program cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    try:
        with log.open("wb") as stream:
            process = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children[process.pid] = process
        return Identity(process.pid, psutil.Process(process.pid).create_time())
    except (OSError, psutil.NoSuchProcess) as error:
        raise StackError(f"{command[0]} cannot be started: {error}", remedy="run `make setup`, then again") from error


def run(command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path, timeout_s: float) -> int:
    """Run ``command`` to its end as `spawn` does; return its exit status.

    Raises
    ------
    StackError
        If it takes longer than ``timeout_s`` seconds; it is ended first.
    """
    identity = spawn(command, env=env, log=log, cwd=cwd)
    try:
        return _children[identity.pid].wait(timeout_s)
    except subprocess.TimeoutExpired:
        raise StackError(
            f"{Path(command[0]).name} took longer than {timeout_s:.0f} s", remedy=f"look into {log}"
        ) from None
    finally:
        end([identity])


def alive(identity: Identity) -> bool:
    """Return whether this very process runs; one that ended and was not collected does not."""
    _reap(identity.pid)
    with suppress(psutil.Error):
        process = psutil.Process(identity.pid)
        return process.status() != psutil.STATUS_ZOMBIE and _same(process, identity)
    return False


def end(identities: Iterable[Identity], *, grace_s: float = GRACE_S) -> None:
    """End these processes and everything in their sessions: SIGTERM, then SIGKILL after ``grace_s`` seconds.

    A process that ended long ago is no error; one whose pid went to somebody else is left alone.

    Raises
    ------
    StackError
        If something survives even SIGKILL.
    """
    wanted = tuple(identities)
    _signal(members(wanted), signal.SIGTERM)
    if not _wait_gone(wanted, grace_s):
        _signal(members(wanted), signal.SIGKILL)
        if not _wait_gone(wanted, KILL_S):
            pids = ", ".join(str(process.pid) for process in members(wanted))
            raise StackError(f"processes {pids} do not end", remedy="look at them with `ps`; a stuck disk holds them")


def members(identities: Iterable[Identity]) -> list[psutil.Process]:
    """Return the processes, still running, of the sessions that these processes lead or led."""
    sessions = {identity.pid: identity for identity in identities if _session_is_ours(identity)}
    found = []
    for pid in psutil.pids() if sessions else ():
        with suppress(psutil.Error, OSError):
            identity = sessions.get(os.getsid(pid))
            _reap(pid)
            process = psutil.Process(pid)
            if identity and process.status() != psutil.STATUS_ZOMBIE and process.create_time() >= _earliest(identity):
                found.append(process)
    return found


def _session_is_ours(identity: Identity) -> bool:
    """Return whether a session under this number, if any, is the one that the process made.

    The kernel gives a number to nobody else while a session bears it; a leader with another creation time, or a later
    boot, says that the old session is gone.
    """
    if psutil.boot_time() > identity.created + CLOCK_TOLERANCE_S:
        return False
    try:
        return _same(psutil.Process(identity.pid), identity)
    except psutil.NoSuchProcess:
        return True


def _same(process: psutil.Process, identity: Identity) -> bool:
    return abs(process.create_time() - identity.created) <= CLOCK_TOLERANCE_S


def _earliest(identity: Identity) -> float:
    return identity.created - CLOCK_TOLERANCE_S


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _wait_gone(identities: Sequence[Identity], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while members(identities):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def tail(log: Path, lines: int = 30) -> str:
    """Return the last ``lines`` lines of a log; empty when there is none."""
    try:
        with log.open(errors="replace") as stream:
            return "".join(deque(stream, maxlen=lines)).strip()
    except OSError:
        return ""
