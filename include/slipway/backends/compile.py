"""Provide a version's compiled candidates and the rows to compare them on, made once for one model and set of tools."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.backends.worker import COMPILED, DRAWN_ROWS, KNOWN_ROWS, REQUEST, RESULT, THRESHOLD_ROWS
from slipway.core.identity import digest_bytes
from slipway.core.signature import Signature
from slipway.core.version import VersionFiles
from slipway.errors import CommandError
from slipway.runtime.commands import run
from slipway.runtime.files import read_json

PACKAGE = Path(__file__).parent
MOST_ROWS = 100_000
TIMEOUT_S = 300
_KEPT = 8
_IN_USE_S = 86_400
_ENVIRONMENT = ("PATH", "LANG", "HOME", "USER", "TMPDIR", "LD_LIBRARY_PATH")
_TOOLS = ("ziglang", "onnx", "onnxruntime", "skl2onnx", "scikit-learn", "numpy", "lightgbm", "xgboost", "xgboost-cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What there is to compare.

    Attributes
    ----------
    folder : Path
    key : str
        The digest of all that it was made from.
    rows, more_rows : tuple of str
        Files with rows, in the folder: those that must be compared, and those that are as far as there is time.
    compiled : mapping of str to tuple of str
        The files of each backend that was made, in the folder.
    reasons : mapping of str to str
        Why there is none of the others.
    coverage : mapping or None
        How many splits the model's trees have, and how many got rows; None for a model without trees.
    """

    folder: Path
    key: str
    rows: tuple[str, ...]
    more_rows: tuple[str, ...]
    compiled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, Any] | None = None


def provide_compilation(
    files: VersionFiles,
    signature: Signature,
    *,
    cache: Path,
    progress: Callable[[str], None],
    rows: int = MOST_ROWS,
    timeout_s: float = TIMEOUT_S,
    machine: str | None = None,
) -> Compilation:
    """Return the compiled candidates of a version and the rows to compare, made here or before.

    A model that cannot be compiled is no error: the reason is part of the result.

    Parameters
    ----------
    files : VersionFiles
    signature : Signature
    cache : Path
    progress : callable
    rows : int
        About how many; 0 where nothing is to be compared, so that the known ones are all there are.
    timeout_s : float
        After which the compiler is stopped.
    machine : str or None
        What the image runs on, as ``platform.machine`` says it; None: this one.
    """
    machine = machine or platform.machine()
    key = _key(files, signature, rows, machine)
    place = cache / key[7:]
    if (place / RESULT).is_file() and not (read_json(place / RESULT) or {}).get("ended"):
        progress("backends: compiled before")
        os.utime(place)
        return _read(place, key)
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as name:
        made = Path(name)
        _write_request(
            made,
            files,
            signature,
            rows=rows,
            kernels=str(cache.absolute()),
            machine=machine,
        )
        _run(made, timeout_s)
        _put(made, place)
    found = _read(place, key)
    told = [f"compiled as {' and '.join(found.compiled)}"] if found.compiled else []
    told += [f"not as {name}: {reason}" for name, reason in found.reasons.items()]
    progress(f"backends: {'; '.join(told)}, {time.monotonic() - started:.1f} s")
    _prune(cache)
    return found


def _key(files: VersionFiles, signature: Signature, rows: int, machine: str) -> str:
    parts = [files.subject.artifact_sha256, json.dumps(signature.to_json(), sort_keys=True)]
    parts += [str(rows), machine]
    parts += [f"{name} {_version(name)}" for name in _TOOLS]
    parts += [digest_bytes(path.read_bytes()) for path in sorted(PACKAGE.glob("*.[pc]*")) if path.is_file()]
    return digest_bytes("\n".join(parts).encode())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _write_request(folder: Path, files: VersionFiles, signature: Signature, **others: Any) -> None:
    request = {
        "model": str(files.model.absolute()),
        "snapshots": [str(files.holdout.absolute()), str(files.train.absolute())],
        "signature": signature.to_json(),
        **others,
    }
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")


def _run(folder: Path, timeout_s: float) -> None:
    # The model's own code may run there: it sees none of our credentials.
    env = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    env |= {"PYTHONPATH": str(PACKAGE.parents[1]), "MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"}
    try:
        run([sys.executable, "-m", "slipway.backends.worker", folder], timeout_s=timeout_s, env=env)
    except CommandError as error:
        for name in (file for made in COMPILED.values() for file in made):
            (folder / name).unlink(missing_ok=True)
        # Told apart from a model that cannot be compiled: the next build tries again.
        reasons = dict.fromkeys(COMPILED, f"the compiler ended: {error.reason[-500:]}")
        result = {"compiled": {}, "reasons": reasons, "ended": True}
        (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")


def _put(made: Path, place: Path) -> None:
    if (read_json(place / RESULT) or {}).get("ended"):
        shutil.rmtree(place, ignore_errors=True)
    made.chmod(0o755)
    try:
        made.rename(place)
    except OSError:
        if not (place / RESULT).is_file():  # else another build was faster; it made the same
            raise
    made.mkdir(exist_ok=True)  # for the one who made it to remove


def _read(place: Path, key: str) -> Compilation:
    result = read_json(place / RESULT) or {}
    return Compilation(
        folder=place,
        key=key,
        rows=tuple(name for name in (THRESHOLD_ROWS, KNOWN_ROWS) if (place / name).is_file()),
        more_rows=tuple(name for name in (DRAWN_ROWS,) if (place / name).is_file()),
        compiled={name: tuple(made) for name, made in result.get("compiled", {}).items()},
        reasons=result.get("reasons", {}),
        coverage=result.get("coverage"),
    )


def _prune(cache: Path) -> None:
    """Remove what is older than the newest, and what a killed build left: no build takes a day to make or read it."""
    used = {}
    for place in cache.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another build has made it, or removed it
            used[place] = place.stat().st_mtime
    newest = sorted((p for p in used if p.is_dir()), key=used.__getitem__, reverse=True)
    made = [place for place in newest if not place.name.startswith(".")]
    for old in {*newest} - {*made[:_KEPT]}:
        if used[old] < time.time() - _IN_USE_S:
            shutil.rmtree(old, ignore_errors=True)
