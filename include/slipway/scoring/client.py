"""The champion's service, asked for many rows: bounded in tries, in time and in bytes; never believed blindly.

Rules
-----
1. 429 and 503 mean later: the request is sent again after ``Retry-After``, a bounded number of times.
2. 400, 413 and 422 mean that some of the rows are refused. Those that the answer names are taken out; if it names none,
   the rows are halved, until single rows are left. What they are refused for is the service's own text.
3. Whatever else is not 200, and a 200 of another model or version, stops the partition.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from slipway.core.identity import Subject
from slipway.core.signature import Signature
from slipway.errors import shorten
from slipway.scoring.faults import ScoringStopped
from slipway.scoring.wire import LENGTH, Body, decode, encode, one_tensor_rows

TRIES = 8
TIMEOUT_S = 120.0
LONGEST_WAIT_S = 30.0
MAX_REFUSALS = 5_000
"""Requests of one client that may be refused for their rows: past it, not the rows are wrong but the declaration."""

_MAX_ANSWER = 64 << 20
_AGAIN = 3  # an answer names a few rows only: where there are always more, halving gets to them sooner
_LATER = (429, 503)
_REFUSED = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the service said to some rows.

    Attributes
    ----------
    answers : array of shape (rows,)
        Without meaning where a row was refused.
    refused : mapping of int to str
        Rows by position, each with the service's reason.
    """

    answers: NDArray[Any]
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class ServiceClient:
    """Asks one version's service; threads may share it. Use it as a context manager.

    Parameters
    ----------
    url : str
        ``http://host:port``, or the gateway's with the model's path.
    subject : Subject
        Which model, version and artifact must answer.
    signature : Signature
    width : int
        How many requests may be under way at once.
    sleep : callable, optional
        Waits for so many seconds.

    Attributes
    ----------
    width : int
        Falls to 1 once the service said that it is given too much.
    """

    def __init__(
        self,
        url: str,
        *,
        subject: Subject,
        signature: Signature,
        width: int = 2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._path = f"{parts.path.rstrip('/')}/v2/models/{subject.model}/infer"
        self._url, self._subject, self._signature, self._sleep = url, subject, signature, sleep
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._refusals, self._lock = 0, threading.Lock()
        self.width = width

    def __enter__(self) -> ServiceClient:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        while not self._idle.empty():
            self._idle.get().close()

    def score(self, inputs: Mapping[str, pa.Array]) -> Answered:
        """Return the answers to rows that the signature admits, and which of them the service refuses.

        Raises
        ------
        ScoringStopped
            If it does not answer, answers with nonsense, or is another version.
        """
        whole = one_tensor_rows(inputs, self._signature)
        if whole is None:
            return self._score(inputs)
        parts = (np.flatnonzero(whole), np.flatnonzero(~whole))
        return _merged([(rows, self._score(_taken(inputs, rows))) for rows in parts], len(whole))

    def _score(self, inputs: Mapping[str, pa.Array], *, again: int = 0) -> Answered:
        rows = len(next(iter(inputs.values())))
        reply = self._asked(encode(inputs, self._signature))
        if reply.status == 200:
            length = reply.headers.get(LENGTH.lower(), "")
            return Answered(decode(reply.body, int(length) if length.isdigit() else None, rows, self._signature))
        self._count_refusal(reply)
        reason, named = _refusal(reply, rows)
        if rows == 1:
            return Answered(np.empty(1, dtype=object), {0: named.get(0, reason)})
        kept = np.array([row for row in range(rows) if row not in named], dtype=np.int64)
        once_more = bool(named) and again < _AGAIN
        parts = [kept] if once_more else np.array_split(kept, 2)
        depth = again + 1 if once_more else 0
        answered = [(part, self._score(_taken(inputs, part), again=depth)) for part in parts if len(part)]
        return _merged(answered, rows, named)

    def _count_refusal(self, reply: _Reply) -> None:
        with self._lock:
            self._refusals += 1
            if self._refusals > MAX_REFUSALS:
                raise ScoringStopped(
                    f"{self._url} refused {self._refusals} requests; the last: {_text(reply)}",
                    remedy="compare the source's columns with the model's signature",
                )

    def _asked(self, body: Body) -> _Reply:
        said = ""
        for attempt in range(TRIES):
            try:
                reply = self._once(body)
            except (OSError, http.client.HTTPException) as error:
                said, wait = f"{type(error).__name__}: {error}", 0.25 * 2**attempt
            else:
                if reply.status not in _LATER:
                    return self._checked(reply)
                if reply.status == 429:
                    self.width = 1
                said, wait = f"{reply.status}: {_text(reply)}", _retry_after(reply)
            if attempt + 1 < TRIES:
                self._sleep(min(wait, LONGEST_WAIT_S))
        raise ScoringStopped(
            f"{self._url} did not take a batch in {TRIES} tries; the last one: {said}",
            remedy="see that the service runs and has room, then run the partition again; nothing was written",
        )

    def _checked(self, reply: _Reply) -> _Reply:
        wanted = {
            "x-slipway-model": self._subject.model,
            "x-slipway-version": str(self._subject.version),
            "x-slipway-artifact": self._subject.artifact_sha256.removeprefix("sha256:")[:12],
        }
        wrong = [f"{name} is {reply.headers.get(name)!r}" for name in wanted if reply.headers.get(name) != wanted[name]]
        if reply.status != 200 and reply.status not in _REFUSED:
            wrong.insert(0, f"status {reply.status}: {_text(reply)}")
        if wrong:
            raise ScoringStopped(
                f"{self._url} does not answer as {self._subject}: {'; '.join(wrong)}",
                remedy="start the champion's own image and score the partition again; nothing was written",
            )
        return reply

    def _once(self, body: Body) -> _Reply:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.putrequest("POST", self._path)
            for name, value in body.headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body.head)
            if body.data is not None:
                connection.send(body.data)
            response = connection.getresponse()
            content = response.read(_MAX_ANSWER + 1)
            if len(content) > _MAX_ANSWER:
                raise http.client.HTTPException(f"an answer of more than {_MAX_ANSWER} bytes")
        except BaseException:
            connection.close()
            raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        if headers.get("connection", "").lower() == "close":
            connection.close()
        self._idle.put(connection)
        return _Reply(response.status, headers, content)


def _taken(inputs: Mapping[str, pa.Array], rows: NDArray[np.int64]) -> dict[str, pa.Array]:
    places = pa.array(rows)
    return {name: array.take(places) for name, array in inputs.items()}


def _merged(
    parts: list[tuple[NDArray[np.int64], Answered]], rows: int, refused: Mapping[int, str] | None = None
) -> Answered:
    kinds = {part.answers.dtype for _, part in parts if len(part.refused) < len(part.answers)}
    answers = np.zeros(rows, dtype=kinds.pop() if len(kinds) == 1 else object)
    said = dict(refused or {})
    for places, part in parts:
        if len(part.refused) < len(part.answers):
            answers[places] = part.answers
        said |= {int(places[row]): reason for row, reason in part.refused.items()}
    return Answered(answers, said)


def _refusal(reply: _Reply, rows: int) -> tuple[str, dict[int, str]]:
    """Return why a batch was refused, and the reasons of those rows that the answer names."""
    named: dict[int, list[str]] = {}
    with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
        for problem in orjson.loads(reply.body)["problems"]:
            row = problem["row"]
            if type(row) is int and 0 <= row < rows:
                column = f"{problem['column']}: " if problem["column"] else ""
                named.setdefault(row, []).append(f"{column}{problem['problem']}")
    texts = {row: shorten(f"refused by the service: {'; '.join(found)}", 500) for row, found in named.items()}
    return f"refused by the service ({reply.status}): {_text(reply)}", texts


def _text(reply: _Reply) -> str:
    try:
        return shorten(str(orjson.loads(reply.body)["error"]), 300)
    except (ValueError, LookupError, TypeError):
        return shorten(reply.body[:1000].decode("utf-8", "replace"), 300)


def _retry_after(reply: _Reply) -> float:
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isdigit() and len(text) < 6 else 1.0
