"""The one table of status codes: what a fault looks like on the wire."""

from __future__ import annotations

from typing import Any

from slipway.errors import SlipwayError
from slipway.serving import faults

STATUS: dict[type[SlipwayError], int] = {
    faults.Malformed: 400,
    faults.NotServed: 404,
    faults.MethodNotAllowed: 405,
    faults.TooLarge: 413,
    faults.RowsRejected: 422,
    faults.ModelCrashed: 500,
    faults.ModelAnsweredNonsense: 500,
    faults.NotReady: 503,
    faults.DeadlinePassed: 503,
    faults.Overloaded: 429,
}


def status_of(error: BaseException) -> int:
    """Return a fault's status; 500 for whatever is not in the table.

    >>> status_of(faults.NotReady()), status_of(KeyError("x"))
    (503, 500)
    """
    return STATUS.get(type(error), 500)  # type: ignore[arg-type]


def body_of(error: BaseException) -> dict[str, Any]:
    """Return the error body: the text, and the problems of a rejected batch."""
    if not isinstance(error, SlipwayError):
        return {"error": f"internal error ({type(error).__name__}); the server's log has the traceback"}
    # A model's own message may hold half a surrogate pair, which no JSON in UTF-8 can.
    body: dict[str, Any] = {"error": str(error).encode("utf-8", "replace").decode("utf-8")}
    if isinstance(error, faults.RowsRejected):
        body["problems"] = [problem.to_json() for problem in error.problems]
    return body


def headers_of(error: BaseException) -> list[tuple[bytes, bytes]]:
    """Return the headers that a fault adds: when to come back, or which method to use."""
    if isinstance(error, faults.MethodNotAllowed):
        return [(b"allow", error.allowed.encode())]
    if status_of(error) in (429, 503):
        return [(b"retry-after", b"%d" % getattr(error, "retry_after_s", 1))]
    return []
