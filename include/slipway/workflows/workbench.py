"""What every workflow works with: settings, declarations, registry, ledger, runtime, gateway."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import __version__
from slipway.core.service import BuiltImage, Runtime
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.errors import SlipwayError
from slipway.settings import Settings
from slipway.specs import load_model
from slipway.workflows.release import Release

if TYPE_CHECKING:
    from slipway.deploy.gateway import Gateway
    from slipway.ledger.entries import Entry
    from slipway.ledger.store import Ledger
    from slipway.registry.mlflow_registry import Registry


class Workbench:
    """Opens each tool when it is first needed; a test hands in its own.

    Parameters
    ----------
    settings : Settings
    say : callable
        Takes one line of progress for the reader of the task's log.
    now : callable
        The clock, aware of its time zone.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        say: Callable[[str], None] = print,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.say = say
        self.now = now

    @cached_property
    def registry(self) -> Registry:
        """The model registry, asked by a model's own name."""
        from slipway.registry.mlflow_registry import Registry

        return Registry(
            self.settings.tracking_uri,
            cache=self.settings.var / "versions",
            registered=lambda model: self.spec(model).registered_model,
        )

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        from slipway.ledger.store import Ledger

        return Ledger(self.settings.ledger_url)

    @cached_property
    def runtime(self) -> Runtime:
        """Where services run."""
        from slipway.runtime.select import open_runtime

        return open_runtime(self.settings)

    def runtime_of(self, image: BuiltImage) -> Runtime:
        """Return the runtime that an image was built for: what serves may be of another one than what is built now.

        Raises
        ------
        EngineUnavailable
            If it is for containers and no engine answers.
        """
        if image.runtime is self.runtime.name:
            return self.runtime
        from slipway.runtime.select import open_runtime

        return open_runtime(replace(self.settings, runtime=image.runtime.value))

    @cached_property
    def gateway(self) -> Gateway:
        """Where traffic is switched."""
        from slipway.deploy.gateway import Gateway

        return Gateway(self.settings.gateway, url=self.settings.gateway_url, admin_url=self.settings.gateway_admin_url)

    def spec(self, model: str) -> ModelSpec:
        """Return a model's declaration."""
        return load_model(self.settings, model)

    def version(self, release: Release) -> int:
        """Return the version that a release is about: the one it names, else the newest one when it started."""
        if release.version is not None:
            return release.version
        begun = self.begun(release)
        if begun is not None and begun.version is not None:
            return begun.version
        return self.registry.latest_version(release.model)

    def begun(self, release: Release) -> Entry | None:
        """Return the ledger's entry of a release's start; None before it."""
        from slipway.ledger.entries import EntryKind

        starts = self.ledger.entries(model=release.model, kinds=[EntryKind.RELEASE_STARTED])
        return next((entry for entry in starts if entry.payload["release"] == release.id), None)

    def files(self, release: Release) -> VersionFiles:
        """Return the version's files, verified."""
        return self.registry.files(release.model, self.version(release))

    def verify_image(self, image: BuiltImage, files: VersionFiles) -> None:
        """Raise unless the image is still the bytes that its digest names, built from these files."""
        from slipway.images.verify import verify_image

        verify_image(image, files)

    def report_folder(self, release: Release, step: str) -> Path:
        """Return where one step's reports are."""
        return self.settings.reports / release.model / f"v{self.version(release)}" / release.slug / step

    def fresh_folder(self, release: Release, step: str) -> Path:
        """Return an empty report folder of one step; what an earlier try left there is removed."""
        folder = self.report_folder(release, step)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def main_report(self, release: Release, step: str) -> str:
        """Return the path, below the reports folder, of the page that a step wrote; empty if it wrote none."""
        try:
            pages = sorted(self.report_folder(release, step).glob("*.html"))
        except SlipwayError:
            return ""
        named = [page for page in pages if page.stem == step] or pages
        return named[0].relative_to(self.settings.reports).as_posix() if named else ""

    def host(self) -> dict[str, Any]:
        """Return what this host is, for the evidence."""
        return {
            "machine": platform.machine(),
            "system": f"{platform.system()} {platform.release()}",
            "python": ".".join(map(str, sys.version_info[:3])),
            "slipway": __version__,
            "runtime": self.runtime.name.value,
        }
