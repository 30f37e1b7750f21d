"""One build's inputs and its product, and the place where it works."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.core.identity import digest_bytes
from slipway.core.service import BuiltImage
from slipway.core.verdict import Measurement
from slipway.core.version import VersionFiles
from slipway.images.backends import Candidates, Choice
from slipway.images.base import BaseImage
from slipway.images.lock import Lock, make_lock
from slipway.images.target import Target
from slipway.images.wheels import Wheel, provide_wheels
from slipway.settings import Settings

MEGABYTE = 1e6
ABANDONED_AFTER_S = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to build, for whom, and where to say how it goes.

    Attributes
    ----------
    files : VersionFiles
    settings : Settings
    config : mapping
        What the serving program is told: see :func:`slipway.images.context.serving_config`.
    requirements : tuple of str
        What the model and the serving program ask for.
    known_lock : str or None
        A lock that the version carries.
    candidates : Candidates or None
        Backends to choose from; None: the server finds out by itself.
    progress : callable
    """

    files: VersionFiles
    settings: Settings
    config: Mapping[str, Any]
    requirements: tuple[str, ...]
    known_lock: str | None
    progress: Callable[[str], None]
    candidates: Candidates | None = None

    def lock_and_wheels(self, target: Target) -> tuple[Lock, tuple[Wheel, ...]]:
        """Return the lock for a target and one verified wheel for each of its packages."""
        lock = make_lock(
            self.requirements,
            target=target,
            cache=self.settings.var / "locks",
            progress=self.progress,
            known=self.known_lock,
        )
        return lock, provide_wheels(lock, target=target, cache=self.settings.wheel_dir, progress=self.progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What was built, from what, and what was found when it was looked at."""

    image: BuiltImage
    lock: Lock
    wheels: tuple[Wheel, ...]
    base: BaseImage | None
    measurements: tuple[Measurement, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    content: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def workspace(settings: Settings) -> Iterator[Path]:
    """Give a folder that is gone afterwards; what killed builds left there is removed as well."""
    parent = settings.var / "build"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_AFTER_S:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="build-") as name:
        yield Path(name)


def digest_text(path: Path) -> str:
    """Return the digest of a small file."""
    return digest_bytes(path.read_bytes())
