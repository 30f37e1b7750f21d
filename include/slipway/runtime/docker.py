"""Services in containers: started from an image id, hardened, limited, found and stopped by container id.

Rules
-----
1. The image is started by its id, never by a tag.
2. A container is ours if it carries this checkout's label. One of ours is replaced; any other is left alone.
3. Each is published on one fixed port, so that it comes back where the gateway looks for it.
4. Only the champion restarts by itself: a candidate that dies must be seen to have died.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from slipway.core.service import RuntimeName, ServiceHandle, ServiceSpec
from slipway.errors import ServiceError, StaleHandleError
from slipway.runtime.engine import connect, reported_as
from slipway.runtime.labels import LOG_DIR, PORT, PROJECT, SERVICE, project_id, restarts, service_labels
from slipway.runtime.ports import free_port, poll_ready
from slipway.settings import Settings

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

CONTAINER_PORT = 8080
_UID = 10001
USER = f"{_UID}:{_UID}"
PIDS_LIMIT = 256
PREDICTIONS = "/predictions"
"""Where a container finds the folder of its prediction log."""
_PORT_ATTEMPTS = 5
_TAKEN = ("port is already allocated", "address already in use")

_HARDENING: dict[str, Any] = {
    "user": USER,
    "read_only": True,
    "tmpfs": {"/tmp": "rw,nosuid,nodev,size=64m,mode=1777"},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "pids_limit": PIDS_LIMIT,
    "log_config": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
}


class DockerRuntime:
    """Runs services as containers of the local engine.

    Raises EngineUnavailable, at the first call, if no engine answers.
    """

    name = RuntimeName.DOCKER

    def __init__(self, settings: Settings) -> None:
        self._project = project_id(settings)
        self._host = settings.service_host
        self._connected: docker.DockerClient | None = None

    @property
    def _client(self) -> docker.DockerClient:
        if self._connected is None:
            self._connected = connect()
        return self._connected

    def start(self, spec: ServiceSpec) -> ServiceHandle:
        """Start a container; one of ours under the same name is removed first.

        Raises
        ------
        ServiceError
            If the name is taken by a container that is not ours, the image is not there, or no port is free.
        """
        self._remove_leftover(spec.name)
        for _ in range(_PORT_ATTEMPTS):
            port = free_port(self._address())
            container = self._create(spec, port)
            try:
                with reported_as(ServiceError, f"{spec.name} cannot be started"):
                    container.start()
            except ServiceError as error:
                self._remove(container)
                if not any(sign in error.reason for sign in _TAKEN):
                    raise
                continue
            except BaseException:
                self._remove(container)
                raise
            return self._handle(spec.name, container.id or "", port, spec.image.digest)
        raise ServiceError(f"{spec.name}: {_PORT_ATTEMPTS} ports in turn were taken by others", remedy="start it again")

    def wait_ready(self, handle: ServiceHandle, *, timeout_s: float) -> float:
        """Return the seconds until it was ready; ServiceError, with the end of its log, if it died or was late."""

        def check_alive() -> None:
            container = self._get(handle.id)
            if container is None:
                raise ServiceError(f"{handle.name} was removed while it started", remedy="start it again")
            if container.status in ("exited", "dead", "restarting") or container.attrs.get("RestartCount"):
                raise ServiceError(
                    f"{handle.name} died: {_how_it_ended(container)}. Its log ends:\n{self.logs(handle)[-1500:]}",
                    remedy="correct what its log says, then start it again",
                )

        seconds = poll_ready(handle.host, handle.port, timeout_s=timeout_s, check_alive=check_alive)
        if seconds is None:
            raise ServiceError(
                f"{handle.name} was not ready after {timeout_s:g} s. Its log ends:\n{self.logs(handle)[-1500:]}",
                remedy="look at its log, or allow it more time to start",
            )
        return seconds

    def is_alive(self, handle: ServiceHandle) -> bool:
        """Tell whether exactly this container still runs."""
        container = self._get(handle.id)
        return container is not None and container.status == "running" and self._is_ours(container)

    def stop(self, handle: ServiceHandle, *, grace_s: float = 10) -> None:
        """Send SIGTERM, kill after ``grace_s``, remove.

        Raises
        ------
        StaleHandleError
            If this container is gone and another one runs under its name, or if it is not ours.
        """
        container = self._get(handle.id)
        if container is None:
            replacement = self._named(handle.name)
            if replacement is not None:
                raise StaleHandleError(
                    f"{handle.name} is now container {replacement.short_id}, not {handle.id[:12]}",
                    remedy="find the service again by its name, then decide",
                )
            return
        if not self._is_ours(container):
            raise StaleHandleError(
                f"container {handle.id[:12]} does not belong to this project", remedy="stop it where it was started"
            )
        with reported_as(ServiceError, f"{handle.name} cannot be stopped"), _gone_is_fine():
            container.stop(timeout=max(0, round(grace_s)))
        self._remove(container)

    def find(self, name: str) -> ServiceHandle | None:
        """Return the running service of that name."""
        container = self._named(name)
        return self._handle_of(container) if container is not None and container.status == "running" else None

    def list(self) -> list[ServiceHandle]:
        """Return every service of this project that runs, by name."""
        with reported_as(ServiceError, "containers cannot be listed"):
            found = self._client.containers.list(
                filters={"label": f"{PROJECT}={self._project}", "status": "running"}, ignore_removed=True
            )
        handles = (self._handle_of(container) for container in found)
        return sorted((h for h in handles if h is not None), key=lambda h: h.name)

    def logs(self, handle: ServiceHandle, *, max_bytes: int = 20_000) -> str:
        """Return the end of its log; empty if it is gone."""
        container = self._get(handle.id)
        if container is None:
            return ""
        with reported_as(ServiceError, f"the log of {handle.name} cannot be read"):
            lines = container.logs(tail=2000, stdout=True, stderr=True)
        return bytes(lines)[-max_bytes:].decode("utf-8", errors="replace")

    def peak_memory_mb(self, handle: ServiceHandle) -> float | None:
        """Return its memory in MiB, the peak where the engine tells it, page cache left out; None if unknown."""
        container = self._get(handle.id)
        if container is None or container.status != "running":
            return None
        with reported_as(ServiceError, f"the memory of {handle.name} cannot be read"):
            stats: Any = self._client.api.stats(handle.id, stream=False, one_shot=True)
        return memory_mb(stats.get("memory_stats") or {})

    def _address(self) -> str:
        try:
            return socket.gethostbyname(self._host)
        except OSError as error:
            raise ServiceError(
                f"{self._host} has no address: {error}", remedy="correct SLIPWAY_SERVICE_HOST"
            ) from error

    def _create(self, spec: ServiceSpec, port: int) -> Container:
        labels = {**service_labels(spec, self._project), PORT: str(port)}
        options: dict[str, Any] = {"restart_policy": {"Name": "unless-stopped"}} if restarts(spec) else {}
        with reported_as(ServiceError, f"{spec.name} cannot be created"):
            return self._client.containers.create(
                spec.image.digest,
                name=self._container_name(spec.name),
                environment={**spec.env, **log_env(spec)},
                labels=labels,
                ports={f"{CONTAINER_PORT}/tcp": (self._address(), port)},
                mem_limit=f"{spec.memory_mb}m",
                memswap_limit=f"{spec.memory_mb}m",
                nano_cpus=round(spec.cpus * 1e9),
                volumes=log_mount(spec),
                **_HARDENING,
                **options,
            )

    def _container_name(self, name: str) -> str:
        # Two checkouts on one machine may serve the same model.
        return f"{name}-{self._project}"

    def _get(self, reference: str) -> Container | None:
        from docker.errors import NotFound

        with reported_as(ServiceError, f"container {reference[:40]} cannot be looked up"):
            try:
                return self._client.containers.get(reference)
            except NotFound:
                return None

    def _named(self, name: str) -> Container | None:
        container = self._get(self._container_name(name))
        return container if container is not None and self._is_ours(container) else None

    def _is_ours(self, container: Container) -> bool:
        return container.labels.get(PROJECT) == self._project

    def _remove_leftover(self, name: str) -> None:
        existing = self._get(self._container_name(name))
        if existing is None:
            return
        if not self._is_ours(existing):
            raise ServiceError(
                f"a container named {existing.name} exists and does not belong to this project",
                remedy=f"rename or remove container {existing.short_id}",
            )
        self._remove(existing)

    def _remove(self, container: Container) -> None:
        with reported_as(ServiceError, f"container {container.short_id} cannot be removed"), _gone_is_fine():
            container.remove(force=True, v=True)

    def _handle(self, name: str, container_id: str, port: int, image_digest: str) -> ServiceHandle:
        return ServiceHandle(
            runtime=self.name, name=name, id=container_id, host=self._host, port=port, image_digest=image_digest
        )

    def _handle_of(self, container: Container) -> ServiceHandle | None:
        name, port = container.labels.get(SERVICE), container.labels.get(PORT, "")
        if not name or not port.isdigit():
            return None
        return self._handle(name, container.id or "", int(port), container.attrs["Image"])


def log_mount(spec: ServiceSpec) -> dict[str, dict[str, str]]:
    """Return the mount of the prediction log; its folder is made such that the container's user can write to it."""
    if spec.prediction_log is None:
        return {}
    folder = spec.prediction_log.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid != _UID:
            # As root, give it to the container's user; as anybody else, open it to all.
            os.chown(folder, _UID, _UID) if os.geteuid() == 0 else folder.chmod(0o777)
    except OSError as error:
        raise ServiceError(
            f"{folder} cannot be made for the prediction log: {error}", remedy="make it, or choose another folder"
        ) from error
    return {str(folder): {"bind": PREDICTIONS, "mode": "rw"}}


def log_env(spec: ServiceSpec) -> dict[str, str]:
    """Return what tells the service where that mount is."""
    return {} if spec.prediction_log is None else {LOG_DIR: PREDICTIONS}


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        # 404: no such container; 409: somebody else is removing it already.
        if error.status_code not in (404, 409):
            raise


def _how_it_ended(container: Container) -> str:
    state = container.attrs.get("State", {})
    if state.get("OOMKilled"):
        return "it needed more memory than its limit and was killed (OOM)"
    if state.get("ExitCode") == 137:
        return "it was killed (exit code 137: by hand, or for want of memory)"
    return f"exit code {state.get('ExitCode')}" + (f", {state['Error']}" if state.get("Error") else "")


def memory_mb(stats: Mapping[str, Any]) -> float | None:
    """Return MiB from an engine's memory statistics: the peak where they hold one, without inactive page cache.

    >>> memory_mb({"usage": 60 * 2**20, "stats": {"inactive_file": 10 * 2**20}})
    50.0
    >>> memory_mb({}) is None
    True
    """
    used = stats.get("max_usage") or stats.get("usage")
    if not used:
        return None
    detail = stats.get("stats") or {}
    cache = detail.get("total_inactive_file") or detail.get("inactive_file") or 0
    return max(0.0, float(used - cache) / 2**20)
