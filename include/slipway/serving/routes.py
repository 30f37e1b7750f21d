"""Which path means what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slipway.core.identity import Subject
from slipway.errors import shorten
from slipway.serving.faults import MethodNotAllowed, NotServed


class Route(StrEnum):
    """What can be asked; the value is the metrics' label."""

    LIVE = "live"
    READY = "ready"
    SERVER = "server"
    MODEL = "model"
    MODEL_READY = "model_ready"
    INFER = "infer"
    INVOCATIONS = "invocations"
    METRICS = "metrics"
    PROFILE = "profile"
    PROFILE_RESET = "profile_reset"
    PROFILE_TIME = "profile_time"

    __hash__ = str.__hash__  # an Enum's own is slow


POSTED = frozenset({Route.INFER, Route.INVOCATIONS, Route.PROFILE_RESET, Route.PROFILE_TIME})
_FIXED = {
    "/v2/health/live": Route.LIVE,
    "/v2/health/ready": Route.READY,
    "/v2": Route.SERVER,
    "/v2/": Route.SERVER,
    "/invocations": Route.INVOCATIONS,
    "/metrics": Route.METRICS,
}
_DEBUG = {
    "/debug/profile": Route.PROFILE,
    "/debug/profile/reset": Route.PROFILE_RESET,
    "/debug/profile/time": Route.PROFILE_TIME,
}
_OF_MODEL = {"": Route.MODEL, "ready": Route.MODEL_READY, "infer": Route.INFER}


@dataclass(frozen=True, slots=True)
class Router:
    """The paths of one served version."""

    subject: Subject
    profiling: bool = False

    def route(self, path: str) -> Route:
        """Return what a path means; NotServed if nothing."""
        known = _FIXED.get(path) or (_DEBUG.get(path) if self.profiling else None)
        return known or self._of_model(path)

    def table(self) -> dict[str, Route]:
        """Return every path that is served, spelled as callers do, for a quick look."""
        model = f"/v2/models/{self.subject.model}"
        ways = (model, f"{model}/versions/{self.subject.version}")
        of_model = {f"{way}/{end}".rstrip("/"): route for way in ways for end, route in _OF_MODEL.items()}
        return {**_FIXED, **(_DEBUG if self.profiling else {}), **of_model}

    def _of_model(self, path: str) -> Route:
        parts = path.split("/")
        if parts[:3] != ["", "v2", "models"] or len(parts) < 4:
            raise NotServed(f"there is nothing at {shorten(path, 100)}", remedy="GET /v2 names what is served")
        name, rest = parts[3], parts[4:]
        version = str(self.subject.version)
        if rest[:1] == ["versions"]:
            version, rest = (rest[1] if len(rest) > 1 else ""), rest[2:]
        if (name, version) != (self.subject.model, str(self.subject.version)):
            served = f"{self.subject.model} version {self.subject.version}"
            raise NotServed(f"{shorten(name, 100)!r} is not served here", remedy=f"ask for {served}")
        found = _OF_MODEL.get("/".join(rest))
        if found is None:
            raise NotServed(f"there is nothing at {shorten(path, 100)}", remedy="use infer or ready")
        return found


def check_method(route: Route, method: str) -> None:
    """Raise MethodNotAllowed unless the route takes the method; HEAD is taken as GET."""
    allowed = ("POST",) if route in POSTED else ("GET", "HEAD")
    if method not in allowed:
        raise MethodNotAllowed(method, ", ".join(allowed))
