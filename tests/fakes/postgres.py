"""A PostgreSQL server of Debian's, in a folder of its own, on a free port of the loopback interface."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest


def server_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.fail("no PostgreSQL server programs on this machine; install them: apt-get install -y postgresql")
    return Path(on_path).resolve().parent


def as_postgres(*command, folder):
    # initdb and the server refuse to run as root.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run([str(part) for part in command], cwd=folder, check=True, timeout=120, **user)


@contextmanager
def postgres_server():
    """Start a server for the length of a block, and give its ``host:port``; its user is ``slipway``."""
    programs = server_programs()
    folder = Path(tempfile.mkdtemp(prefix="slipway-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = folder / "data", folder / "log"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    try:
        as_postgres(programs / "initdb", "-D", data, "-A", "trust", "-U", "slipway", "--no-sync", folder=folder)
        as_postgres(programs / "pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", options, "start", folder=folder)
        yield f"127.0.0.1:{port}"
    finally:
        if (data / "postmaster.pid").exists():
            as_postgres(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", folder=folder)
        shutil.rmtree(folder, ignore_errors=True)
