"""One version's service beside the others of its model: found, started, asked, stopped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, Runtime, ServiceHandle, ServiceSpec
from slipway.core.serving_options import ServingOptions
from slipway.core.spec import ModelSpec
from slipway.deploy.journal import Journal
from slipway.deploy.routes import Route
from slipway.deploy.smoke import smoke
from slipway.errors import ServiceError, SlipwayError, StaleHandleError, shorten

LOG_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a service is started, beside its image and its limits.

    Attributes
    ----------
    options : ServingOptions
        What it was tuned to.
    prediction_log : Path or None
        Folder of this host for what it answered; None: it keeps no log.
    """

    options: ServingOptions = field(default_factory=ServingOptions)
    prediction_log: Path | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """The services of ``subject``'s model, of which ``image`` is the one to bring into service."""

    runtime: Runtime
    image: BuiltImage
    subject: Subject
    spec: ModelSpec
    launch: Launch
    journal: Journal

    def check_digest(self) -> None:
        """Raise ServiceError unless the image is the subject's."""
        if self.image.digest != self.subject.image_digest:
            raise ServiceError(
                f"the image {self.image.digest[7:19]} is not that of {self.subject}",
                remedy="deploy the image that was tested; release the version again if it was rebuilt",
            )

    def running(self, found: Route) -> ServiceHandle | None:
        """Return a service of exactly this version and image that runs already."""
        routed = [b.handle for b in found.backends if b.version == self.subject.version]
        named = self.runtime.find(self._name(found))
        candidates = [*routed, *([named] if named else [])]
        return next((h for h in candidates if h.image_digest == self.image.digest and self.runtime.is_alive(h)), None)

    def start(self, found: Route, running: ServiceHandle | None) -> ServiceHandle:
        """Return ``running``, or a new service, once it is ready; one that was started here is stopped if it is not."""
        handle = running or self.runtime.start(
            ServiceSpec(
                name=self._name(found),
                image=self.image,
                subject=self.subject,
                memory_mb=self.spec.objectives.memory_mb,
                cpus=self.spec.objectives.cpus,
                env=self.launch.options.to_env(),
                prediction_log=self.launch.prediction_log,
            )
        )
        try:
            said = "runs already" if running else "started"
            self.journal.note(f"version {self.subject.version} {said} at {handle.url} beside the champion")
            self.runtime.wait_ready(handle, timeout_s=self.spec.objectives.startup_seconds)
        except BaseException:
            if not running:
                self.stop(handle)
            raise
        return handle

    def smoke(self, handle: ServiceHandle, golden: Golden) -> None:
        """Raise ServiceError unless every golden row is answered as the reference does."""
        with self.journal.timed("smoke"):
            problems = smoke(handle.url, golden, version=self.subject.version)
        if problems:
            raise ServiceError(
                f"version {self.subject.version} failed its smoke test and got no traffic: {'; '.join(problems)}"
                f"{self.log_end(handle)}",
                remedy="correct the model or its image and release it again; the version before serves on",
            )
        self.journal.note(f"smoke test: {len(golden.rows)} golden rows answered as the reference does")

    def stop(self, handle: ServiceHandle) -> None:
        """Stop a service; one that will not stop is only noted, for the next deployment to try again."""
        try:
            self.runtime.stop(handle)
            self.journal.note(f"stopped {handle.name}")
        except StaleHandleError:
            return  # it is gone, and its name is another service's now
        except SlipwayError as error:
            self.journal.note(f"{handle.name} could not be stopped: {error.reason}")

    def retire(self, found: Iterable[ServiceHandle], *, keep: Iterable[ServiceHandle]) -> None:
        """Stop every service in service of this model but those to keep; ``found`` are others to think of."""
        kept = {handle.id for handle in keep}
        ours = re.compile(rf"slipway-{re.escape(self.subject.model)}-v\d+(-[0-9a-f]{{8}})?")
        running = [handle for handle in self.runtime.list() if ours.fullmatch(handle.name)]
        for handle in {h.id: h for h in [*found, *running] if h.id not in kept}.values():
            self.stop(handle)

    def log_end(self, handle: ServiceHandle) -> str:
        """Return the end of a service's log as part of a sentence; empty if there is none."""
        try:
            log = self.runtime.logs(handle, max_bytes=LOG_CHARACTERS).strip()
        except SlipwayError:
            return ""
        return f"; its log ends with: {shorten(log, LOG_CHARACTERS)}" if log else ""

    def _name(self, found: Route) -> str:
        """Return the service's name; never that of a routed service of other bytes, which would be replaced."""
        name = f"slipway-{self.subject.model}-v{self.subject.version}"
        others = {b.handle.name for b in found.backends if b.digest != self.image.digest}
        return f"{name}-{self.image.digest.removeprefix('sha256:')[:8]}" if name in others else name
