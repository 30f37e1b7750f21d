"""The build context of one version: everything of an image that is not the shared runtime layer, and its digest.

::

    requirements.lock   wheels.txt      which packages, and exactly which file of each
    app/slipway/...                     the serving program
    model/...                           the MLflow model, as the registry holds it
    serving.json                        model, version, artifact_sha256, signature, backend, objectives
    backends/...                        evidence.json, and the compiled model if it qualified
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.core.identity import digest_tree
from slipway.core.signature import Signature
from slipway.core.version import VersionFiles
from slipway.errors import ImageBuildError
from slipway.images.backends import Choice, place
from slipway.images.closure import PACKAGE, serving_modules
from slipway.images.lock import Lock
from slipway.images.wheels import Wheel, file_digest
from slipway.runtime.process import IMAGE_FILE

LOCK_FILE = "requirements.lock"
WHEELS_FILE = "wheels.txt"
SERVING_FILE = "serving.json"
BACKENDS_DIR = "backends"
_EPOCH = 315_532_800  # 1980-01-01: the same bytes give the same layers, whenever they were copied
_SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")


def serving_config(files: VersionFiles, signature: Signature, *, p99_ms: float = 300.0) -> dict[str, Any]:
    """Return what the serving program is told about the model that it serves."""
    subject = files.subject
    return {
        "model": subject.model,
        "version": subject.version,
        "artifact_sha256": subject.artifact_sha256,
        "signature": signature.to_json(),
        "objectives": {"p99_ms": p99_ms},
    }


def assemble(
    folder: Path,
    *,
    files: VersionFiles,
    config: Mapping[str, Any],
    lock: Lock,
    wheels: Sequence[Wheel],
    choice: Choice | None = None,
) -> str:
    """Write the context into ``folder``, which is empty or holds the program, and return its digest.

    Raises
    ------
    ImageBuildError
        If the model's folder is missing or holds a link out of it.
    """
    if not (folder / "app").is_dir():
        assemble_program(folder, files)
    choice = choice or Choice()
    place(choice, folder / BACKENDS_DIR)
    told = {**config, "backend": choice.backend}
    (folder / LOCK_FILE).write_text(lock.text, encoding="utf-8")
    (folder / WHEELS_FILE).write_text("".join(sorted(f"{w.sha256}  {w.path.name}\n" for w in wheels)))
    (folder / SERVING_FILE).write_text(json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n")
    _level(folder)
    return digest_folder(folder)


def assemble_program(folder: Path, files: VersionFiles) -> None:
    """Write the model and the serving program into the empty ``folder``: what backends are compared with.

    Raises as :func:`assemble` does.
    """
    copy_model(folder, files)
    for module in serving_modules():
        module_place = folder / "app" / "slipway" / module
        module_place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / module, module_place)


def copy_model(folder: Path, files: VersionFiles) -> None:
    """Write the model into ``folder``; raises as :func:`assemble` does."""
    if not (files.model / "MLmodel").is_file():
        raise ImageBuildError(f"{files.subject} has no MLmodel file", remedy="register the version again")
    links = [p.name for p in files.model.rglob("*") if p.is_symlink()]
    if links:
        raise ImageBuildError(f"the model's folder holds links: {', '.join(links[:5])}", remedy="log plain files")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(files.model, folder / "model", ignore=_SKIPPED)


def assemble_runtime(folder: Path, *, lock: Lock, wheels: Sequence[Wheel]) -> None:
    """Write the context of the runtime layer: the lock and, as hard links where possible, its wheels."""
    (folder / "wheels").mkdir(parents=True)
    (folder / LOCK_FILE).write_text(lock.text, encoding="utf-8")
    link_wheels(folder / "wheels", wheels)


def link_wheels(folder: Path, wheels: Sequence[Wheel]) -> None:
    """Put the wheels into one folder, as hard links, or as copies across file systems."""
    for wheel in wheels:
        try:
            os.link(wheel.path, folder / wheel.path.name)
        except OSError:
            shutil.copyfile(wheel.path, folder / wheel.path.name)


def file_digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file below a built folder, but for the note beside them that names the interpreter."""
    return {
        path.relative_to(folder).as_posix(): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / IMAGE_FILE
    }


def digest_folder(folder: Path) -> str:
    """Return the digest of a context's tree."""
    return digest_tree(file_digests(folder))


def _level(folder: Path) -> None:
    """Give all files one mode and time: an unprivileged user reads them, and only their bytes tell them apart."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_EPOCH, _EPOCH))
