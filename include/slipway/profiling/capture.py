"""A candidate and its champion, profiled and timed in turns."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.golden import Golden
from slipway.errors import ServiceError
from slipway.profiling.instance import Bodies, Document, Instance

if TYPE_CHECKING:
    import httpx

WARMUP_REQUESTS = 20
ROUNDS = 12
BATCHES = 5
BATCH_ROWS = 100
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What was measured.

    Attributes
    ----------
    rounds : tuple of mapping
        The service's profile of each round of single-row requests.
    champion : tuple of mapping
        The champion's profile of the same rows, a round beside each of ``rounds``; empty if there was none to ask.
    timed, champion_timed : tuple of float
        Ms a request of as many rounds without the profiler; empty if an image knows no time without it.
    timed_requests : int
        Of how many requests ``timed`` tells.
    champion_problem : str
        Why a champion that was to be asked gave no profile.
    batches : mapping or None
        The service's profile of a few batches; None if there was no answer to them.
    sent, errors : int
        Requests sent to the service, and those without a 200.
    """

    rounds: tuple[Document, ...]
    champion: tuple[Document, ...] = ()
    timed: tuple[float, ...] = ()
    champion_timed: tuple[float, ...] = ()
    timed_requests: int = 0
    champion_problem: str = ""
    batches: Document | None = None
    sent: int = 0
    errors: int = 0


def capture(url: str, golden: Golden, *, requests: int, champion_url: str | None = None) -> Capture:
    """Profile single-row requests in rounds, in turns with the champion if there is one, then a few batches.

    In each round both are profiled, then both are timed without the profiler. Which of the two goes first changes from
    round to round, so that a host that gets slower favours neither. A service that fails too often is not asked
    further. A champion that errs, or is not there, is left out, and the capture says why: it is not what is judged.

    Raises
    ------
    ServiceError
        If the service at ``url`` does not answer or was not started in profile mode.
    """
    sizes = _split(requests)
    with _client(url) as client, _rival(champion_url) as rival:
        candidate = Instance(client)
        turns = _Turns(candidate, rival, golden)
        for at, size in enumerate(sizes):
            if candidate.lost:
                break
            turns.take(at, size)
        batches = None
        if candidate.errors == 0:
            rows = [golden.rows[i % len(golden.rows)] for i in range(BATCH_ROWS)]
            found = candidate.profile([rows] * BATCHES)
            batches = found if candidate.errors == 0 else None
    beside = None if turns.problem else rival
    if beside is not None and len(beside.profiles) < len(candidate.profiles):
        beside = None
    return Capture(
        rounds=tuple(candidate.profiles),
        champion=tuple(beside.profiles) if beside else (),
        timed=tuple(candidate.timed),
        champion_timed=tuple(beside.timed) if beside else (),
        timed_requests=candidate.timed_requests,
        champion_problem=turns.problem,
        batches=batches,
        sent=candidate.sent,
        errors=candidate.errors,
    )


class _Turns:
    """Rounds of the candidate, each with one of the champion beside it for as long as that one answers."""

    def __init__(self, candidate: Instance, rival: Instance | None, golden: Golden) -> None:
        self._candidate, self._rival, self._rows = candidate, rival, golden.rows
        self.problem = ""
        warmup = self._bodies(0, WARMUP_REQUESTS)
        candidate.send(warmup)
        self._of_champion(Instance.send, warmup)

    def take(self, at: int, size: int) -> None:
        bodies = self._bodies(WARMUP_REQUESTS + at * size, size)
        champion_first = at % 2 == 1
        for ask in (Instance.look, Instance.time):
            if champion_first:
                self._of_champion(ask, bodies)
            ask(self._candidate, bodies)
            if not champion_first:
                self._of_champion(ask, bodies)

    def _bodies(self, start: int, count: int) -> Bodies:
        return [[self._rows[i % len(self._rows)]] for i in range(start, start + count)]

    def _of_champion(self, ask: Callable[[Instance, Bodies], None], bodies: Bodies) -> None:
        if self._rival is None or self.problem:
            return
        import httpx

        try:
            ask(self._rival, bodies)
        except (ServiceError, httpx.HTTPError) as error:
            self.problem = str(error) or type(error).__name__
        if self._rival.errors:
            self.problem = f"it did not answer {self._rival.errors} of {self._rival.sent} requests with 200"


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
        with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S, trust_env=False) as client:
            yield client
    except httpx.HTTPError as error:
        raise ServiceError(
            f"the profiled service at {url} does not answer: {error}", remedy="look at the service's log"
        ) from error


@contextmanager
def _rival(url: str | None) -> Iterator[Instance | None]:
    if url is None:
        yield None
        return
    import httpx

    # What goes wrong inside is the candidate's: the champion's own errors are kept where it is asked.
    with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S, trust_env=False) as client:
        yield Instance(client)
