"""Golden questions to a service, and what is wrong with its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from slipway.core.golden import Golden
from slipway.core.signature import Value
from slipway.errors import shorten

VERSION_HEADER = "x-slipway-version"
REQUEST_SECONDS = 5.0
BATCH_ROWS = 50
MAX_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: ``predictions`` if it is an answer, else ``problem`` says why not. ``version`` as it said."""

    version: str | None = None
    predictions: tuple[Value, ...] = ()
    problem: str = ""


def make_client(url: str, *, timeout_s: float = REQUEST_SECONDS) -> httpx.Client:
    """Return a client that opens a connection for each request.

    So every worker behind an address is asked in turn, and no connection is shared after a fork. Certificates are
    loaded for an https address only: that takes longer than all else here.
    """
    limits = httpx.Limits(max_keepalive_connections=0, max_connections=10)
    return httpx.Client(timeout=timeout_s, trust_env=False, limits=limits, verify=url.startswith("https:"))


def ask(client: httpx.Client, url: str, rows: Sequence[Mapping[str, Value]]) -> Answer:
    """Post rows to ``<url>/invocations``; a failure is an answer with a problem, never an exception."""
    try:
        response = client.post(f"{url}/invocations", json={"dataframe_records": [dict(row) for row in rows]})
    except httpx.HTTPError as error:
        return Answer(problem=f"no answer: {type(error).__name__}: {error}")
    version = response.headers.get(VERSION_HEADER)
    if response.status_code != 200:
        return Answer(version=version, problem=f"answered {response.status_code}: {shorten(response.text, 200)}")
    try:
        return Answer(version=version, predictions=_predictions(response.json()))
    except (ValueError, TypeError) as error:
        return Answer(version=version, problem=f"answered 200 with nonsense: {error}")


def _predictions(body: Any) -> tuple[Value, ...]:
    if not isinstance(body, dict) or not isinstance(body.get("predictions"), list):
        raise TypeError(f"no list of predictions in {shorten(str(body), 200)}")
    return tuple(body["predictions"])


def problems(answer: Answer, golden: Golden, *, version: int) -> list[str]:
    """Return what is wrong with an answer to the golden rows; empty if nothing is. At most a handful."""
    if answer.problem:
        return [answer.problem]
    found = []
    if answer.version != str(version):
        found.append(f"answered as version {answer.version}, not {version}")
    if len(answer.predictions) != len(golden.answers):
        found.append(f"{len(answer.predictions)} answers to {len(golden.answers)} rows")
        return found
    pairs = zip(answer.predictions, golden.answers, strict=True)
    wrong = [
        f"row {index}: answered {got!r}, expected {want!r}"
        for index, (got, want) in enumerate(pairs)
        if not golden.tolerance.agrees(got, want)
    ]
    more = [f"and {len(wrong) - MAX_PROBLEMS} more rows"] if len(wrong) > MAX_PROBLEMS else []
    return found + wrong[:MAX_PROBLEMS] + more


def part(golden: Golden, start: int, count: int) -> Golden:
    """Return ``count`` golden rows from ``start`` on, fewer at the end."""
    stop = start + count
    return Golden(rows=golden.rows[start:stop], answers=golden.answers[start:stop], tolerance=golden.tolerance)


def smoke(url: str, golden: Golden, *, version: int) -> list[str]:
    """Ask a service every golden row, and return what is wrong; empty if it answers as the reference does.

    Parameters
    ----------
    url : str
        Base address: a service's own, or :meth:`Gateway.model_url`.
    golden : Golden
        Rows, answers and tolerance.
    version : int
        Which version must say that it answered.
    """
    found: list[str] = []
    with make_client(url) as client:
        for start in range(0, len(golden.rows), BATCH_ROWS):
            batch = part(golden, start, BATCH_ROWS)
            at = f"golden rows from {start}: " if start else ""
            found += [at + problem for problem in problems(ask(client, url, batch.rows), batch, version=version)]
            if len(found) >= MAX_PROBLEMS:
                break
    return found
