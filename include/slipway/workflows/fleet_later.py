"""Work that a request waits for a little, and that goes on without it: one at a time, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from slipway.errors import SlipwayError

T = TypeVar("T")


class Later(Generic[T]):
    """The newest result of some work, and the error of its newest try.

    Parameters
    ----------
    work : callable
    every_seconds : float
        How long a result is good for; 0: work at each refresh. One that is older is shown while a newer one is made.
    """

    def __init__(self, work: Callable[[], T], *, every_seconds: float = 0.0) -> None:
        self._work = work
        self._every = every_seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._result: T | None = None
        self._error: Exception | None = None
        self._done_at: float | None = None

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def refresh(self, wait_seconds: float, notices: list[str], *, what: str) -> T | None:
        """Return the newest result, a fresh one if it is there within ``wait_seconds``; None before the first.

        Parameters
        ----------
        wait_seconds : float
            Not waited for where an older result is still good to show.
        notices : list of str
            The error of the newest try is added to it.
        what : str
            What the work is about, for the notice.
        """
        fresh = self._done_at is not None and self._every > 0 and time.monotonic() - self._done_at < self._every
        if not fresh:
            thread = self._start()
            if self._every == 0 or self._done_at is None:
                thread.join(wait_seconds)
        error = self._error
        if isinstance(error, SlipwayError):
            notices.append(f"{error.reason[:1].upper()}{error.reason[1:]}. What to do: {error.remedy}.")
        elif error is not None:
            notices.append(f"What {what} say could not be read: {type(error).__name__}: {error}.")
        return self._result

    def _start(self) -> threading.Thread:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="slipway-fleet", daemon=True)
                self._thread.start()
            return self._thread

    def _run(self) -> None:
        try:
            self._result, self._error = self._work(), None
        except Exception as error:  # noqa: BLE001  said on the page; the next request tries again
            self._error = error
        self._done_at = time.monotonic()
