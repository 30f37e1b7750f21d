"""The wheel cache: ``<sha256>/<filename>``, each wheel fetched once and hashed again on every use.

The index is the machine's own, as pip is configured: nothing here names one.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import ImageBuildError
from slipway.images.lock import Lock, LockedPackage
from slipway.images.target import Target
from slipway.runtime.commands import run

FETCH_TIMEOUT_S = 900
_TEMPORARY = ".fetching-"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A verified wheel in the cache."""

    package: str
    version: str
    path: Path
    sha256: str


def provide_wheels(lock: Lock, *, target: Target, cache: Path, progress: Callable[[str], None]) -> tuple[Wheel, ...]:
    """Return one verified wheel for each locked package, fetching those that the cache lacks.

    Raises
    ------
    ImageBuildError
        If a package has no hash in the lock, or wheels are missing and cannot be fetched.
    """
    if lock.without_hash:
        raise ImageBuildError(
            f"the lock has no hash for {', '.join(lock.without_hash)}", remedy="delete the lock and resolve again"
        )
    cache.mkdir(parents=True, exist_ok=True)
    found = {p.name: _cached(p, target, cache, progress) for p in lock.packages}
    missing = [p for p in lock.packages if found[p.name] is None]
    if missing:
        progress(f"wheels: fetching {len(missing)} of {len(lock.packages)}")
        _fetch(missing, target, cache)
        found |= {p.name: _cached(p, target, cache, progress) for p in missing}
    else:
        progress(f"wheels: all {len(lock.packages)} cached, hashes hold")
    absent = [p for p in missing if found[p.name] is None]
    if absent:
        raise ImageBuildError(
            f"no wheel with a locked hash was fetched for {_names(absent)}", remedy="delete the lock and resolve again"
        )
    return tuple(wheel for wheel in found.values() if wheel is not None)


def stored_wheels(lock: Lock, *, target: Target, cache: Path) -> tuple[Wheel, ...]:
    """Return one verified wheel for each locked package from the cache alone; nothing is fetched or removed.

    Raises
    ------
    ImageBuildError
        If wheels are missing or no longer have their hash; names each.
    """
    found: list[Wheel] = []
    problems: list[str] = []
    for package in lock.packages:
        held = _held(package, target, cache)
        sound = next((wheel for wheel in held if file_digest(wheel.path) == wheel.sha256), None)
        if sound is not None:
            found.append(sound)
        elif held:
            problems.append(f"{held[0].path.name} is not the bytes that the lock names")
        else:
            problems.append(f"{package.name} {package.version} has no wheel there")
    if problems:
        raise ImageBuildError(
            f"the wheel cache does not hold what the lock names: {'; '.join(problems[:20])}",
            remedy=f"copy these wheels to {cache} from a backup, or build a version where pip has an index",
        )
    return tuple(found)


def _held(package: LockedPackage, target: Target, cache: Path) -> list[Wheel]:
    """Return the wheels under a package's hashes that fit, best first; their bytes are not looked at."""
    ranked = sorted(
        (rank, digest, path)
        for digest in package.hashes
        for path in (cache / digest[7:]).glob("*.whl")
        if (rank := target.rank(path.name)) is not None
    )
    return [Wheel(package.name, package.version, path, digest) for _, digest, path in ranked]


def _cached(package: LockedPackage, target: Target, cache: Path, progress: Callable[[str], None]) -> Wheel | None:
    for wheel in _held(package, target, cache):
        if file_digest(wheel.path) == wheel.sha256:
            return wheel
        progress(f"wheels: {wheel.path.name} in the cache is damaged; it is fetched again")
        shutil.rmtree(wheel.path.parent, ignore_errors=True)
    return None


def _fetch(missing: Sequence[LockedPackage], target: Target, cache: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=cache) as name:
        folder = Path(name)
        (folder / "requirements.txt").write_text("".join(_requirement(p) for p in missing))
        command: list[str | Path] = [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--disable-pip-version-check", "--no-input", "--quiet", "--progress-bar=off", "--implementation=cp"),
            *("--python-version", target.python_version, *_platform_options(target)),
            *("--dest", folder / "wheels", "-r", folder / "requirements.txt"),
        ]
        done = run(command, timeout_s=FETCH_TIMEOUT_S, check=False)
        if done.returncode != 0:
            raise ImageBuildError(
                f"{_names(missing)}: not in the wheel cache, and fetching failed: {done.tail(6)}",
                remedy=f"check the network and pip's index configuration, or copy the wheel cache to {cache}",
            )
        for wheel in (folder / "wheels").iterdir():
            _keep(wheel, cache)


def _keep(wheel: Path, cache: Path) -> None:
    """Move a wheel to its place in one step; whoever comes second finds the same bytes there."""
    place = cache / file_digest(wheel)[7:]
    if place.exists():
        return
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=cache) as name:
        staged = Path(name) / "one"
        staged.mkdir(mode=0o755)
        wheel.rename(staged / wheel.name)
        try:
            staged.rename(place)
        except OSError:
            if not place.is_dir():
                raise


def _requirement(package: LockedPackage) -> str:
    hashes = " ".join(f"--hash={digest}" for digest in sorted(package.hashes))
    return f"{package.name}=={package.version} {hashes}\n"


def _platform_options(target: Target) -> Iterator[str]:
    for platform in target.platforms:
        yield "--platform"
        yield platform


def _names(packages: Sequence[LockedPackage]) -> str:
    shown = ", ".join(f"{p.name} {p.version}" for p in packages[:8])
    return shown + (f" and {len(packages) - 8} more" if len(packages) > 8 else "")


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
