"""Changes routes at the gateway: all or nothing, confirmed by Envoy, healed after a crash.

1. Every file of a change is on disk before the first is renamed; a full disk stops it while nothing has changed.
2. New clusters come before the routes that use them, old ones go after the routes that left them.
3. The state is written when Envoy has confirmed. Until then, the state before is the truth: after a failure it is put
   back at once, after a crash by the next change or by the next start.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.deploy import envoy
from slipway.deploy.admin import EnvoyAdmin
from slipway.deploy.files import GatewayFiles, disk_error
from slipway.deploy.routes import Backend, Mirror, Route
from slipway.errors import GatewayError

CONFIRM_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class _Staged:
    """One set of files, on disk, and what to wait for."""

    version: str
    clusters: list[dict[str, Any]]
    before: Path
    routes: Path
    after: Path


class Gateway:
    """The routes of every model; safe to use from many processes at once.

    Parameters
    ----------
    folder : Path
        Holds the state and the files that Envoy watches.
    url : str
        Where Envoy serves.
    admin_url : str
        Where its admin interface answers.
    confirm_s : float
        How long Envoy may take to confirm a change.
    """

    def __init__(
        self,
        folder: Path,
        *,
        url: str,
        admin_url: str,
        confirm_s: float = CONFIRM_SECONDS,
    ) -> None:
        self.url = url.rstrip("/")
        self._files = GatewayFiles(Path(folder).resolve())
        self._admin = EnvoyAdmin(admin_url, timeout_s=confirm_s)

    def model_url(self, model: str) -> str:
        """Return where the gateway serves a model: put ``/invocations`` behind it."""
        return f"{self.url}/models/{model}"

    def routes(self) -> dict[str, Route]:
        """Return the routes in force, by model."""
        return self._files.read_routes()

    def route(self, model: str) -> Route | None:
        """Return a model's route; None if it has none."""
        return self.routes().get(model)

    def set_route(self, model: str, backends: Iterable[Backend], *, mirror: Mirror | None = None) -> Route:
        """Give a model these backends, and return when Envoy has confirmed.

        No backend at all makes the model answer 503. In-flight requests of a backend that goes are not cut off by
        this if it had no weight before; see :meth:`drain`.

        Raises
        ------
        GatewayError
            If Envoy does not confirm or the folder cannot be written; the routes before are put back.
        """
        route = Route(model=model, backends=tuple(backends), mirror=mirror)
        with self._changing_routes() as before:
            self._change(before, {**before, model: route})
        return route

    def remove_route(self, model: str) -> None:
        """Forget a model: it answers 404 from then on. Raises as :meth:`set_route` does."""
        with self._changing_routes() as before:
            if model in before:
                self._change(before, {name: route for name, route in before.items() if name != model})

    def heal(self) -> None:
        """Make Envoy serve what the state says, whatever a crash left behind. Raises as :meth:`set_route` does."""
        with self._changing_routes() as before:
            self._change(before, before)

    @contextmanager
    def deploying(self, model: str, *, timeout_s: float = 5.0) -> Iterator[None]:
        """Hold a model's deployment lock: two deployments of one model cannot run at once."""
        with self._files.locked(f"deploy-{model}", timeout_s=timeout_s):
            yield

    def drain(self, model: str, backend: Backend, *, timeout_s: float = 10.0) -> bool:
        """Wait until a backend without weight has answered its last request; False if it has not in time."""
        deadline = time.monotonic() + timeout_s
        while self._admin.active_requests(envoy.cluster_name(model, backend)):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    @contextmanager
    def _changing_routes(self) -> Iterator[dict[str, Route]]:
        try:
            with self._files.locked("routes"):
                yield self._files.read_routes()
        except OSError as error:
            raise disk_error(self._files.folder, error) from error

    def _change(self, before: Mapping[str, Route], after: Mapping[str, Route]) -> None:
        back = self._stage("back", before)
        new = self._stage("new", after)
        state = self._files.stage(
            "state.json", {"routes": {name: route.to_json() for name, route in sorted(after.items())}}
        )
        try:
            self._publish(new)
            self._files.put(state, self._files.state)
        except BaseException as error:
            self._put_back(back, error)
            raise
        self._files.put(new.after, self._files.cds)
        self._files.clear_staging()

    def _stage(self, label: str, routes: Mapping[str, Route]) -> _Staged:
        version = f"{label}-{secrets.token_hex(8)}"
        cds, rds = envoy.render(routes.values(), version=version)
        # Nothing that may be in use disappears before the routes have moved away from it.
        union = {cluster["name"]: cluster for cluster in [*self._files.live_clusters(), *cds["resources"]]}
        return _Staged(
            version,
            cds["resources"],
            before=self._files.stage(f"{label}-cds-before.json", {**cds, "resources": list(union.values())}),
            routes=self._files.stage(f"{label}-rds.json", rds),
            after=self._files.stage(f"{label}-cds-after.json", cds),
        )

    def _publish(self, staged: _Staged) -> None:
        self._files.put(staged.before, self._files.cds)
        self._admin.wait_for_clusters(staged.clusters)
        self._files.put(staged.routes, self._files.rds)
        self._admin.wait_for_routes(staged.version)

    def _put_back(self, back: _Staged, error: BaseException) -> None:
        try:
            self._publish(back)
        except GatewayError as second:
            # The files are those of the state before: Envoy takes them when it answers or starts again.
            if back.routes.exists():
                self._files.put(back.routes, self._files.rds)
            error.add_note(f"Envoy has not confirmed the routes before either: {second.reason}")
        self._files.put(back.after, self._files.cds)
