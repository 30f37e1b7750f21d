"""One archive file for one version: written whole or not at all, read back byte for byte, refused when damaged.

Rules
-----
1. An archive is a gzipped tar. Its first member, ``manifest.json``, names every other one with its digest and size.
2. The same content gives the same bytes: sorted members, no times, no owners. Written again, it is the same file.
3. A file appears under its name when the disk has all of it, and never before.
4. What reads an archive compares every member with the manifest; a file more, a file less or another byte refuses it.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.errors import EvidenceError

MANIFEST = "manifest.json"
FORMAT = 1
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive holds.

    Attributes
    ----------
    facts : mapping
        JSON values: the subject, and what the registry said of the version.
    files : mapping of str to (str, int)
        Each member's digest and size.
    """

    facts: Mapping[str, Any]
    files: Mapping[str, tuple[str, int]]

    @property
    def size(self) -> int:
        """Bytes of all members, before compression."""
        return sum(size for _, size in self.files.values())

    def below(self, prefix: str) -> dict[str, str]:
        """Return the digests of the members below a folder, by their path in it."""
        start = prefix.rstrip("/") + "/"
        return {name.removeprefix(start): digest for name, (digest, _) in self.files.items() if name.startswith(start)}

    def to_bytes(self) -> bytes:
        """Return it as the first member's text."""
        files = {name: {"sha256": digest, "bytes": size} for name, (digest, size) in self.files.items()}
        document = {"format": FORMAT, "facts": self.facts, "files": files}
        return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read what :meth:`to_bytes` wrote; ValueError, LookupError or TypeError if it is not that."""
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}")
        files = {name: (str(f["sha256"]), int(f["bytes"])) for name, f in document["files"].items()}
        return cls(facts=dict(document["facts"]), files=files)


def write_archive(folder: Path, stem: str, sources: Mapping[str, Path], facts: Mapping[str, Any]) -> Path:
    """Write these files into one archive and return where it is: ``<stem>-<its digest's first digits>.tar.gz``.

    Parameters
    ----------
    folder : Path
        Where the archive appears once it is complete.
    stem : str
        The beginning of its name.
    sources : mapping of str to Path
        Member name, relative and POSIX, to the file.
    facts : mapping
        JSON values for the manifest.
    """
    files = {name: (_digest(source), source.stat().st_size) for name, source in sorted(sources.items())}
    text = Manifest(facts=facts, files=files).to_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{stem}.unfinished"
    with unfinished.open("wb") as raw:
        # A name or a time in gzip's own header would make each writing another file.
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
            for name, (_, size) in files.items():
                with sources[name].open("rb") as file:
                    tar.addfile(_member(name, size), file)
        raw.flush()
        os.fsync(raw.fileno())
    path = folder / f"{stem}-{_digest(unfinished)[7:19]}.tar.gz"
    unfinished.replace(path)
    _sync_folder(folder)
    return path


def verify_archive(path: Path, *, sha256: str | None = None) -> Manifest:
    """Read an archive from its first byte to its last, and return its manifest.

    Parameters
    ----------
    sha256 : str, optional
        The digest that the file must have.

    Raises
    ------
    EvidenceError
        If it is missing, damaged, or another file; names it, and what is wrong with it.
    """
    return _read(path, sha256, lambda _name, _file: None)


def unpack(path: Path, target: Path, *, below: str, sha256: str | None = None) -> Manifest:
    """Write the members below a folder of the archive into ``target``; all of the archive is verified meanwhile.

    Parameters
    ----------
    target : Path
        An empty folder, or one that is still to be made.
    below : str
        A folder of the archive; empty for everything.
    sha256 : str, optional
        The digest that the archive must have.

    Raises
    ------
    EvidenceError
        As :func:`verify_archive`; what is in ``target`` then is not to be used.
    """
    start = f"{below}/" if below else ""

    def write(name: str, block: bytes) -> None:
        if name.startswith(start):
            place = target / name.removeprefix(start)
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("ab") as file:
                file.write(block)

    return _read(path, sha256, write)


def digest_file(path: Path) -> str:
    """Return a file's digest; EvidenceError if it cannot be read."""
    with _refusals(path):
        return _digest(path)


def _read(path: Path, sha256: str | None, take: Callable[[str, bytes], None]) -> Manifest:
    if sha256 is not None and digest_file(path) != sha256:
        raise _damaged(path, f"its digest is {digest_file(path)[7:19]}, the ledger says {sha256[7:19]}")
    with _refusals(path), gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
        members = iter(tar)
        manifest = _manifest(tar, next(members, None))
        seen: set[str] = set()
        for member in members:
            name = _checked_name(member)
            if name in seen or name not in manifest.files:
                raise ValueError(f"{name} is not in its manifest, or is there twice")
            seen.add(name)
            _check_member(tar, member, manifest.files[name], lambda block, name=name: take(name, block))  # type: ignore[misc]
        absent = sorted(set(manifest.files) - seen)
        if absent:
            raise ValueError(f"{', '.join(absent[:5])} is missing")
        while block := packed.read(_BLOCK):  # to the last byte, where gzip has its own checksum
            if block.strip(b"\0"):
                raise ValueError("something follows its last member")
    return manifest


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    file = tar.extractfile(member) if member is not None and member.name == MANIFEST else None
    if file is None:
        raise ValueError(f"it does not begin with {MANIFEST}")
    return Manifest.from_bytes(file.read())


def _checked_name(member: tarfile.TarInfo) -> str:
    path = PurePosixPath(member.name)
    if not member.isfile() or path.is_absolute() or ".." in path.parts or str(path) != member.name:
        raise ValueError(f"{member.name} is not a plain file inside it")
    return member.name


def _check_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, expected: tuple[str, int], take: Callable[[bytes], None]
) -> None:
    file, found, size = tar.extractfile(member), hashlib.sha256(), 0
    if file is None:
        raise ValueError(f"{member.name} is not a plain file")
    take(b"")  # an empty file is a file too
    while block := file.read(_BLOCK):
        found.update(block)
        size += len(block)
        take(block)
    if (f"sha256:{found.hexdigest()}", size) != expected:
        raise ValueError(f"{member.name} is not what its manifest says")


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise _damaged(path, "it is not there") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, LookupError, TypeError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # what is unpacked has no room; the archive is not to blame
        raise _damaged(path, str(error) or type(error).__name__) from error


def _damaged(path: Path, what: str) -> EvidenceError:
    return EvidenceError(
        f"the archive {path} cannot be trusted: {what}",
        remedy="put a good copy of this file in its place; nothing has been restored from it or deleted because of it",
    )


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
