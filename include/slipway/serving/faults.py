"""Every way in which a request can fail; which status each one gets is `http_errors.py`'s business.

::

    RequestRejected
    ├── Malformed                the body is not JSON
    ├── TooLarge                 more bytes or rows than the limits allow
    └── RowsRejected             the rows break the signature or a declared policy
    ServiceError
    ├── NotServed                no such path, model or version here
    ├── MethodNotAllowed         the path is known, the method is not
    ├── NotReady                 the model is not loaded yet
    ├── Overloaded               more requests are waiting than can be answered in time
    ├── DeadlinePassed           the caller's time was over before its turn came
    ├── ModelCrashed             the model raised an error
    └── ModelAnsweredNonsense    the model's answer is not one finite value of the declared type a row
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.errors import RequestRejected, ServiceError, shorten

MAX_PROBLEMS = 10
_SHOWN_CHARACTERS = 80
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value, or with a whole row (no column) or column (no row)."""

    row: int | None
    column: str | None
    problem: str
    value: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON values, its texts bounded."""
        column = self.column if self.column is None else shorten(self.column, _SHOWN_CHARACTERS)
        return {"row": self.row, "column": column, "problem": self.problem, "value": shown(self.value)}


def shown(value: object) -> Any:
    """Return what an error shows of a value: always short, and always JSON.

    >>> shown(float("nan")), shown([1, 2]), shown("x" * 100)[:3], shown(10**30)
    ('nan', 'an array', 'xxx', '1000000000000000000000000000000')
    """
    if isinstance(value, list | tuple):
        return "an array"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value not in _INT64:
        return _digits(value)
    return shorten(value, _SHOWN_CHARACTERS) if isinstance(value, str) else value


def _digits(value: int) -> str:
    # JSON readers stop at 64 bits, and Python refuses to write out an int of more than 4300 digits.
    return str(value) if value.bit_length() <= 256 else f"an integer of {value.bit_length()} bits"


class Malformed(RequestRejected):
    """The body is not JSON."""


class TooLarge(RequestRejected):
    """More bytes or rows than the limits allow."""


class RowsRejected(RequestRejected):
    """The rows break the signature or a declared policy.

    Parameters
    ----------
    reason : str
    problems : sequence of Problem
        Kept in the order of their rows; at most ``MAX_PROBLEMS`` of them.
    hits : mapping of (column, policy) to int, optional
        How many values each policy decided on, for the metrics.
    """

    def __init__(
        self, reason: str, problems: Sequence[Problem] = (), *, hits: Mapping[tuple[str, str], int] | None = None
    ) -> None:
        super().__init__(reason, remedy="send rows that follow the model's signature")
        by_row = sorted(problems, key=lambda problem: -1 if problem.row is None else problem.row)
        self.problems = tuple(by_row[:MAX_PROBLEMS])
        self.hits = dict(hits or {})


class NotServed(ServiceError):
    """No such path, model or version is served here."""


class MethodNotAllowed(ServiceError):
    """The path is known, the method is not."""

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"{shorten(method, 20)} is not allowed here", remedy=f"use {allowed}")
        self.allowed = allowed


class NotReady(ServiceError):
    """The model is not loaded yet."""

    def __init__(self) -> None:
        super().__init__("the model is still loading", remedy="wait until /v2/health/ready answers 200")


class Overloaded(ServiceError):
    """More requests are waiting than the limits allow, or than can be answered in time.

    Parameters
    ----------
    reason : str
    wait_s : float
        When it is worth coming back, in seconds.
    """

    def __init__(self, reason: str, *, wait_s: float = 0.0) -> None:
        self.retry_after_s = max(1, math.ceil(wait_s))
        super().__init__(reason, remedy=f"send it again in {self.retry_after_s} s, or to another server")


class DeadlinePassed(ServiceError):
    """The caller's time was over before its turn came; nothing was computed."""

    def __init__(self) -> None:
        super().__init__("the request's deadline passed while it waited", remedy="send it again, or allow it more time")


class ModelCrashed(ServiceError):
    """The model raised an error."""


class ModelAnsweredNonsense(ServiceError):
    """The model's answer is not one finite value of the declared type for each row."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"model answered nonsense: {detail}", remedy="read the server's log, then correct the model")
