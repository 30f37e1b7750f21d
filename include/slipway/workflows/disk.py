"""A disk that is full, or not ours to write on, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from slipway.runtime.files import storage_error


@contextmanager
def disk_explained() -> Iterator[None]:
    """Turn what a disk refuses into a StorageError that says what to do; other errors pass."""
    try:
        yield
    except OSError as error:
        explained = storage_error(error)
        if explained is None:
            raise
        raise explained from error
