"""Build a version a second time from what was kept, without finding the first image or any layer of it.

Rules
-----
1. Everything comes from what was kept: the lock, the wheels under their hashes, the version's files, the serving
   program and the recipes as they were. Nothing is fetched; what is missing is named.
2. Nothing that was built before is used: no image, no cached layer, no environment. Within one drill, versions with
   one lock share the runtime layer that the drill itself has built.
3. What was made is removed at the end, by its id; what a killed drill left is removed by the next one, by its name
   and its age.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.version import VersionFiles
from slipway.errors import ImageBuildError
from slipway.images.backends import Choice
from slipway.images.base import BaseImage, inspect_reference
from slipway.images.container_image import IMAGE_RECIPE, LAYER_RECIPE, image_build, layer_build
from slipway.images.content import Content, image_content
from slipway.images.context import assemble, assemble_runtime, copy_model
from slipway.images.engine_build import Build, build_afresh, inspect_image, remove_left, remove_made
from slipway.images.environment import provide_environment
from slipway.images.folder_image import process_content
from slipway.images.inputs import Inputs
from slipway.images.job import ABANDONED_AFTER_S, digest_text, workspace
from slipway.images.lock import Lock, make_lock
from slipway.images.target import Target
from slipway.images.wheels import Wheel, stored_wheels
from slipway.runtime.engine import connect
from slipway.runtime.files import write_json
from slipway.runtime.process import IMAGE_FILE
from slipway.settings import Settings

if TYPE_CHECKING:
    import docker

NAME = "slipway-reproduction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that a version is built from again.

    Attributes
    ----------
    files : VersionFiles
    lock : str
        The text of the lock.
    inputs : Inputs
        The serving program, the recipes, what the program is told.
    choice : Choice
        The backend that the first image serves with, and compiled models made anew.
    base : str
        The base image, by its id or its name; empty for the process runtime.
    """

    files: VersionFiles
    lock: str
    inputs: Inputs
    choice: Choice
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A second image, and what it holds."""

    image: BuiltImage
    content: Content


@dataclass(slots=True)
class Rebuilder:
    """Builds versions again for the length of one drill: see :func:`rebuilding`."""

    settings: Settings
    progress: Callable[[str], None]
    folder: Path
    client: docker.DockerClient | None = None
    made: list[str] = field(default_factory=list)
    layers: dict[tuple[str, str, str], str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def rebuild(self, kept: Kept, runtime: RuntimeName) -> Rebuilt:
        """Build a version again.

        Raises
        ------
        ImageBuildError
            If a wheel or the base image is not here, or the build fails.
        EngineUnavailable
            If a container is to be built and no engine answers.
        """
        work = self.folder / uuid.uuid4().hex[:12]
        work.mkdir()
        return self._container(kept, work) if runtime is RuntimeName.DOCKER else self._process(kept, work)

    def close(self) -> None:
        """Remove every image that was made."""
        if self.client is not None:
            try:
                remove_made(self.client, self.made, keep=self.kept)
            finally:
                self.client.close()

    def _parts(self, kept: Kept, target: Target) -> tuple[Lock, tuple[Wheel, ...]]:
        lock = make_lock((), target=target, cache=self.folder, progress=self.progress, known=kept.lock)
        wheels = stored_wheels(lock, target=target, cache=self.settings.wheel_dir)
        self.progress(f"wheels: all {len(wheels)} in the cache, hashes hold")
        return lock, wheels

    def _context(self, kept: Kept, folder: Path, lock: Lock, wheels: tuple[Wheel, ...]) -> str:
        copy_model(folder, kept.files)
        kept.inputs.write_program(folder)
        config = {name: value for name, value in kept.inputs.config.items() if name != "backend"}
        return assemble(folder, files=kept.files, config=config, lock=lock, wheels=wheels, choice=kept.choice)

    def _container(self, kept: Kept, work: Path) -> Rebuilt:
        if self.client is None:
            self.client = connect()
            remove_left(self.client, NAME, older_than_s=ABANDONED_AFTER_S)
        base = self._base(self.client, kept.base)
        self.kept.add(base.id)
        lock, wheels = self._parts(kept, base.target)
        kept.inputs.write_recipes(work / "recipes")
        layer = self._layer(self.client, work, lock=lock, wheels=wheels, base=base)
        context = self._context(kept, work / "context", lock, wheels)
        build = image_build(
            work / "recipes" / IMAGE_RECIPE,
            subject=kept.files.subject,
            lock=lock,
            base=base,
            context=context,
            layer=layer,
            notes=self.folder,
        )
        image = build_afresh(self.client, _renamed(build), work / "context", self.progress, made=self.made)
        self.progress("content: listing every file")
        return Rebuilt(
            image=BuiltImage(
                digest=image["Id"],
                reference=image["Id"],
                runtime=RuntimeName.DOCKER,
                python_version=base.target.python_version,
                lock_sha256=lock.sha256,
            ),
            content=image_content(self.client, image, layer=layer, notes=self.folder),
        )

    def _base(self, client: docker.DockerClient, reference: str) -> BaseImage:
        if inspect_image(client, reference) is None:
            raise ImageBuildError(
                f"base image {reference} is not on this engine",
                remedy="load it from a backup, or build on another one with --base: the answers must stay",
            )
        return inspect_reference(client, self.settings, reference)

    def _layer(
        self, client: docker.DockerClient, work: Path, *, lock: Lock, wheels: tuple[Wheel, ...], base: BaseImage
    ) -> str:
        dockerfile = work / "recipes" / LAYER_RECIPE
        if not dockerfile.is_file():
            raise ImageBuildError(
                f"no {LAYER_RECIPE} was kept", remedy="restore containers/serving from the repository"
            )
        key = (lock.sha256, base.id, digest_text(dockerfile))
        if key not in self.layers:
            assemble_runtime(work / "runtime", lock=lock, wheels=wheels)
            build = _renamed(layer_build(dockerfile, lock=lock, base=base, notes=self.folder))
            made = build_afresh(client, build, work / "runtime", self.progress, made=self.made)
            self.layers[key] = made["Id"]
        return self.layers[key]

    def _process(self, kept: Kept, work: Path) -> Rebuilt:
        target = Target.of_this_host()
        lock, wheels = self._parts(kept, target)
        python, _ = provide_environment(lock, wheels, envs=self.folder / "envs", progress=self.progress)
        digest = self._context(kept, work / "context", lock, wheels)
        place = work / digest[7:]
        (work / "context").rename(place)
        write_json(place / IMAGE_FILE, {"python": str(python), "lock_sha256": lock.sha256})
        image = BuiltImage(
            digest=digest,
            reference=str(place),
            runtime=RuntimeName.PROCESS,
            python_version=target.python_version,
            lock_sha256=lock.sha256,
        )
        return Rebuilt(image=image, content=process_content(place, python))


@contextlib.contextmanager
def rebuilding(settings: Settings, progress: Callable[[str], None]) -> Iterator[Rebuilder]:
    """Give a :class:`Rebuilder` in a folder of its own; what it made is gone afterwards."""
    with workspace(settings) as folder:
        rebuilder = Rebuilder(settings, progress, folder)
        try:
            yield rebuilder
        finally:
            rebuilder.close()


def first_content(settings: Settings, image: BuiltImage, layer: str) -> Content | None:
    """Return the content of the first image, read from itself; None if it is not here any more."""
    if image.runtime is RuntimeName.PROCESS:
        return None
    client = connect()
    try:
        attributes = inspect_image(client, image.digest)
        if attributes is None:
            return None
        return image_content(client, attributes, layer=layer, notes=settings.var / "images")
    finally:
        client.close()


def _renamed(build: Build) -> Build:
    """Under a name of its own, so that the first image keeps its own."""
    return replace(build, tag=f"{NAME}:{uuid.uuid4().hex[:12]}")
