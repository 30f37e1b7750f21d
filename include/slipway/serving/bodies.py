"""A request's body that comes in pieces, put together where it is going to stay.

A large one of a length that was told is filled into room made for it: each piece is copied while it is still in the
cache, and its own memory is there for the next. Joining them at the end would walk through all of it again. Room that
is not filled yet takes no memory: it is not written to.
"""

from __future__ import annotations

import numpy as np

LARGE = 256 * 1024
"""From this length on; below it, joining costs little."""

Body = bytes | memoryview


class Assembly:
    """One body on its way.

    Parameters
    ----------
    announced : int
        The length that was told; 0 if none was.

    Examples
    --------
    >>> body = Assembly(0)
    >>> body.add(b"a")
    >>> body.add(b"bc")
    >>> body.whole()
    b'abc'
    """

    __slots__ = ("_pieces", "_room", "_size")

    def __init__(self, announced: int) -> None:
        self._pieces: list[bytes] = []
        self._room = np.empty(announced, np.uint8).data if announced >= LARGE else None
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        start, self._size = self._size, self._size + len(piece)
        if self._room is not None and self._size <= len(self._room):
            self._room[start : self._size] = piece
        else:
            self._pieces.append(piece)

    def whole(self) -> Body:
        """Return the body; a view of memory that belongs to it alone, if it is large."""
        if self._room is None:
            return b"".join(self._pieces)
        if self._pieces or self._size < len(self._room):  # not as long as was told
            return b"".join([self._room[: self._size - sum(map(len, self._pieces))], *self._pieces])
        return self._room
