"""A PostgreSQL server for a while: a cluster of its own in a folder of its own, on a free port of the loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TIMEOUT_S = 120


class NoServer(Exception):
    """There are no PostgreSQL server programs on this machine, or they do not start."""


@contextmanager
def server() -> Iterator[str]:
    """Yield the SQLAlchemy URL of a fresh, empty database; stop the server and remove everything at the end.

    Raises
    ------
    NoServer
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="slipway-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data, log = folder / "data", folder / "log"
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "slipway", "--no-sync", folder=folder)
        start = ("-D", data, "-l", log, "-w", "-t", "60", "-o", options, "start")
        _run(programs / "pg_ctl", *start, folder=folder)
        yield f"postgresql+psycopg2://slipway@127.0.0.1:{port}/postgres"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            _run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop", folder=folder)
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoServer("no PostgreSQL server programs on this machine; install them: apt-get install -y postgresql")
    return Path(on_path).resolve().parent


def _run(*command: str | Path, folder: Path) -> None:
    # initdb and the server refuse to run as root.
    words = [str(word) for word in command]
    try:
        if os.geteuid() == 0:
            subprocess.run(words, cwd=folder, check=True, timeout=_TIMEOUT_S, stdout=subprocess.DEVNULL,
                           user="postgres", group="postgres", extra_groups=[])  # fmt: skip
        else:
            subprocess.run(words, cwd=folder, check=True, timeout=_TIMEOUT_S, stdout=subprocess.DEVNULL)
    except (subprocess.SubprocessError, OSError) as error:
        raise NoServer(f"{command[0]}: {error}") from error
