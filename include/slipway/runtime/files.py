"""Files that several processes write: replaced whole, locked while somebody works on what they stand for.

And what a disk refuses, in our words.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.errors import ServiceError, StorageError

_POLL_S = 0.05
_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RIGHTS = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)


def write_json(path: Path, data: Any, *, synced: bool = False) -> None:
    """Write ``data`` as :func:`write_text` does."""
    write_text(path, json.dumps(data, indent=1, sort_keys=True) + "\n", synced=synced)


def write_text(path: Path, text: str, *, synced: bool = False) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never a part.

    ``synced`` waits until the disk has it, for what must have found its room before anything else is changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON object, or None where there is no file or no such object in it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; the kernel releases it when its holder dies.

    Raises
    ------
    ServiceError
        If another process still holds it after ``timeout_s``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise ServiceError(
                        f"another process has held {path} for {timeout_s:g} s", remedy="wait for it, or end it"
                    ) from error
                time.sleep(_POLL_S)
        yield


def storage_error(error: BaseException) -> StorageError | None:
    """Return what a full or unwritable disk means and asks for; None for an error of any other kind.

    >>> storage_error(ValueError("no")) is None
    True
    >>> print(storage_error(OSError(errno.ENOSPC, "No space left on device", "/srv/var/r.html")))
    /srv/var/r.html cannot be written: No space left on device. What to do: free disk space, then run it again; \
what serves is untouched.
    """
    if not isinstance(error, OSError) or error.errno not in (*_ROOM, *_RIGHTS):
        return None
    first = "free disk space" if error.errno in _ROOM else "see that SLIPWAY_VAR is a folder that you may write"
    return StorageError(
        f"{error.filename or 'a file'} cannot be written: {error.strerror}",
        remedy=f"{first}, then run it again; what serves is untouched",
    )
