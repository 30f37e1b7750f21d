"""Start, stop and look at the embedded services of one checkout.

1. A service that runs, is well and was started as it would be started now is kept; any other is ended and started.
2. A start ends with everything healthy, or it ends what it started itself and says why.
3. What is running is written down at once, so that a start that was killed leaves nothing unknown behind.
4. Only processes that this checkout started are ended: by pid and creation time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from slipway.errors import StackError
from slipway.settings import STACK_FILE, Settings
from slipway.stack import airflow, envoy, mlflow, ports, processes, state
from slipway.stack.envoy import GatewayConfig
from slipway.stack.service import Service
from slipway.stack.state import Addresses, ServiceRecord, StackState

START_TIMEOUT_S = 300.0
SETTLE_S = 15.0
POLL_S = 0.1
SERVICES = (mlflow.NAME, envoy.NAME, *airflow.COMMANDS)
# What runs tasks ends first, while the services that a task reports to still answer.
STOP_ORDER = ((airflow.SCHEDULER, airflow.DAG_PROCESSOR, airflow.TRIGGERER), (airflow.API, mlflow.NAME, envoy.NAME))
LISTENERS = {mlflow.NAME: ("mlflow",), envoy.NAME: ("gateway", "gateway_admin"), airflow.API: ("airflow",)}

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One service as it is now: ``pid`` and ``since`` are None when it does not run."""

    name: str
    pid: int | None
    url: str
    healthy: bool
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """Every service as it is now."""

    services: tuple[ServiceStatus, ...]

    @property
    def healthy(self) -> bool:
        """Whether all of them are healthy."""
        return all(service.healthy for service in self.services)


def start(
    settings: Settings,
    *,
    progress: Progress,
    gateway_config: GatewayConfig,
    ports: Mapping[str, int] | None = None,
) -> StackState:
    """Bring all services up and return where they are; those that are well already are kept.

    Parameters
    ----------
    settings : Settings
        The checkout.
    progress : Callable[[str], None]
        Gets one line for each step.
    gateway_config : Callable[[int, int], Path]
        Writes Envoy's bootstrap for (port, admin port) and returns its path; called when Envoy is started.
    ports : Mapping[str, int], optional
        Ports that must be used: ``mlflow``, ``airflow``, ``gateway``, ``gateway_admin``. Others are chosen.

    Raises
    ------
    StackError
        If an asked port is taken, or a service does not become healthy; what this call started is ended first.
    """
    with _disk_trouble(settings.var), state.locked(settings.var, progress=progress):
        launch = _prepare(settings, progress, gateway_config, ports or {})
        try:
            launch.run()
        except BaseException:
            launch.undo()
            raise
        return launch.state


def stop(settings: Settings, *, progress: Progress) -> list[str]:
    """End what this checkout started and return the names of the services that still ran.

    Raises
    ------
    StackError
        If something survives SIGKILL, or another start or stop does not let go.
    """
    if not (settings.var / STACK_FILE).exists():
        return []
    with _disk_trouble(settings.var), state.locked(settings.var, progress=progress):
        before = state.read(settings.var)
        ended = _end(before.services, progress)
        state.write(settings.var, StackState(ports=before.ports))
    return ended


def status(settings: Settings) -> StackStatus:
    """Return how each service is now; it changes nothing."""
    now = state.read(settings.var)
    needed = service_names(settings)
    return StackStatus(services=tuple(_status(name, now) for name in SERVICES if name in needed or now.service(name)))


def service_names(settings: Settings) -> tuple[str, ...]:
    """Return the services that this project needs, in the order of their start."""
    return (mlflow.NAME, envoy.NAME, *airflow.components(settings))


def _status(name: str, now: StackState) -> ServiceStatus:
    record = now.service(name)
    if record is None or not processes.alive(_identity(record)):
        return ServiceStatus(name=name, pid=None, url="", healthy=False, since=None)
    return ServiceStatus(
        name=name,
        pid=record.pid,
        url=record.url,
        healthy=_healthy(record, now.ports) is not False,
        since=datetime.fromtimestamp(record.created, UTC),
    )


def _prepare(
    settings: Settings, progress: Progress, gateway_config: GatewayConfig, asked: Mapping[str, int]
) -> _Launch:
    """Choose ports, end what must be replaced, and return what remains to be started."""
    before = state.read(settings.var)
    chosen = ports.choose(asked, before.ports, ours=_ports_held(before))
    wanted = _declare(settings, chosen, gateway_config)
    kept = tuple(r for service in wanted if (r := before.service(service.name)) and _keep(r, service, before.ports))
    names = {record.name for record in kept}
    for record in kept:
        progress(f"{record.name}: already running (pid {record.pid})")
    _end((record for record in before.services if record.name not in names), progress)
    current = StackState(addresses=_addresses(settings, chosen, names), services=kept, ports=chosen)
    state.write(settings.var, current)
    missing = tuple(service for service in wanted if service.name not in names)
    return _Launch(settings, current, missing=missing, progress=progress)


def _ports_held(before: StackState) -> frozenset[int]:
    running = [record.name for record in before.services if processes.members([_identity(record)])]
    names = [name for service in running for name in LISTENERS.get(service, ())]
    return frozenset(before.ports[name] for name in names if name in before.ports)


def _declare(settings: Settings, chosen: Mapping[str, int], gateway_config: GatewayConfig) -> tuple[Service, ...]:
    caller = os.environ
    tracking_uri = mlflow.url(chosen["mlflow"])
    return (
        mlflow.service(settings, port=chosen["mlflow"], caller=caller),
        envoy.service(
            settings,
            port=chosen["gateway"],
            admin_port=chosen["gateway_admin"],
            config=gateway_config,
            caller=caller,
        ),
        *airflow.services(settings, port=chosen["airflow"], tracking_uri=tracking_uri, caller=caller),
    )


def _keep(record: ServiceRecord, service: Service, listening: Mapping[str, int]) -> bool:
    """Return whether a running service may stay; one that is slow to answer gets some seconds."""
    deadline = time.monotonic() + SETTLE_S
    while record.fingerprint == service.fingerprint and processes.alive(_identity(record)):
        if _healthy(record, listening) is not False:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return False


def _healthy(record: ServiceRecord, listening: Mapping[str, int]) -> bool | None:
    """Return whether a service says that it is well; None when nobody can tell."""
    if record.name == mlflow.NAME:
        return mlflow.healthy(record.url)
    if record.name == envoy.NAME:
        return envoy.healthy(envoy.url(listening["gateway_admin"]))
    return airflow.healthy(airflow.url(listening["airflow"]), record.name, since=record.created)


def _addresses(settings: Settings, chosen: Mapping[str, int], running: Iterable[str]) -> Addresses:
    """Return where the running ones of the services answer."""
    running = set(running)
    found = Addresses(ledger_url=settings.ledger_url) if running else Addresses()
    if mlflow.NAME in running:
        found = replace(found, tracking_uri=mlflow.url(chosen["mlflow"]))
    if envoy.NAME in running:
        gateway, admin = envoy.url(chosen["gateway"]), envoy.url(chosen["gateway_admin"])
        found = replace(found, gateway_url=gateway, gateway_admin_url=admin)
    if airflow.API in running:
        address, password = airflow.url(chosen["airflow"]), airflow.passwords(settings)[airflow.ADMIN]
        found = replace(found, airflow_url=address, airflow_user=airflow.ADMIN, airflow_password=password)
    return found


def _end(records: Iterable[ServiceRecord], progress: Progress) -> list[str]:
    """End these services in order, and return the names of those that still ran."""
    left = {record.name: record for record in records}
    ended = []
    for wave in STOP_ORDER:
        live = [left[name] for name in wave if name in left and processes.members([_identity(left[name])])]
        processes.end(_identity(record) for record in live)
        for record in live:
            progress(f"{record.name}: stopped")
            ended.append(record.name)
    return ended


def _identity(record: ServiceRecord) -> processes.Identity:
    return processes.Identity(record.pid, record.created)


@contextmanager
def _disk_trouble(var: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StackError(
            f"the services' files cannot be read or written: {error}",
            remedy=f"see that {var} is yours and that its disk has room",
        ) from error


class _Launch:
    """One start under way: it knows what it started, so that it can undo it."""

    def __init__(
        self, settings: Settings, current: StackState, *, missing: tuple[Service, ...], progress: Progress
    ) -> None:
        self.state = current
        self._before = current
        self._settings = settings
        self._missing = missing
        self._progress = progress

    def run(self) -> None:
        """Start what is missing, wait for all of it, and write the addresses down."""
        for service in self._missing:
            if service.name not in airflow.COMMANDS:
                self._spawn(service)
        components = [service for service in self._missing if service.name in airflow.COMMANDS]
        if components:
            airflow.passwords(self._settings)
            airflow.migrate(self._settings, components[0].env, progress=self._progress)
        for service in components:
            self._spawn(service)
        self._wait()
        addresses = _addresses(self._settings, self.state.ports, SERVICES)
        if any(service.name == airflow.API for service in components):
            airflow.ensure_pool(addresses.airflow_url, addresses.airflow_password)
        self._save(replace(self.state, addresses=addresses))

    def undo(self) -> None:
        """End what this start has started."""
        kept = {record.name for record in self._before.services}
        _end((record for record in self.state.services if record.name not in kept), self._progress)
        self._save(self._before)

    def _spawn(self, service: Service) -> None:
        service.folder.mkdir(parents=True, exist_ok=True)
        log = self._settings.var / "logs" / f"{service.name}.log"
        identity = processes.spawn(service.command(), env=service.env, log=log, cwd=service.folder)
        record = ServiceRecord(
            name=service.name,
            pid=identity.pid,
            created=identity.created,
            port=service.port,
            url=service.url,
            log=str(log),
            fingerprint=service.fingerprint,
        )
        self._save(self.state.with_service(record))

    def _save(self, current: StackState) -> None:
        # The state first: should the disk be full, what was started is still known to `undo`.
        self.state = current
        state.write(self._settings.var, current)

    def _wait(self) -> None:
        begin = time.monotonic()
        # The API server goes before the components that only it can speak for.
        waiting = sorted(self.state.services, key=lambda record: SERVICES.index(record.name))
        new = {service.name for service in self._missing}
        while waiting:
            for record in tuple(waiting):
                if not processes.alive(_identity(record)):
                    raise _ended(record)
                if _healthy(record, self.state.ports):
                    waiting.remove(record)
                    if record.name in new:
                        at = f" at {record.url}" if record.url else ""
                        self._progress(f"{record.name}: healthy{at} after {time.monotonic() - begin:.1f} s")
            if waiting and time.monotonic() - begin > START_TIMEOUT_S:
                raise _late(waiting[0])
            time.sleep(POLL_S if waiting else 0)


def _ended(record: ServiceRecord) -> StackError:
    if record.port and not ports.is_free(record.port):
        remedy = f"port {record.port} is now held by {ports.holder(record.port)}: start again, another port is chosen"
    else:
        remedy = f"look into {record.log}, then start again"
    return StackError(
        f"{record.name} ended before it was healthy; its log ends:\n{processes.tail(Path(record.log))}", remedy=remedy
    )


def _late(record: ServiceRecord) -> StackError:
    return StackError(
        f"{record.name} was not healthy within {START_TIMEOUT_S:.0f} s; its log ends:\n"
        f"{processes.tail(Path(record.log))}",
        remedy=f"look into {record.log} and at the machine's load, then start again",
    )
