"""What a checkout has running, in ``var/stack.json``: addresses for the settings, services for the next start and stop.

The file holds a password, so that only its owner may read it. Addresses are in it while everything is healthy; a stop
takes them out and leaves the ports, so that the next start answers at the same addresses.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway.errors import StackError
from slipway.settings import STACK_FILE

LOCK_FILE = "stack.lock"
LOCK_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """One service that was started.

    Attributes
    ----------
    name : str
        Such as ``airflow-scheduler``.
    pid : int
        The process, which leads a session of its own.
    created : float
        Its creation time in seconds since 1970; with the pid, its identity.
    port : int
        Where it listens; 0 where it does not.
    url : str
        Where a person or a program reaches it; empty where it has no address.
    log : str
        The file with its output.
    fingerprint : str
        A digest of how it was started; a service of another fingerprint is replaced.
    """

    name: str
    pid: int
    created: float
    port: int
    url: str
    log: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the services answer, under the names that `slipway.settings` reads."""

    tracking_uri: str = ""
    ledger_url: str = ""
    airflow_url: str = ""
    airflow_user: str = ""
    airflow_password: str = ""
    gateway_url: str = ""
    gateway_admin_url: str = ""

    def __repr__(self) -> str:
        """Leave the password out of logs."""
        return f"Addresses(tracking_uri={self.tracking_uri!r}, airflow_url={self.airflow_url!r}, ...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The embedded services of one checkout.

    Attributes
    ----------
    addresses : Addresses
        Empty strings while the stack is not up.
    services : tuple[ServiceRecord, ...]
        What was started and not stopped.
    ports : Mapping[str, int]
        The port of each listener, kept over a stop.
    """

    addresses: Addresses = field(default_factory=Addresses)
    services: tuple[ServiceRecord, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)

    def service(self, name: str) -> ServiceRecord | None:
        """Return the record of the service ``name``, if there is one."""
        return next((record for record in self.services if record.name == name), None)

    def with_service(self, record: ServiceRecord) -> StackState:
        """Return this state with ``record`` added, or put in its predecessor's place."""
        return replace(self, services=(*(r for r in self.services if r.name != record.name), record))

    def without(self, names: frozenset[str]) -> StackState:
        """Return this state without the services of these names."""
        return replace(self, services=tuple(r for r in self.services if r.name not in names))


def read(var: Path) -> StackState:
    """Return what ``var/stack.json`` says; an empty state when there is no such file.

    Raises
    ------
    StackError
        If the file is not one that this module wrote.
    """
    path = var / STACK_FILE
    try:
        return _parse(json.loads(path.read_text()))
    except FileNotFoundError:
        return StackState()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StackError(
            f"{path} cannot be read: {error}",
            remedy="end what still runs of this checkout by hand, remove that file and start again",
        ) from error


def _parse(values: Any) -> StackState:
    if not isinstance(values, dict):
        raise TypeError("it does not hold an object")
    names = Addresses.__dataclass_fields__
    return StackState(
        addresses=Addresses(**{name: str(values[name]) for name in names if name in values}),
        services=tuple(ServiceRecord(**entry) for entry in values.get("services", ())),
        ports={str(name): int(port) for name, port in values.get("ports", {}).items()},
    )


def write(var: Path, state: StackState) -> None:
    """Replace ``var/stack.json`` in one step, readable by its owner only."""
    known = {name: value for name, value in asdict(state.addresses).items() if value}
    services = [asdict(record) for record in state.services]
    text = json.dumps({**known, "ports": dict(state.ports), "services": services}, indent=2)
    write_private(var / STACK_FILE, text + "\n")


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step, with mode 0600 from the first byte."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


@contextmanager
def locked(var: Path, *, progress: Callable[[str], None], timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold the checkout's lock, so that two starts or stops at once do not race.

    Raises
    ------
    StackError
        If another process holds it for longer than ``timeout_s`` seconds.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / LOCK_FILE).open("w") as stream:
        deadline = time.monotonic() + timeout_s
        said = False
        while not _try_lock(stream.fileno()):
            if time.monotonic() > deadline:
                raise StackError(
                    f"another start or stop of this checkout has held {var / LOCK_FILE} for {timeout_s:.0f} s",
                    remedy="wait for it to end, or end it",
                )
            if not said:
                progress("stack: another start or stop is under way, waiting for it")
                said = True
            time.sleep(0.1)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
