"""A version's "image" for the process runtime: the same context in a folder named by its digest, and an environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.verdict import Measurement
from slipway.images.backends import Choice, choose_in_folder
from slipway.images.content import folder_content
from slipway.images.context import assemble, assemble_program, digest_folder, file_digests
from slipway.images.environment import provide_environment
from slipway.images.figures import none_of
from slipway.images.job import MEGABYTE, Job, Product, workspace
from slipway.images.target import Target
from slipway.runtime.files import locked, write_json
from slipway.runtime.process import IMAGE_FILE

_LOCK_TIMEOUT_S = 120
PLACED = ("__pycache__", "RECORD", "uv_cache.json")
"""Left out of a process image's content: compiled modules hold their own path, RECORD the digest of scripts that do,
and the installer notes the wheel's time on this disk."""


def build_folder(job: Job) -> Product:
    """Build, or find, a version's folder; then digest what lies there.

    Raises
    ------
    ImageBuildError
        See :func:`slipway.images.build.build_image`.
    """
    target = Target.of_this_host()
    lock, wheels = job.lock_and_wheels(target)
    python, env_reused = provide_environment(lock, wheels, envs=job.settings.var / "envs", progress=job.progress)
    with workspace(job.settings) as work:
        staged = work / "context"
        assemble_program(staged, job.files)
        choice = Choice()
        if job.candidates is not None:
            choice = choose_in_folder(job.candidates, context=staged, python=python)
            job.progress(f"backends: {choice.backend or choice.evidence.get('reason')}")
        digest = assemble(staged, files=job.files, config=job.config, lock=lock, wheels=wheels, choice=choice)
        expected = file_digests(staged)
        place = job.settings.var / "images" / digest[7:]
        with locked(place.with_suffix(".lock"), timeout_s=_LOCK_TIMEOUT_S):
            reused = _put(staged, place, digest, job)
            write_json(place / IMAGE_FILE, {"python": str(python), "lock_sha256": lock.sha256})
    changed = {path for path, _ in expected.items() ^ file_digests(place).items()}
    measurements = (
        Measurement(
            name="image.size_mb", value=(_bytes_in(place) + _bytes_in(python.parents[1])) / MEGABYTE, unit="MB"
        ),
        Measurement(name="runtime_layer.reused", value=float(env_reused)),
        Measurement(name="image.reused", value=float(reused)),
        none_of("context.files_changed", len(changed), n=len(expected), note=", ".join(sorted(changed)[:5])),
    )
    image = BuiltImage(
        digest=digest,
        reference=str(place),
        runtime=RuntimeName.PROCESS,
        python_version=target.python_version,
        lock_sha256=lock.sha256,
    )
    return Product(
        image=image,
        lock=lock,
        wheels=wheels,
        base=None,
        choice=choice,
        content=process_content(place, python),
        measurements=measurements,
        details={"context_sha256": digest, "interpreter": str(python)},
    )


def process_content(place: Path, python: Path) -> dict[str, str]:
    """Return what a folder and its environment's packages hold, but for what names where the environment lies."""
    site = next(iter(sorted(python.parents[1].glob("lib/python3*/site-packages"))), None)
    packages = {} if site is None else folder_content(site, prefix="site-packages", left_out=PLACED)
    return folder_content(place, prefix="srv", left_out=(IMAGE_FILE,)) | packages


def _put(staged: Path, place: Path, digest: str, job: Job) -> bool:
    """Move the folder to its place unless the same lies there; tell whether it did."""
    if place.is_dir():
        if digest_folder(place) == digest:
            job.progress(f"image {digest[7:19]}: found")
            return True
        job.progress(f"image {digest[7:19]}: its files were changed since it was built; it is built again")
        # A service may run from it: moved aside whole first, so that no moment shows half of it.
        place.rename(staged.parent / "changed")
    shutil.move(staged, place)
    job.progress(f"image {digest[7:19]}: built")
    return False


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
