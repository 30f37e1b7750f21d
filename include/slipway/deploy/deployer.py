"""Puts a version into service beside the one that serves, and takes it out again if anything is wrong.

1. The champion keeps its service, and its traffic until the new version has answered every golden row.
2. Traffic moves at the gateway, at once or in steps; after each move the new version is watched.
3. Anything wrong before the last watch has ended puts the champion's share back, then stops the new service.
4. Only then is the new version champion. The one before stays warm; older ones are stopped.
5. A killed deployment leaves the champion marked as such: the same call again finishes the work, any other undoes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, Runtime, ServiceHandle
from slipway.core.spec import ModelSpec
from slipway.deploy.gateway import Gateway
from slipway.deploy.journal import Deployment, Journal, Progress, silent
from slipway.deploy.routes import Backend, Role, Route
from slipway.deploy.services import Launch, Services
from slipway.deploy.smoke import smoke
from slipway.deploy.watch import Watch, watch
from slipway.errors import GatewayError, ServiceError, SlipwayError

DEFAULT = Launch()


def deploy(
    *,
    runtime: Runtime,
    gateway: Gateway,
    image: BuiltImage,
    subject: Subject,
    spec: ModelSpec,
    golden: Golden,
    launch: Launch = DEFAULT,
    progress: Progress = silent,
) -> Deployment:
    """Put ``subject`` into service under the strategy of ``spec``; done already is fine.

    Parameters
    ----------
    image : BuiltImage
        What to start; its digest must be the subject's.
    golden : Golden
        The subject's own golden rows and answers.
    launch : Launch
        How it is started; a service of these bytes that runs already stays as it was started.
    progress : callable
        Told each event as it happens.

    Raises
    ------
    ServiceError
        If the new service does not start, or answered wrongly before or after it had traffic. The routes are as
        before, the new service is stopped.
    GatewayError
        If the gateway does not take a route, or another deployment of this model is under way.
    """
    services = Services(runtime, image, subject, spec, launch, Journal(progress))
    services.check_digest()
    with gateway.deploying(subject.model):
        return _Change(gateway, services, golden).run((*spec.deployment.canary_steps, 100), keep_replaced=True)


def rollback(
    *,
    runtime: Runtime,
    gateway: Gateway,
    image: BuiltImage,
    subject: Subject,
    spec: ModelSpec,
    golden: Golden,
    launch: Launch = DEFAULT,
    progress: Progress = silent,
) -> Deployment:
    """Put ``subject``, which served before, back into service at once; done already is fine.

    Its warm service is used if it is alive, else it is started from ``image``. Smoke and watch are those of
    :func:`deploy`, and so are the parameters and errors. The version that it replaces is stopped.
    """
    services = Services(runtime, image, subject, spec, launch, Journal(progress))
    services.check_digest()
    with gateway.deploying(subject.model):
        return _Change(gateway, services, golden).run((100,), keep_replaced=False)


@dataclass(frozen=True, slots=True)
class _Change:
    """One move of a model's traffic to one version."""

    gateway: Gateway
    services: Services
    golden: Golden

    @property
    def version(self) -> int:
        """The version to bring into service."""
        return self.services.subject.version

    @property
    def journal(self) -> Journal:
        """Where events and durations go."""
        return self.services.journal

    def alive(self, backend: Backend | None) -> bool:
        """Tell whether there is such a backend and its service runs."""
        return backend is not None and self.services.runtime.is_alive(backend.handle)

    def run(self, steps: tuple[int, ...], *, keep_replaced: bool) -> Deployment:
        """Move the traffic in these steps of percent; everything is as before if this raises."""
        model = self.services.subject.model
        found = self.gateway.route(model) or Route(model=model)
        handle = self.services.running(found)
        base = self._settled(found, handle)
        # Undoes what a killed deployment left, and tells at once if the gateway is down.
        self.gateway.set_route(model, base.backends)
        serving = base.champion
        if serving and serving.handle == handle:
            return self._already_serves(found, base)
        try:
            with self.journal.timed("start"):
                handle = self.services.start(found, handle)
            self.services.smoke(handle, self.golden)
            self._move_traffic(base, handle, steps if self.alive(serving) else (100,))
            final = self._settle(base, handle, keep_replaced=keep_replaced)
        except BaseException as error:
            self._undo(base, handle, error)
            raise
        self.services.retire(_handles(found), keep=_handles(final))
        self.journal.note(f"version {self.version} serves")
        return self._deployment(final, replaced=serving.version if serving else None)

    def _settled(self, found: Route, running: ServiceHandle | None) -> Route:
        """Return a route without what an unfinished change left: all traffic to the champion, no candidate.

        A dead service of the version to deploy has no place in it either: the new one takes its name.
        """
        mine = (self.version, self.services.image.digest)
        kept = [b for b in found.backends if (b.version, b.digest) != mine or b.handle == running]
        champion = next((b for b in kept if b.role is Role.CHAMPION), None)
        if champion is None:
            return Route(model=found.model)
        warm = [b for b in kept if b.role is Role.PREVIOUS]
        return Route(model=found.model, backends=(replace(champion, weight=100), *(replace(b, weight=0) for b in warm)))

    def _already_serves(self, found: Route, base: Route) -> Deployment:
        problems = smoke(self.gateway.model_url(base.model), self.golden, version=self.version)
        if problems:
            raise ServiceError(
                f"version {self.version} serves already, but answers wrongly: {'; '.join(problems)}",
                remedy="roll back to the version before",
            )
        self.services.retire(_handles(found), keep=_handles(base))
        self.journal.note(f"version {self.version} serves already")
        return self._deployment(base, replaced=None)

    def _move_traffic(self, base: Route, handle: ServiceHandle, steps: tuple[int, ...]) -> None:
        for weight in steps:
            with self.journal.timed("switch"):
                self.gateway.set_route(base.model, self._shares(base, handle, weight))
            self.journal.note(f"version {self.version} gets {weight}% of the traffic")
            self._watch(base, handle, weight)

    def _shares(self, base: Route, handle: ServiceHandle, weight: int) -> list[Backend]:
        new = Backend(version=self.version, weight=weight, role=Role.CANDIDATE, handle=handle)
        rest = [replace(base.champion, weight=100 - weight)] if base.champion else []
        warm = [base.previous] if base.previous and base.previous.handle != handle else []
        return [new, *rest, *warm]

    def _watch(self, base: Route, handle: ServiceHandle, weight: int) -> None:
        champion = (base.champion.version,) if base.champion else ()
        target = Watch(
            gateway_url=self.gateway.model_url(base.model),
            service_url=handle.url,
            golden=self.golden,
            version=self.version,
            others=champion if weight < 100 else (),
            alive=lambda: self.services.runtime.is_alive(handle),
        )
        with self.journal.timed("watch"):
            seen = watch(target, seconds=self.services.spec.deployment.watch_seconds, settling=champion)
        if seen.problems:
            before = "the version before has all traffic again" if champion else "the model answers 503 until then"
            raise ServiceError(
                f"version {self.version} failed its watch after {seen.requests} requests at "
                f"{weight}%: {'; '.join(seen.problems)}{self.services.log_end(handle)}",
                remedy=f"correct the model or its image and release it again; {before}",
            )
        self.journal.note(f"watched {seen.requests} requests at {weight}%, {seen.by_new} by the new version: all right")

    def _settle(self, base: Route, handle: ServiceHandle, *, keep_replaced: bool) -> Route:
        """Make the new version champion, and the one before warm; let others answer their last request."""
        final = [Backend(version=self.version, weight=100, role=Role.CHAMPION, handle=handle)]
        if base.champion and keep_replaced and self.alive(base.champion):
            final.append(replace(base.champion, weight=0, role=Role.PREVIOUS))
        kept = [backend.handle for backend in final]
        for backend in base.backends:
            if backend.handle not in kept:
                self.gateway.drain(base.model, backend)
        return self.gateway.set_route(base.model, final)

    def _undo(self, base: Route, handle: ServiceHandle | None, error: BaseException) -> None:
        """Give the champion its traffic back, then stop the new service, once it has answered its last request."""
        try:
            current = self.gateway.route(base.model)
            new = next((b for b in current.backends if b.handle == handle), None) if current else None
            if new and new.weight:
                self.gateway.set_route(base.model, _without_traffic(base, new))
                self.gateway.drain(base.model, new)
            if current != base:
                self.gateway.set_route(base.model, base.backends)
        except SlipwayError as second:
            reason = error.reason if isinstance(error, SlipwayError) else repr(error)
            raise GatewayError(
                f"{reason}; and putting back the routes of before failed: {second.reason}",
                remedy="see that the gateway runs, then deploy or roll back again",
            ) from error
        if handle and handle not in _handles(base):
            self.services.stop(handle)
        self.journal.note(f"put back what served before: {error}")

    def _deployment(self, final: Route, *, replaced: int | None) -> Deployment:
        champion, previous = final.champion, final.previous
        assert champion is not None  # a settled route of ours has one
        return Deployment(
            model=final.model,
            version=champion.version,
            handle=champion.handle,
            previous=(previous.version, previous.handle) if previous else None,
            replaced=replaced,
            events=tuple(self.journal.events),
            timings=dict(self.journal.timings),
        )


def _handles(route: Route) -> list[ServiceHandle]:
    return [backend.handle for backend in route.backends]


def _without_traffic(base: Route, new: Backend) -> list[Backend]:
    """Return the settled backends, and the new one beside them without a share; none if nobody else could serve."""
    if base.champion is None:
        return []
    rest = [backend for backend in base.backends if backend.handle != new.handle]
    return [*rest, replace(new, weight=0)]
