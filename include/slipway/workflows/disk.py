"""A disk that is full, or not ours to write on, in our words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from slipway.errors import SettingsError

_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RIGHTS = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)


@contextmanager
def disk_explained() -> Iterator[None]:
    """Turn what a disk refuses into a SettingsError that says what to do; other errors pass.

    >>> with disk_explained():
    ...     raise OSError(errno.ENOSPC, "No space left on device", "/srv/var/r.html")
    Traceback (most recent call last):
    slipway.errors.SettingsError: /srv/var/r.html cannot be written: No space left on device. What to do: free \
disk space, then run it again; what serves is untouched.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*_ROOM, *_RIGHTS):
            raise
        first = "free disk space" if error.errno in _ROOM else "see that SLIPWAY_VAR is a folder that you may write"
        raise SettingsError(
            f"{error.filename or 'a file'} cannot be written: {error.strerror}",
            remedy=f"{first}, then run it again; what serves is untouched",
        ) from error
