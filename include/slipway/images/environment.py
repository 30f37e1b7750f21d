"""The process runtime's counterpart of the runtime layer: one virtual environment for each lock, from cached wheels.

Environments cannot be moved, so each is built in its place, under a lock file, and counts once its marker is written.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway.errors import CommandError, ImageBuildError
from slipway.images.context import link_wheels
from slipway.images.lock import Lock, uv
from slipway.images.wheels import Wheel
from slipway.runtime.commands import run
from slipway.runtime.files import locked, write_text

INSTALL_TIMEOUT_S = 600
_MARKER = "slipway-complete"


def provide_environment(
    lock: Lock, wheels: Sequence[Wheel], *, envs: Path, progress: Callable[[str], None]
) -> tuple[Path, bool]:
    """Return the interpreter of the environment with exactly the locked packages, and whether it was there already.

    Raises
    ------
    ImageBuildError
        If it cannot be made.
    """
    place = envs / lock.sha256[7:]
    python = place / "bin" / "python"
    with locked(envs / f"{place.name}.lock", timeout_s=INSTALL_TIMEOUT_S):
        if (place / _MARKER).is_file() and python.exists():
            progress("environment: found for this lock")
            return python, True
        progress(f"environment: installing {len(wheels)} wheels")
        shutil.rmtree(place, ignore_errors=True)
        try:
            _install(place, lock, wheels)
        except CommandError as error:
            raise ImageBuildError(f"the environment cannot be made: {error.reason}", remedy=error.remedy) from error
        write_text(place / _MARKER, lock.sha256 + "\n")
    return python, False


def _install(place: Path, lock: Lock, wheels: Sequence[Wheel]) -> None:
    with tempfile.TemporaryDirectory(prefix=".wheels-", dir=place.parent) as name:
        folder = Path(name)
        link_wheels(folder, wheels)
        requirements = folder / "requirements.lock"
        requirements.write_text(lock.text, encoding="utf-8")
        # Not uv's own cache: the wheels that were verified are the ones that get installed.
        quiet = ("--quiet", "--color", "never", "--no-config", "--offline", "--no-cache")
        run([uv(), "venv", *quiet, "--python", sys.executable, place], timeout_s=120)
        run(
            [
                *(uv(), "pip", "sync", *quiet, "--python", place / "bin" / "python", "--require-hashes"),
                *("--no-index", "--find-links", folder, "--compile-bytecode", "--link-mode", "copy", requirements),
            ],
            timeout_s=INSTALL_TIMEOUT_S,
        )
