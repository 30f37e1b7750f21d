"""Send many cases, a few at a time, and stop early when nobody answers any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from slipway.core.signature import Signature
from slipway.scenarios.client import Client
from slipway.scenarios.encode import body_of, path_of
from slipway.scenarios.suite import Case, Reply

WORKERS = 4
MAX_SILENT_IN_A_ROW = 5
MAX_TIMEOUTS = 3
MAX_SECONDS = 600.0


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
    """

    def __init__(self, client: Client, signature: Signature, model: str, *, max_seconds: float = MAX_SECONDS) -> None:
        self.requests = 0
        self.stopped = ""
        self.alone_ms: list[float] = []
        self._client, self._signature, self._model = client, signature, model
        self._deadline = time.monotonic() + max_seconds
        self._silent = self._timeouts = 0
        self._lock = threading.Lock()

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
            return [self._timed(case) for case in cases]
        with ThreadPoolExecutor(workers) as pool:
            for done, reply in enumerate(pool.map(self.send, cases), start=1):
                replies.append(reply)
                if progress is not None and done % 500 == 0:
                    progress(done)
        return replies

    def _timed(self, case: Case) -> tuple[Reply, ...]:
        started = time.perf_counter()
        replies = self.send(case)
        if replies:
            self.alone_ms.append((time.perf_counter() - started) * 1000 / len(replies))
        return replies

    def send(self, case: Case) -> tuple[Reply, ...]:
        """Send one case as often as it asks for; nothing once the service has fallen silent."""
        path, body = path_of(case, self._model), body_of(case, self._signature)
        replies = []
        for _ in range(case.repeats):
            if self.stopped:
                break
            reply = self._client.post(path, body)
            replies.append(reply)
            self._note(reply)
        return tuple(replies) if len(replies) == case.repeats else ()

    def _note(self, reply: Reply) -> None:
        with self._lock:
            self.requests += 1
            self._silent = self._silent + 1 if reply.error else 0
            self._timeouts += reply.timed_out
            if self._silent >= MAX_SILENT_IN_A_ROW:
                self.stopped = f"{self._silent} requests in a row got no answer, the last: {reply.error}"
            elif self._timeouts >= MAX_TIMEOUTS:
                self.stopped = f"{self._timeouts} requests timed out"
            elif time.monotonic() > self._deadline:
                self.stopped = "the time for the suite is over"
