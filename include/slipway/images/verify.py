"""Prove that an image is still the one that was tested: asked again before it is promoted and before it is deployed."""

from __future__ import annotations

from pathlib import Path

from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.version import VersionFiles
from slipway.errors import EvidenceError, ImageBuildError
from slipway.images.container_image import subject_labels
from slipway.images.context import LOCK_FILE, SERVING_FILE, digest_folder
from slipway.images.engine_build import inspect_image, wrong_labels
from slipway.images.job import digest_text
from slipway.runtime.engine import connect
from slipway.runtime.files import read_json
from slipway.runtime.process import IMAGE_FILE

_REMEDY = "release the version again, so that every gate judges the image as it is"


def verify_image(image: BuiltImage, files: VersionFiles) -> None:
    """Return if the image is here, has the digest that was tested, and holds this version.

    Raises
    ------
    ImageBuildError
        If it is gone.
    EvidenceError
        If it is another one, or was changed; says in what.
    """
    problems = _container(image, files) if image.runtime is RuntimeName.DOCKER else _folder(image, files)
    if problems:
        raise EvidenceError(
            f"image {image.digest[7:19]} of {files.subject} is not what was tested: {'; '.join(problems)}",
            remedy=_REMEDY,
        )


def _container(image: BuiltImage, files: VersionFiles) -> list[str]:
    client = connect()
    try:
        # By the reference that would be started: a tag, or another image's id, must not pass for the digest.
        seen = inspect_image(client, image.reference)
    finally:
        client.close()
    if seen is None:
        raise ImageBuildError(f"image {image.reference[:40]} is not on this engine any more", remedy=_REMEDY)
    problems = []
    if seen["Id"] != image.digest:
        problems.append(f"{image.reference[:40]} is image {seen['Id'][7:19]} now")
    wrong = wrong_labels(seen, subject_labels(files.subject, image.lock_sha256))
    return problems + [f"its label {key} says {value}" for key, value in wrong.items()]


def _folder(image: BuiltImage, files: VersionFiles) -> list[str]:
    folder = Path(image.reference)
    note = read_json(folder / IMAGE_FILE)
    if note is None:
        raise ImageBuildError(f"{folder} holds no built image any more", remedy=_REMEDY)
    problems = []
    digest = digest_folder(folder)
    if digest != image.digest:
        problems.append(f"its files have digest {digest[7:19]} now")
    if digest_text(folder / LOCK_FILE) != image.lock_sha256 if (folder / LOCK_FILE).is_file() else True:
        problems.append("its lock is another one")
    python = Path(str(note.get("python", "")))
    if python.parts[-3:] != (image.lock_sha256[7:], "bin", "python"):
        problems.append(f"its interpreter is {python}, not the lock's environment")
    config = read_json(folder / SERVING_FILE) or {}
    subject = files.subject
    said = (config.get("model"), config.get("version"), config.get("artifact_sha256"))
    if said != (subject.model, subject.version, subject.artifact_sha256):
        problems.append("it serves another version")
    return problems
