"""What a caller says again with each request, the columns' names before the rows: read once, then recognised.

A body that begins with a known opening and ends as it must is JSON of that form if, and only if, what lies between is
one JSON value: an opening is only known once the JSON reader has read it, closed behind ``null``, as that form with
exactly these columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

_KEY = b'"data":'
_END = b"}}"
_TRY_EVERY = 64


class SplitOpening:
    """The opening of ``dataframe_split`` bodies with all columns in the signature's order.

    >>> opening = SplitOpening(["a", "b"])
    >>> body = b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}'
    >>> opening.data(body) is None, opening.data(body)
    (True, [[1, 2]])
    """

    __slots__ = ("_known", "_meant", "_misses")

    def __init__(self, names: Sequence[str]) -> None:
        self._meant = {"dataframe_split": {"columns": list(names), "data": None}}
        self._known: bytes | None = None
        self._misses = 0

    def data(self, body: bytes) -> Any:
        """Return the value of ``data``; None where the body must be read as a whole."""
        known = self._known
        if known is not None and body.startswith(known) and body.endswith(_END):
            try:
                return orjson.loads(body[len(known) : -len(_END)])
            except orjson.JSONDecodeError:
                return None
        if self._misses % _TRY_EVERY == 0:
            self._learn(body)
        self._misses += 1
        return None

    def _learn(self, body: bytes) -> None:
        opening = body[: body.find(_KEY) + len(_KEY)]
        try:
            if orjson.loads(opening + b"null" + _END) == self._meant:
                self._known = opening
        except orjson.JSONDecodeError:
            return
