"""Take a version's image away, and say how many bytes that frees.

Rules
-----
1. An image is named by its digest, and must say itself that it is of this version; any other is left alone.
2. Nothing is forced: an image that a container or a process still uses is refused.
3. What is below it stays: the base image, and the runtime layer that other versions share.
4. Gone already is fine.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, RuntimeName
from slipway.errors import ImageBuildError
from slipway.images.container_image import BASE, RUNTIME_LAYER
from slipway.images.context import SERVING_FILE
from slipway.images.engine_build import inspect_image, wrong_labels
from slipway.runtime import labels
from slipway.runtime.engine import connect, reported_as
from slipway.runtime.files import read_json
from slipway.runtime.process import ProcessRuntime
from slipway.settings import Settings

if TYPE_CHECKING:
    import docker


def image_bytes(image: BuiltImage, settings: Settings) -> int:
    """Return how many bytes go with an image: its own layers, or its folder; 0 if it is gone.

    Raises
    ------
    EngineUnavailable
        If it is a container image and no engine answers.
    """
    if image.runtime is RuntimeName.PROCESS:
        return _bytes_in(_folder(image, settings))
    client = connect()
    try:
        seen = inspect_image(client, image.digest)
        return 0 if seen is None else _own_bytes(client, seen)
    finally:
        client.close()


def remove_image(image: BuiltImage, subject: Subject, settings: Settings) -> int:
    """Remove the image of a version, and return the bytes that it held.

    Raises
    ------
    ImageBuildError
        If it says that it is another version's, or something still runs from it.
    EngineUnavailable
        If it is a container image and no engine answers.
    """
    if image.runtime is RuntimeName.PROCESS:
        return _remove_folder(image, subject, settings)
    client = connect()
    try:
        return _remove_container_image(client, image, subject, settings)
    finally:
        client.close()


def _remove_container_image(
    client: docker.DockerClient, image: BuiltImage, subject: Subject, settings: Settings
) -> int:
    seen = inspect_image(client, image.digest)
    if seen is None:
        return 0
    said = {
        labels.MODEL: subject.model,
        labels.VERSION: str(subject.version),
        labels.ARTIFACT: subject.artifact_sha256,
    }
    wrong = wrong_labels(seen, said)
    if wrong:
        raise _left(image, subject, "; ".join(f"its label {key} says {value}" for key, value in wrong.items()))
    freed = _own_bytes(client, seen)
    with reported_as(ImageBuildError, f"image {image.digest[7:19]} of {subject} cannot be removed"):
        # By each of its names: by its id, an image with two names is only removed by force.
        for name in seen.get("RepoTags") or [seen["Id"]]:
            client.images.remove(name, force=False)
    for note in (settings.var / "images").glob("*.json"):
        if (read_json(note) or {}).get("id") == image.digest:
            note.unlink(missing_ok=True)
    return freed


def _own_bytes(client: docker.DockerClient, seen: Mapping[str, Any]) -> int:
    said = (seen.get("Config") or {}).get("Labels") or {}
    below = said.get(RUNTIME_LAYER) or said.get(BASE)
    under = inspect_image(client, below) if below else None
    return max(0, int(seen["Size"]) - (int(under["Size"]) if under else 0))


def _remove_folder(image: BuiltImage, subject: Subject, settings: Settings) -> int:
    folder = _folder(image, settings)
    away = folder.with_name(f".removed-{folder.name}")  # out of sight at once: nobody starts from half of it
    left = _bytes_in(away)
    shutil.rmtree(away, ignore_errors=True)
    if not folder.is_dir():
        return left
    config = read_json(folder / SERVING_FILE)
    if config is not None and (config.get("model"), config.get("version")) != (subject.model, subject.version):
        raise _left(image, subject, f"it serves {config.get('model')} version {config.get('version')}")
    if any(handle.image_digest == image.digest for handle in ProcessRuntime(settings).list()):
        raise _left(image, subject, "a process still runs from it")
    freed = _bytes_in(folder)
    folder.rename(away)
    shutil.rmtree(away)
    folder.with_suffix(".lock").unlink(missing_ok=True)
    return freed + left


def _folder(image: BuiltImage, settings: Settings) -> Path:
    """Return where an image of the process runtime must be; what its reference says is not taken at its word."""
    return settings.var / "images" / image.digest.removeprefix("sha256:")


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _left(image: BuiltImage, subject: Subject, why: str) -> ImageBuildError:
    return ImageBuildError(
        f"image {image.digest[7:19]} of {subject} is left where it is: {why}",
        remedy="look at what it is; retention goes on with it at its next run",
    )
