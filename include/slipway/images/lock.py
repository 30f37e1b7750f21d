"""The lock: every package of an image at one version, each with the hashes that its files may have.

Rules
-----
1. What the model asks for and what the serving program asks for is resolved together, for the image's interpreter.
2. ``mlflow`` becomes ``mlflow-skinny`` of the same version; nothing else that the model asks for is changed.
3. Only wheels count: what has none for the target is not installable in a build without network and compiler.
4. A lock that exists is used: one that a version carries first, then one resolved before from the same requirements.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import slipway
from slipway.core.identity import digest_bytes
from slipway.errors import CommandError, ImageBuildError
from slipway.images.target import Target
from slipway.runtime.commands import run
from slipway.runtime.files import write_text

REQUIREMENTS_FILE = "requirements.txt"
SERVING_REQUIREMENTS = Path(slipway.__file__).parent / "serving" / "requirements.in"
ONNX_REQUIREMENTS = SERVING_REQUIREMENTS.with_name("requirements-onnx.in")
RESOLVE_TIMEOUT_S = 300

_HEADER = "# for "
_MLFLOW = re.compile(r"^mlflow(?=\s*(?:$|[\[=<>!~;@ ]))")
_CONSTRAINT = re.compile(r"(?:-c|--constraint)[ =]\s*(\S+)")
_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_NETWORK = ("error sending request", "failed to fetch", "dns error", "connect", "timed out", "network")


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One package: its normalized name, its version, and the digests that its files may have."""

    name: str
    version: str
    hashes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lock:
    """A hashed requirements file and what is in it."""

    text: str
    packages: tuple[LockedPackage, ...]

    @property
    def sha256(self) -> str:
        """The digest of its text."""
        return digest_bytes(self.text.encode())

    @property
    def without_hash(self) -> tuple[str, ...]:
        """Names of packages that any file could stand in for."""
        return tuple(package.name for package in self.packages if not package.hashes)


def parse_lock(text: str) -> Lock:
    """Return the lock in ``text``, a requirements file as uv and pip write it.

    Raises
    ------
    ImageBuildError
        If a line is not ``name==version`` with hashes, or nothing is locked.
    """
    joined = re.sub(r"\\\n", " ", text)
    packages = []
    for line in joined.splitlines():
        line = line.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        found = _PACKAGE.match(line)
        if found is None:
            raise ImageBuildError(f"the lock does not pin {line[:100]!r}", remedy="delete the lock and resolve again")
        name = re.sub(r"[-_.]+", "-", found["name"]).lower()
        packages.append(LockedPackage(name, found["version"], frozenset(_HASH.findall(line))))
    if not packages:
        raise ImageBuildError("the lock is empty", remedy="delete the lock and resolve again")
    return Lock(text, tuple(sorted(packages, key=lambda p: p.name)))


def serving_requirements(path: Path = SERVING_REQUIREMENTS, *, compiled: bool = False) -> tuple[str, ...]:
    """Return what the serving program asks for; with a compiled model, also what runs that."""
    more = _requirement_lines(ONNX_REQUIREMENTS) if compiled else []
    return (*_requirement_lines(path), *more)


def model_requirements(model: Path) -> tuple[str, ...]:
    """Return what an MLflow model asks for, with mlflow in its small edition.

    Raises
    ------
    ImageBuildError
        If the model names no requirements, or an index of its own.
    """
    lines = []
    for line in _requirement_lines(model / REQUIREMENTS_FILE):
        constraint = _CONSTRAINT.fullmatch(line)
        if constraint:
            # uv reads constraints from a file only; a pin of a package that is asked for comes to the same.
            lines += [f"{_CONSTRAINT_MARK}{c}" for c in _requirement_lines(model / constraint[1])]
        elif line.startswith("-"):
            raise ImageBuildError(
                f"{REQUIREMENTS_FILE} of the model has the option {line!r}",
                remedy="configure indexes on this machine, and log the model with plain requirements",
            )
        else:
            lines.append(_MLFLOW.sub("mlflow-skinny", line, count=1))
    return tuple(lines)


_CONSTRAINT_MARK = "constraint: "


def _requirement_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageBuildError(
            f"requirements cannot be read from {path.name}: {error}", remedy="log the model again with MLflow"
        ) from error
    lines = (re.split(r"(?:^|\s)#", line)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def make_lock(
    requirements: Iterable[str],
    *,
    target: Target,
    cache: Path,
    progress: Callable[[str], None],
    known: str | None = None,
) -> Lock:
    """Return the lock for these requirements on this target.

    Parameters
    ----------
    requirements : iterable of str
        As :func:`serving_requirements` and :func:`model_requirements` return them.
    cache : Path
        The folder of locks resolved before.
    known : str or None
        A lock that the version carries; used as it is.

    Raises
    ------
    ImageBuildError
        If the requirements contradict each other, no index answers, or ``known`` is for another target.
    """
    if known is not None:
        return _carried(known, target)
    lines = sorted(set(requirements))
    path = cache / f"{digest_bytes(chr(10).join([str(target), *lines]).encode())[7:]}.txt"
    if path.is_file():
        progress(f"lock: found for these {len(lines)} requirements")
        return parse_lock(path.read_text(encoding="utf-8"))
    progress(f"lock: resolving {len(lines)} requirements for {target}")
    text = f"{_HEADER}{target}\n{_resolve(lines, target)}"
    lock = parse_lock(text)
    write_text(path, text)
    progress(f"lock: {len(lock.packages)} packages")
    return lock


def _carried(text: str, target: Target) -> Lock:
    first = text.partition("\n")[0]
    if first.startswith(_HEADER) and first != f"{_HEADER}{target}":
        raise ImageBuildError(
            f"the version's lock is {first[2:]}, the image is {target}",
            remedy="set SLIPWAY_BASE_IMAGE to an image with that interpreter",
        )
    return parse_lock(text)


def _resolve(lines: Sequence[str], target: Target) -> str:
    constraints = [line.removeprefix(_CONSTRAINT_MARK) for line in lines if line.startswith(_CONSTRAINT_MARK)]
    wanted = [line for line in lines if not line.startswith(_CONSTRAINT_MARK)]
    with tempfile.TemporaryDirectory(prefix="slipway-lock-") as folder:
        (Path(folder) / "constraints.txt").write_text("\n".join(constraints) + "\n")
        command = [
            *(uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url", "--no-header"),
            *("--no-annotate", "--only-binary", ":all:", "--color", "never", "--no-config"),
            *("--python-version", target.python_version, "--python-platform", target.uv_platform),
            *("--constraints", "constraints.txt", "-"),
        ]
        try:
            done = run(command, timeout_s=RESOLVE_TIMEOUT_S, cwd=Path(folder), input="\n".join(wanted), check=False)
        except CommandError as error:
            raise ImageBuildError(
                f"the requirements cannot be resolved: {error.reason}", remedy=error.remedy
            ) from error
    if done.returncode != 0:
        raise ImageBuildError(f"the requirements cannot be resolved: {done.tail(20)}", remedy=_why(done.stderr))
    return done.stdout


def _why(complaint: str) -> str:
    text = complaint.lower()
    if "no solution found" not in text and any(sign in text for sign in _NETWORK):
        return "check the network and uv's index configuration, or build where the lock is cached"
    return "correct the versions in the model's requirements.txt (log it again with requirements that fit together)"


def uv() -> str:
    """Return the path of the uv program of this environment; ImageBuildError if it has none."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise ImageBuildError("uv is not installed", remedy="run `make setup`")
    return found
