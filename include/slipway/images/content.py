"""What an image holds, as a list that two builds can be compared by, and the digest of that list.

Rules
-----
1. A path counts by its type, mode, owner, bytes, link target and extended attributes. Times do not count: no two
   builds have the same.
2. Of the configuration counts what decides how a container runs, and the labels.
3. Left out is what no container sees of its image (:data:`COVERED`: the engine makes or mounts these) and the label
   that names the runtime layer by the engine's id, which holds the time at which it was built (:data:`TIMED_LABELS`).
4. The engine is asked for the files; nothing that is in the image runs.

An image's files are those of its runtime layer, listed once for all versions with one lock, and what lies in ``/srv``:
the recipe above that layer writes nowhere else.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slipway.core.identity import digest_bytes
from slipway.errors import ImageBuildError
from slipway.images.engine_build import inspect_image
from slipway.runtime.engine import reported_as

if TYPE_CHECKING:
    import docker

Content = Mapping[str, str]
"""Each path, and each part of the configuration as ``config:<name>``, with what counts of it in one line."""

CONTENT_FILE = "content.txt.gz"
COVERED = (".dockerenv", "dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab")
TIMED_LABELS = ("slipway.runtime_image",)
OWN_FOLDER = "/srv"
_CONFIG = ("Entrypoint", "Cmd", "Env", "User", "WorkingDir", "Healthcheck", "ExposedPorts", "Volumes", "StopSignal")
_CHUNK = 1 << 20
_MISSING = "missing"


def content_digest(content: Content) -> str:
    """Return the digest of a content, whatever order it is listed in.

    >>> content_digest({"b": "file", "a": "dir"}) == content_digest({"a": "dir", "b": "file"})
    True
    """
    return digest_bytes(_text(content).encode("utf-8", "surrogateescape"))


def pack(content: Content) -> bytes:
    """Return a content as a compressed text; the same content gives the same bytes."""
    return gzip.compress(_text(content).encode("utf-8", "surrogateescape"), mtime=0)


def unpack(data: bytes) -> dict[str, str]:
    """Read what :func:`pack` wrote."""
    text = gzip.decompress(data).decode("utf-8", "surrogateescape")
    lines = (line.partition("\t") for line in text.split("\n") if line)
    return {json.loads(path): said for path, _, said in lines}


def _text(content: Content) -> str:
    return "".join(f"{json.dumps(path)}\t{said}\n" for path, said in sorted(content.items()))


def differences(before: Content, after: Content) -> list[str]:
    """Return what differs, a sentence for each path, in their order.

    >>> differences({"a": "file 0644 0:0 x", "b": "dir 0755 0:0"}, {"a": "file 0600 0:0 y"})
    ['a: mode 0644, now 0600; other bytes', 'b: not there any more']
    """
    return [
        f"{path}: {_told(before.get(path, _MISSING), after.get(path, _MISSING))}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def _told(before: str, after: str) -> str:
    if _MISSING in (before, after):
        return "not there before" if before == _MISSING else "not there any more"
    one, other = before.split(" ", 3), after.split(" ", 3)
    if one[0] != other[0] or one[0] not in ("file", "link", "dir"):
        return f"{before[:120]}, now {after[:120]}"
    named = (("mode", 1), ("owner", 2))
    told = [f"{name} {one[at]}, now {other[at]}" for name, at in named if one[at] != other[at]]
    if one[3:] != other[3:]:
        told.append("other bytes" if one[0] == "file" else f"{' '.join(one[3:])}, now {' '.join(other[3:])}")
    return "; ".join(told)


def read_archive(stream: Iterable[bytes]) -> dict[str, str]:
    """Return the content of a tar that comes in pieces; no more than a piece or two is held.

    Raises
    ------
    ImageBuildError
        If it is cut off or is no tar.
    """
    found: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=_Pieces(stream), mode="r|", bufsize=_CHUNK) as tar:
            for entry in tar:
                path = entry.name.removeprefix("./").strip("/")
                if path and not _covered(path):
                    found[path] = _line(entry, tar, found)
    except (tarfile.TarError, EOFError) as error:
        raise ImageBuildError(f"the image's files cannot be read: {error}", remedy="try again") from error
    return found


def _covered(path: str) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in COVERED)


def _line(entry: tarfile.TarInfo, tar: tarfile.TarFile, found: Mapping[str, str]) -> str:
    if entry.islnk():  # another name of a file that has been read
        return found.get(entry.linkname.removeprefix("./").strip("/"), f"hardlink {entry.linkname}")
    owned = f"{entry.mode & 0o7777:04o} {entry.uid}:{entry.gid}"
    attributes = {key: value for key, value in sorted(entry.pax_headers.items()) if ".xattr." in key}
    more = f" {json.dumps(attributes)}" if attributes else ""
    if entry.isreg():
        return f"file {owned} {_digest(tar.extractfile(entry))}{more}"
    if entry.issym():
        return f"link {owned} {json.dumps(entry.linkname)}{more}"
    if entry.isdir():
        return f"dir {owned}{more}"
    return f"special {owned} {entry.type.decode()} {entry.devmajor}:{entry.devminor}{more}"


def _digest(file: IO[bytes] | None) -> str:
    digest = hashlib.sha256()
    while file is not None and (data := file.read(_CHUNK)):
        digest.update(data)
    return "sha256:" + digest.hexdigest()


class _Pieces(io.RawIOBase):
    """Pieces of bytes, read as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, fewer at the end."""
        held, length = [self._left], len(self._left)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            held.append(piece)
            length += len(piece)
        data = b"".join(held)
        cut = length if size < 0 else size
        self._left = data[cut:]
        return data[:cut]


def folder_content(folder: Path, *, prefix: str, left_out: Iterable[str] = ()) -> dict[str, str]:
    """Return the content of a folder on this machine, its paths below ``prefix``; owners do not count here.

    ``left_out`` are names: of files, and of folders with all that is in them.
    """
    without = frozenset(left_out)
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if without.isdisjoint(relative.parts) and not path.is_dir():
            said = f"link 0777 - {json.dumps(str(path.readlink()))}" if path.is_symlink() else _file_line(path)
            found[f"{prefix}/{relative.as_posix()}"] = said
    return found


def _file_line(path: Path) -> str:
    with path.open("rb") as file:
        return f"file {path.stat().st_mode & 0o7777:04o} - {_digest(file)}"


def config_content(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return what counts of an image's configuration, as the engine tells it.

    >>> config_content({"Config": {"User": "10001", "Labels": {"slipway.runtime_image": "sha256:a", "b": "1"}}})
    {'config:User': '"10001"', 'config:label:b': '"1"'}
    """
    config = attributes.get("Config") or {}
    found = {f"config:{name}": json.dumps(config[name], sort_keys=True) for name in _CONFIG if config.get(name)}
    labels = config.get("Labels") or {}
    return found | {f"config:label:{k}": json.dumps(v) for k, v in sorted(labels.items()) if k not in TIMED_LABELS}


def read_image(client: docker.DockerClient, image_id: str, *, folder: str | None = None) -> dict[str, str]:
    """Return the files of an image, or of one folder in it, through a container that is never started."""
    with reported_as(ImageBuildError, f"the files of image {image_id[7:19]} cannot be listed"):
        container = client.containers.create(image_id, ["true"], entrypoint=[], network_mode="none")
        try:
            stream: Any = container.export(chunk_size=_CHUNK) if folder is None else container.get_archive(folder)[0]
            return read_archive(stream)
        finally:
            container.remove(force=True, v=True)


def image_content(
    client: docker.DockerClient, attributes: Mapping[str, Any], *, layer: str, notes: Path
) -> dict[str, str]:
    """Return the content of a version's image.

    Parameters
    ----------
    client : docker.DockerClient
    attributes : mapping
        The image's, as the engine has them.
    layer : str
        The id of the runtime layer that it stands on.
    notes : Path
        The folder in which layers' lists are kept.

    Raises
    ------
    ImageBuildError
        If the image does not stand on that layer, or the engine cannot list its files.
    """
    stands_on = inspect_image(client, layer)
    below_it = [] if stands_on is None else list(stands_on["RootFS"]["Layers"])
    if not below_it or attributes["RootFS"]["Layers"][: len(below_it)] != below_it:
        raise ImageBuildError(
            f"image {attributes['Id'][7:19]} does not stand on runtime layer {layer[7:19]}",
            remedy="build the image again",
        )
    note = notes / f"content-{layer[7:19]}.txt.gz"
    below: dict[str, str] | None = None
    if note.is_file():
        try:
            below = unpack(note.read_bytes())
        except (OSError, EOFError, ValueError):  # a killed build left half of it
            below = None
    if below is None:
        below = read_image(client, layer)
        note.parent.mkdir(parents=True, exist_ok=True)
        half = note.with_suffix(f".{attributes['Id'][7:19]}")
        half.write_bytes(pack(below))
        half.replace(note)
    own = read_image(client, str(attributes["Id"]), folder=OWN_FOLDER)
    return {**below, **own, **config_content(attributes)}
