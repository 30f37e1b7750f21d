"""Routes as values: which services answer for a model, and in what shares.

1. A route has at most one champion, one candidate and one previous version.
2. Weights are percent; they add up to 100, or there is no backend at all and the model answers 503.
3. The champion is who it was until a change has settled: a candidate may carry all traffic and is still a candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.core.identity import parse_digest, parse_model_name
from slipway.core.service import ServiceHandle
from slipway.errors import GatewayError


class Role(StrEnum):
    """What a backend is to its model."""

    CHAMPION = "champion"
    CANDIDATE = "candidate"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One version's service behind the gateway; ``weight`` is its share of the traffic in percent."""

    version: int
    weight: int
    role: Role
    handle: ServiceHandle

    def __post_init__(self) -> None:
        """Refuse a weight outside 0 to 100, and an image without a digest."""
        parse_digest(self.handle.image_digest)
        if not 0 <= self.weight <= 100:
            raise GatewayError(f"{self.weight} is not a weight", remedy="use 0 to 100 percent")

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.handle.image_digest

    @property
    def host(self) -> str:
        """Where the service answers."""
        return self.handle.host

    @property
    def port(self) -> int:
        """Where the service answers."""
        return self.handle.port

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "version": self.version,
            "weight": self.weight,
            "role": self.role.value,
            "digest": self.digest,
            "handle": self.handle.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Backend:
        """Read what :meth:`to_json` wrote."""
        return cls(
            version=data["version"],
            weight=data["weight"],
            role=Role(data["role"]),
            handle=ServiceHandle.from_json(data["handle"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A shadow: ``percent`` of the requests also go to ``role``, whose answers are thrown away."""

    role: Role
    percent: int = 100

    def __post_init__(self) -> None:
        """Refuse a share outside 1 to 100."""
        if not 1 <= self.percent <= 100:
            raise GatewayError(f"{self.percent} percent cannot be mirrored", remedy="use 1 to 100")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who answers for one model."""

    model: str
    backends: tuple[Backend, ...] = ()
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        """Refuse weights that do not add up, a role given twice, and a shadow that is not there."""
        parse_model_name(self.model)
        roles = [backend.role for backend in self.backends]
        if len(set(roles)) != len(roles):
            raise GatewayError(f"{self.model}: a role is given twice: {roles}", remedy="give each role once")
        total = sum(backend.weight for backend in self.backends)
        if self.backends and total != 100:
            raise GatewayError(f"{self.model}: weights add up to {total}", remedy="make them add up to 100")
        if self.mirror and self.mirror.role not in roles:
            raise GatewayError(f"{self.model}: no {self.mirror.role} to mirror to", remedy="add that backend")

    def of_role(self, role: Role) -> Backend | None:
        """Return the backend of that role."""
        return next((backend for backend in self.backends if backend.role is role), None)

    @property
    def champion(self) -> Backend | None:
        """The version that has proven itself."""
        return self.of_role(Role.CHAMPION)

    @property
    def previous(self) -> Backend | None:
        """The version before, kept warm."""
        return self.of_role(Role.PREVIOUS)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        mirror = self.mirror and {"role": self.mirror.role.value, "percent": self.mirror.percent}
        return {"model": self.model, "backends": [b.to_json() for b in self.backends], "mirror": mirror}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Route:
        """Read what :meth:`to_json` wrote."""
        mirror = data.get("mirror")
        return cls(
            model=data["model"],
            backends=tuple(Backend.from_json(backend) for backend in data["backends"]),
            mirror=mirror and Mirror(role=Role(mirror["role"]), percent=mirror["percent"]),
        )
