"""Send many cases, a few at a time; wait where the service asks to, and stop early when nobody answers any more.

Rules
-----
1. 429, or 503, with Retry-After is protection from overload, not an answer: the same request is sent again after that
   time and a little more each time, so that those who were turned away together do not come back together. A service
   that refuses a request ``TRIES`` times has refused it.
2. When nobody answers, requests time out, or are refused after all, the rest is not sent.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from slipway.core.signature import Signature
from slipway.scenarios.client import Client
from slipway.scenarios.encode import body_of, path_of
from slipway.scenarios.suite import Case, Reply

WORKERS = 4
MAX_SILENT_IN_A_ROW = 5
MAX_TIMEOUTS = 2
MAX_REFUSED = 3
MAX_SECONDS = 600.0
TRIES = 6
MAX_WAIT_S = 5.0


class Replay:
    """Sends cases to one service and counts requests.

    Parameters
    ----------
    client : Client
    signature : Signature
    model : str
        Its name in the paths of the v2 protocol.
    max_seconds : float
        After which nothing more is sent.
    sleep : callable
        Waits so many seconds.

    Attributes
    ----------
    requests, waits : int
        Requests that were sent, and how often one was told to come back later.
    stopped : str
        Why nothing more is sent; empty while there is no reason.
    dead : bool
        Whether that is because the service no longer answers.
    """

    def __init__(
        self,
        client: Client,
        signature: Signature,
        model: str,
        *,
        max_seconds: float = MAX_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.requests = 0
        self.waits = 0
        self.stopped = ""
        self.dead = False
        self._client, self._signature, self._model, self._sleep = client, signature, model, sleep
        self._deadline, self._over = time.monotonic() + max_seconds, "the time for the suite is over"
        self._silent = self._timeouts = self._refused = 0
        self._lock = threading.Lock()

    def limit(self, seconds: float, why: str) -> None:
        """Send nothing after so many seconds from now, if that is sooner than was said before."""
        deadline = time.monotonic() + seconds
        if deadline < self._deadline:
            self._deadline, self._over = deadline, why

    def resume(self, seconds: float) -> None:
        """Allow so many seconds more, unless it was the service that ended it."""
        if not self.dead:
            self.stopped = ""
            self._deadline = time.monotonic() + seconds

    def run(
        self, cases: Sequence[Case], *, workers: int = WORKERS, progress: Callable[[int], None] | None = None
    ) -> list[tuple[Reply, ...]]:
        """Return each case's replies, in order; none for a case that was not sent because the service fell silent.

        Parameters
        ----------
        progress : callable, optional
            Told, now and then, how many cases are done.
        """
        replies: list[tuple[Reply, ...]] = []
        if workers == 1:
            return [self.send(case) for case in cases]
        with ThreadPoolExecutor(workers) as pool:
            for done, reply in enumerate(pool.map(self.send, cases), start=1):
                replies.append(reply)
                if progress is not None and done % 500 == 0:
                    progress(done)
        return replies

    def send(self, case: Case) -> tuple[Reply, ...]:
        """Send one case as often as it asks for; nothing once the service has fallen silent."""
        replies = []
        for _ in range(case.repeats):
            if case.after is not None and not self.stopped:
                self._ask(case.after)
            if self.stopped:
                break
            replies.append(self._ask(case))
        return tuple(replies) if len(replies) == case.repeats else ()

    def _ask(self, case: Case) -> Reply:
        path, body = path_of(case, self._model), body_of(case, self._signature)
        for attempt in range(1, TRIES + 1):
            reply = self._client.post(path, body)
            last = attempt == TRIES or not reply.asks_to_wait
            self._note(reply, last=last)
            if last or self.stopped:
                break
            self._sleep(seconds_to_wait(reply, attempt, spread=zlib.crc32(case.name.encode()) / 2**32))
        return reply

    def _note(self, reply: Reply, *, last: bool) -> None:
        with self._lock:
            self.requests += 1
            self.waits += not last
            self._silent = self._silent + 1 if reply.error else 0
            self._timeouts += reply.timed_out
            self._refused += last and reply.asks_to_wait
            if self.stopped:
                return
            self.stopped = self._why_dead(reply)
            self.dead = bool(self.stopped)
            if not self.dead and time.monotonic() > self._deadline:
                self.stopped = self._over

    def _why_dead(self, reply: Reply) -> str:
        if self._silent >= MAX_SILENT_IN_A_ROW:
            return f"{self._silent} requests in a row got no answer, the last: {reply.error}"
        if self._timeouts >= MAX_TIMEOUTS:
            return f"{self._timeouts} requests timed out"
        return f"{self._refused} requests were refused each of {TRIES} times" if self._refused >= MAX_REFUSED else ""


def seconds_to_wait(reply: Reply, attempt: int, *, spread: float) -> float:
    """Return how long to wait: what was asked for (a second if that is a date), and a part of as many seconds as tries.

    >>> seconds_to_wait(Reply(status=429, headers={"retry-after": "2"}), 3, spread=0.5)
    3.5
    """
    text = reply.headers["retry-after"].strip()
    asked = float(text) if text.isascii() and text.isdigit() else 1.0
    return min(asked, MAX_WAIT_S) + attempt * spread
