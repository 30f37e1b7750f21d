"""Downloaded versions on this machine: each in a folder named by its artifact digest, verified whenever it is used."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.core.identity import digest_bytes, parse_digest
from slipway.errors import IdentityError
from slipway.registry.artifacts import digest_folder, make_read_only


class VersionCache:
    """Keeps the files of versions; safe with several processes at once.

    Parameters
    ----------
    folder : Path
        Made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def folder(self, digest: str) -> Path:
        """Return where the files with this digest are kept."""
        return self._folder / digest.removeprefix("sha256:")

    def find(self, identity: str) -> str | None:
        """Return the digest kept for a version, if its files still have it.

        Parameters
        ----------
        identity : str
            Whatever names the version in its registry; only compared.
        """
        try:
            digest = parse_digest(self._pointer(identity).read_text(encoding="utf-8"))
        except (FileNotFoundError, IdentityError):
            return None
        return digest if self._holds(digest) else None

    def adopt(self, root: Path, identity: str) -> str:
        """Move a fresh download made in :meth:`scratch` into the cache, read-only, and return its digest."""
        digest = digest_folder(root)
        make_read_only(root)
        if not self._holds(digest):
            target = self.folder(digest)
            if target.exists():
                target.rename(root.parent / "damaged")
            root.rename(target)
        self._point(identity, digest)
        return digest

    def size(self, digest: str) -> int:
        """Return how many bytes are kept under this digest."""
        return sum(path.lstat().st_size for path in self.folder(digest).rglob("*") if path.is_file())

    def forget(self, digest: str) -> int:
        """Drop the files with this digest, and return how many bytes they were; they are downloaded again on need."""
        size = self.size(digest)
        if self.folder(digest).exists():
            with self.scratch() as root:  # out of sight at once: nobody finds half of it
                self.folder(digest).rename(root / "forgotten")
        return size

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder on the cache's own disk; what is left in it goes with it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="download-", dir=self._folder))
        try:
            root = folder / "files"
            root.mkdir()
            yield root
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _holds(self, digest: str) -> bool:
        folder = self.folder(digest)
        return folder.is_dir() and digest_folder(folder) == digest

    def _pointer(self, identity: str) -> Path:
        return self._folder / "index" / digest_bytes(identity.encode()).removeprefix("sha256:")

    def _point(self, identity: str, digest: str) -> None:
        pointer = self._pointer(identity)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=pointer.parent, delete=False, encoding="utf-8") as file:
            file.write(digest)
        Path(file.name).replace(pointer)
