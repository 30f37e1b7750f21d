"""The adapter that profiles a running service: reset, send requests, fetch what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.golden import Golden
from slipway.errors import ServiceError

if TYPE_CHECKING:
    import httpx

WARMUP_REQUESTS = 20
ROUNDS = 4
BATCHES = 5
BATCH_ROWS = 100
TIMEOUT_S = 30.0
MAX_FAILURES = 20
NOT_FOUND = 404
OK = 200
REMEDY = "start the same image with SLIPWAY_SERVING_PROFILE=1 and profile that instance"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What was measured.

    Attributes
    ----------
    rounds : tuple of mapping
        The service's profile of each round of single-row requests.
    batches : mapping or None
        Its profile of a few batches; None if there was no answer to them.
    sent, errors : int
        Requests sent, and those without a 200.
    """

    rounds: tuple[Document, ...]
    batches: Document | None
    sent: int
    errors: int


def capture(url: str, golden: Golden, *, requests: int) -> Capture:
    """Profile single-row requests in rounds, then a few batches.

    Several rounds, since noise only ever adds time: the fastest round is closest to the program's own cost. A service
    that fails ``MAX_FAILURES`` times is not asked further.

    Raises
    ------
    ServiceError
        If the service does not answer or was not started in profile mode.
    """
    with _client(url) as client:
        errors = sum(not _post(client, [golden.rows[i % len(golden.rows)]]) for i in range(WARMUP_REQUESTS))
        sent, rounds = WARMUP_REQUESTS, []
        for share in _split(requests):
            if errors >= MAX_FAILURES:
                break
            _call(client, "POST", "/debug/profile/reset")
            bodies = ([golden.rows[(sent + i) % len(golden.rows)]] for i in range(share))
            tried, failed = _send(client, bodies, MAX_FAILURES - errors)
            sent, errors = sent + tried, errors + failed
            rounds.append(_fetch(client))
        batches = None
        if errors == 0:
            _call(client, "POST", "/debug/profile/reset")
            rows = [golden.rows[i % len(golden.rows)] for i in range(BATCH_ROWS)]
            tried, failed = _send(client, [rows] * BATCHES, 1)
            sent, errors = sent + tried, errors + failed
            batches = _fetch(client) if failed == 0 else None
    return Capture(rounds=tuple(rounds), batches=batches, sent=sent, errors=errors)


def host_fingerprint() -> dict[str, Any]:
    """Return what makes times comparable: processor, cores, system and interpreter."""
    return {
        "cpu": _cpu_model() or platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _split(requests: int) -> list[int]:
    """Return the sizes of the rounds; at least one request each."""
    rounds = max(1, min(ROUNDS, requests))
    return [requests // rounds + (i < requests % rounds) for i in range(rounds)]


@contextmanager
def _client(url: str) -> Iterator[httpx.Client]:
    import httpx

    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False) as client:
            yield client
    except httpx.HTTPError as error:
        raise ServiceError(
            f"the profiled service at {url} does not answer: {error}", remedy="look at the service's log"
        ) from error


def _post(client: httpx.Client, rows: list[Mapping[str, Any]]) -> bool:
    body = {"dataframe_records": [dict(row) for row in rows]}
    return client.post("/invocations", json=body).status_code == OK


def _send(client: httpx.Client, bodies: Iterable[list[Mapping[str, Any]]], patience: int) -> tuple[int, int]:
    """Send until ``patience`` requests have failed; return how many were tried and how many failed."""
    tried = failed = 0
    for rows in bodies:
        tried += 1
        failed += not _post(client, rows)
        if failed >= patience:
            break
    return tried, failed


def _call(client: httpx.Client, method: str, path: str) -> httpx.Response:
    response = client.request(method, path)
    if response.status_code == NOT_FOUND:
        raise ServiceError(f"the service at {client.base_url} has no {path}: it is not in profile mode", remedy=REMEDY)
    if response.status_code >= 300:
        raise ServiceError(f"{method} {path} was answered with {response.status_code}", remedy=REMEDY)
    return response


def _fetch(client: httpx.Client) -> Document:
    try:
        return dict(_call(client, "GET", "/debug/profile").json())
    except (ValueError, TypeError) as error:
        raise ServiceError(f"the service's profile is not JSON: {error}", remedy=REMEDY) from error
