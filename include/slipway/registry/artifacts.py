"""A downloaded version's files: their digest, and whether they are whole.

Rules
-----
1. The artifact digest covers ``model/``, ``snapshot/`` and ``reference/``: paths and contents, nothing else.
2. ``registered_model_meta`` is left out: MLflow adds it on some ways of downloading, it is not the version's.
3. A version is usable only with a readable ``model/MLmodel`` and ``snapshot/holdout.parquet``; every file that
   MLmodel names must be there, and every archive and parquet file must read to its end.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from slipway.core.identity import digest_tree
from slipway.core.version import HOLDOUT_FILE, MODEL_DIR, REFERENCE_DIR, SNAPSHOT_DIR
from slipway.errors import ArtifactError

PARTS = (MODEL_DIR, SNAPSHOT_DIR, REFERENCE_DIR)
LEFT_OUT = f"{MODEL_DIR}/registered_model_meta"
_ARCHIVES = {".skops", ".npz", ".zip"}
_CODE_FILE = "model_code_path"
_NAMED_FILES = ("data", "model_path", "pickled_model", _CODE_FILE, "code")
_LOG_AGAIN = "register the version again from a sound run, and release that one"


def digest_folder(root: Path) -> str:
    """Return the artifact digest of the version's files below ``root``."""
    return digest_tree({name: _digest_file(root / name) for name in _names(root)})


def digest_files(files: Mapping[str, str]) -> str:
    """Return the artifact digest of files that are elsewhere, given the digest of each by its path."""
    return digest_tree({n: d for n, d in files.items() if n.split("/")[0] in PARTS and n != LEFT_OUT})


def make_read_only(root: Path) -> None:
    """Take the right to write from every file; folders stay writable, so that the cache can be emptied."""
    for path in root.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def check_files(root: Path, label: str) -> None:
    """Raise ArtifactError, saying what to log, unless the files below ``root`` are a whole version.

    Parameters
    ----------
    root : Path
        Holds ``model/``, ``snapshot/`` and ``reference/``.
    label : str
        The version's name for the reader.
    """
    if not (root / MODEL_DIR / "MLmodel").is_file():
        raise ArtifactError(
            f"{label} has no model/MLmodel", remedy="log the model with mlflow.<flavor>.log_model, then register it"
        )
    if not (root / SNAPSHOT_DIR / HOLDOUT_FILE).is_file():
        raise ArtifactError(
            f"{label} has no snapshot/{HOLDOUT_FILE}",
            remedy=f"log the held-out rows (inputs and label) in the version's run as snapshot/{HOLDOUT_FILE}",
        )
    _check_flavors(root / MODEL_DIR, label)
    for name in _names(root):
        _check_readable(root / name, name, label)


def _names(root: Path) -> Iterator[str]:
    for part in PARTS:
        for path in sorted((root / part).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and name != LEFT_OUT:
                yield name


def _digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _check_flavors(folder: Path, label: str) -> None:
    try:
        declared = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        flavors: dict[str, dict[str, Any]] = declared["flavors"]
        named = {_inside(k, v) for flavor in flavors.values() for k, v in flavor.items() if k in _NAMED_FILES and v}
        loadable = "python_function" in flavors
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{label}: model/MLmodel is damaged: {error}", remedy=_LOG_AGAIN) from error
    if not loadable:
        raise ArtifactError(
            f"{label}: model/MLmodel has no python_function flavor",
            remedy="log it with a flavor that MLflow can serve",
        )
    absent = sorted(name for name in named if isinstance(name, str) and not (folder / name).exists())
    if absent:
        raise ArtifactError(f"{label}: model/MLmodel names files that are gone: {', '.join(absent)}", remedy=_LOG_AGAIN)


def _inside(key: str, value: Any) -> Any:
    # MLflow notes where the code was when it was logged, and copies the file to the model's top folder
    return Path(value).name if key == _CODE_FILE and isinstance(value, str) else value


def _check_readable(path: Path, name: str, label: str) -> None:
    try:
        if path.suffix == ".parquet":
            _read_parquet(path)
        elif path.suffix in _ARCHIVES:
            _read_archive(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{label}: {name} is damaged: {error}", remedy=_LOG_AGAIN) from error


def _read_parquet(path: Path) -> None:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        rows = sum(batch.num_rows for batch in file.iter_batches())
    if not rows:
        raise ValueError("it holds no rows")


def _read_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise ValueError(f"{damaged} inside it does not match its checksum")
