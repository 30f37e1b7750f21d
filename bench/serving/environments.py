"""An environment of its own for each peer, made once for each list of requirements."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from slipway.images.lock import uv
from slipway.runtime.commands import run
from slipway.runtime.files import locked

REQUIREMENTS = Path(__file__).parent / "peers"
_INSTALL_S = 900
_MARKER = "complete"


def place_of(requirements: str, *, folder: Path, name: str, python: str) -> Path:
    """Return where the environment for this text of requirements and this interpreter lies."""
    digest = hashlib.sha256(f"{python}\n{requirements}".encode()).hexdigest()
    return folder / f"{name}-{digest[:12]}"


def provide(name: str, *, folder: Path, say: Callable[[str], None]) -> Path:
    """Return the interpreter of a peer's environment, installing ``peers/<name>.txt`` if it is not there yet.

    Raises
    ------
    CommandError
        If it cannot be made.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    version = ".".join(map(str, sys.version_info[:3]))
    place = place_of(requirements.read_text(encoding="utf-8"), folder=folder, name=name, python=version)
    python = place / "bin" / "python"
    with locked(folder / f"{place.name}.lock", timeout_s=_INSTALL_S):
        if (place / _MARKER).is_file() and python.exists():
            return python
        say(f"{name}: installing into {place.name}")
        shutil.rmtree(place, ignore_errors=True)
        quiet = ("--quiet", "--color", "never")
        run([uv(), "venv", *quiet, "--python", sys.executable, place], timeout_s=120)
        sync = (uv(), "pip", "sync", *quiet, "--compile-bytecode", "--python", python, requirements)
        run(sync, timeout_s=_INSTALL_S)
        (place / _MARKER).write_text(version + "\n")
    return python


def versions(name: str, packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of some packages in ``peers/<name>.txt``."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))
    return {package: pinned[package].split(" ")[0] for package in packages}
