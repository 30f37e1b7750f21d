"""The archive: the same content gives the same bytes.

Rules
-----
1. Files are in the order of their names, without times, owners or other marks of the host; the manifest is the last.
2. Nothing that is half written carries the pack's name.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import StorageError
from slipway.governance.pack_rules import canonical, digest
from slipway.governance.verify import FORMAT, MANIFEST

Content = bytes | Path
Progress = Callable[[int, int], None]
_CHUNK = 1 << 20
_MODE = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What was written: how many files besides the manifest, and the manifest's digest."""

    path: Path
    files: int
    manifest_sha256: str


def write_archive(
    out: Path,
    content: Mapping[str, Content],
    *,
    scope: Mapping[str, Any],
    head: Mapping[str, Any],
    progress: Progress = lambda *_: None,
) -> Packed:
    """Write a pack.

    Parameters
    ----------
    content : mapping of str to bytes or Path
        Each file by its path in the pack; a Path is read when its turn has come.
    scope, head : mapping
        What the pack is about, and the ledger's newest entry; both go into the manifest.
    progress : callable
        Takes how many files are written, and of how many.

    Raises
    ------
    StorageError
        If the archive cannot be written.
    """
    half = out.with_name(f".{out.name}.half")
    files: dict[str, dict[str, Any]] = {}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for done, name in enumerate(sorted(content)):
                progress(done, len(content))
                files[name] = _add(archive, name, content[name])
            manifest = canonical({"format": FORMAT, "scope": dict(scope), "head": dict(head), "files": files})
            _add(archive, MANIFEST, manifest)
        half.replace(out)
    except OSError as error:
        raise StorageError(
            f"{out} cannot be written: {error}", remedy="name a place with room that is yours"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # what could not be written must be told, not what could not be removed
            half.unlink()
    progress(len(content), len(content))
    return Packed(path=out, files=len(files), manifest_sha256=digest(manifest))


def _add(archive: zipfile.ZipFile, name: str, data: Content) -> dict[str, Any]:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, _MODE, _UNIX
    seen, size = hashlib.sha256(), 0
    with archive.open(info, "w", force_zip64=True) as file:
        for chunk in _chunks(data):
            file.write(chunk)
            seen.update(chunk)
            size += len(chunk)
    return {"sha256": f"sha256:{seen.hexdigest()}", "bytes": size}


def _chunks(data: Content) -> Any:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
