"""A model service that runs somewhere: what to start, and the handle to what was started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from slipway.core.identity import Subject


class RuntimeName(StrEnum):
    """Where services run."""

    DOCKER = "docker"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image ready to start.

    Attributes
    ----------
    digest : str
        docker: the engine's image id. process: the digest of the assembled build context.
    reference : str
        What the runtime starts: docker, the image id again, never a tag; process, the folder's path.
    runtime : RuntimeName
    python_version : str
        "3.11" form: the interpreter that the wheels are for.
    lock_sha256 : str
        Digest of the hashed requirements lock.
    """

    digest: str
    reference: str
    runtime: RuntimeName
    python_version: str
    lock_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "digest": self.digest,
            "reference": self.reference,
            "runtime": self.runtime.value,
            "python_version": self.python_version,
            "lock_sha256": self.lock_sha256,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BuiltImage:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "runtime": RuntimeName(data["runtime"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """What to start: an image under a name, with limits.

    Attributes
    ----------
    prediction_log : Path or None
        Folder of the host into which the service writes what it answered; None: it keeps no log.
    """

    name: str
    image: BuiltImage
    subject: Subject
    memory_mb: int = 512
    cpus: float = 1.0
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    prediction_log: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHandle:
    """What was started. ``id`` is the identity (container id, or pid and start time); ``name`` is a hint."""

    runtime: RuntimeName
    name: str
    id: str
    host: str
    port: int
    image_digest: str

    @property
    def url(self) -> str:
        """Where it answers, for instance ``http://127.0.0.1:40001``."""
        return f"http://{self.host}:{self.port}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "runtime": self.runtime.value,
            "name": self.name,
            "id": self.id,
            "host": self.host,
            "port": self.port,
            "image_digest": self.image_digest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ServiceHandle:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "runtime": RuntimeName(data["runtime"])})


class Runtime(Protocol):
    """Starts, finds and stops services. Each call is bounded in time and safe to repeat."""

    name: RuntimeName

    def start(self, spec: ServiceSpec) -> ServiceHandle:
        """Start a service; a leftover of ours under the same name is removed first. ServiceError if it cannot."""
        ...

    def wait_ready(self, handle: ServiceHandle, *, timeout_s: float) -> float:
        """Return the seconds until it was ready; ServiceError, with the end of its log, if it died or was late."""
        ...

    def is_alive(self, handle: ServiceHandle) -> bool:
        """Tell whether exactly this service still runs."""
        ...

    def stop(self, handle: ServiceHandle, *, grace_s: float = 10) -> None:
        """Stop it gracefully. Gone already is fine; a replacement under its name raises StaleHandleError."""
        ...

    def find(self, name: str) -> ServiceHandle | None:
        """Return the running service of that name."""
        ...

    def list(self) -> list[ServiceHandle]:
        """Return every service of this project that runs."""
        ...

    def logs(self, handle: ServiceHandle, *, max_bytes: int = 20_000) -> str:
        """Return the end of its log."""
        ...

    def peak_memory_mb(self, handle: ServiceHandle) -> float | None:
        """Return its memory in MiB at this moment (the peak where the host tells it); None if unknown."""
        ...
