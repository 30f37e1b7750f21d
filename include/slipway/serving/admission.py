"""Who is let in: a request that would wait too long is told so at once, and one whose time is over is not computed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from slipway.serving.config import Limits
from slipway.serving.faults import DeadlinePassed, Overloaded

SMALL_BODY = 64 * 1024
DEADLINES = (b"x-slipway-deadline-ms", b"x-envoy-expected-rq-timeout-ms")

_LOOK_S = 0.02
_SHARE = 0.1  # of a new observation in the moving average
_BUDGET_SHARE = 0.65  # of the latency objective; the rest is for the way here and back, and what cannot be foreseen
_WORTH_LEARNING = 1 / 3  # of what is allowed: what one slow call does to a short wait says nothing of a long one
_MOST_STRETCH = 4.0
_STRETCH_STEP = 0.05
_STRETCH_QUANTILE = 0.98
_STRETCH_KEPT = 0.8  # of what is above 1, each time that nothing waits any more


class Expectation:
    """How long a request is expected to take: a moving average, for small bodies a request, for large ones a byte."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.small = seconds
        self.per_byte = 0.0

    def of(self, size: int) -> float:
        """Return the seconds that a body of so many bytes will take."""
        return self.small if size <= SMALL_BODY else max(self.small, self.per_byte * size)

    def learn(self, size: int, seconds: float) -> None:
        """Take in how long one took."""
        if size <= SMALL_BODY:
            self.small += (seconds - self.small) * _SHARE
        else:
            known = self.per_byte or seconds / size
            self.per_byte = known + (seconds / size - known) * _SHARE


@dataclass(slots=True)
class Waiting:
    """What is in hand: requests that wait for the worker thread, or that it computes.

    Attributes
    ----------
    requests : int
    seconds : float
        How long the worker will be at them, as each was expected to take.
    stretch : float
        How many times as long it took of late, for all but one in fifty: who is refused takes the worker's time too,
        and so does whatever else runs on its core. The objective is a p99, so the mean would promise too much. It
        belongs to the pressure that it was seen under: each time that nothing waits any more, some of it is forgotten.
    worth_learning_s : float
        From waits that are expected to be shorter nothing is learnt.
    """

    requests: int = 0
    seconds: float = 0.0
    stretch: float = 1.0
    worth_learning_s: float = 0.0

    def enter(self, seconds: float) -> None:
        """Count a request that is expected to take so long."""
        self.requests += 1
        self.seconds += seconds

    def leave(self, seconds: float) -> None:
        """Forget a request that had been counted so."""
        self.requests -= 1
        if self.requests:
            self.seconds -= seconds
        else:
            self.seconds = 0.0
            self.stretch = 1.0 + (self.stretch - 1.0) * _STRETCH_KEPT

    def learn(self, expected: float, took: float) -> None:
        """Take in how long somebody was here who was expected to be here for so long.

        Notes
        -----
        A quantile by stochastic approximation (Robbins and Monro, 1951): a step up for who took longer, a small one
        down for who did not; at rest where one in fifty takes longer.
        """
        if expected < self.worth_learning_s:
            return
        longer = took > expected * self.stretch
        step = _STRETCH_STEP * (_STRETCH_QUANTILE if longer else _STRETCH_QUANTILE - 1)
        self.stretch = min(max(self.stretch + step, 1.0), _MOST_STRETCH)


class Lateness:
    """How far the event loop is behind: what is answered on it has no other queue.

    One pause, a collection of garbage or the host's, makes one look late. What it kept waiting is answered at once, for
    nothing waits before it; only a loop that is late again and again has more to do than it can.

    Attributes
    ----------
    seconds : float
        How late the last two looks came at least; a request that arrives now waits about as long.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last = 0.0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look from now on, again and again, for as long as the loop runs."""
        self._look(loop, loop.time())

    def forget(self) -> None:
        """Begin anew: what held the loop up so far, the model's loading, is over."""
        self.seconds = self._last = 0.0

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        late = max(0.0, now - due)
        self.seconds, self._last = min(self._last, late), late
        loop.call_at(now + _LOOK_S, self._look, loop, now + _LOOK_S)


class Gate:
    """Decides on one request at a time.

    Parameters
    ----------
    limits : Limits
    p99_ms : float
        The latency objective, of which most may be spent in here.
    lateness : Lateness
        Of the event loop: what a request has waited before anybody saw it.
    """

    def __init__(self, limits: Limits, p99_ms: float, lateness: Lateness) -> None:
        self._most = limits.max_inflight
        self._budget_s = (limits.queue_budget_ms or p99_ms * _BUDGET_SHARE) / 1000
        self._lateness = lateness

    def waiting(self) -> Waiting:
        """Return an empty queue, which learns from waits of a length that matters here."""
        return Waiting(worth_learning_s=self._budget_s * _WORTH_LEARNING)

    def check_late(self) -> None:
        """Let a request in that is answered on the event loop, or raise Overloaded while that is too far behind."""
        late_s = self._lateness.seconds
        if late_s > self._budget_s:
            raise Overloaded(
                f"the server is {late_s * 1000:.0f} ms behind, {self._budget_s * 1000:.0f} ms are allowed",
                wait_s=late_s,
            )

    def check(self, waiting: Waiting, seconds: float) -> None:
        """Let a request in that is expected to take so long, or raise Overloaded; an idle server takes any."""
        if waiting.requests >= self._most:
            raise Overloaded(f"{waiting.requests} requests are waiting", wait_s=waiting.seconds)
        wait_s = self._lateness.seconds + waiting.seconds * waiting.stretch
        if waiting.requests and wait_s + seconds * waiting.stretch > self._budget_s:
            raise Overloaded(
                f"the wait would be {wait_s * 1000:.0f} ms, {self._budget_s * 1000:.0f} ms are allowed", wait_s=wait_s
            )


def expires_at(headers: Mapping[bytes, bytes], default_s: float) -> float:
    """Return when the caller's time is over, on the monotonic clock.

    Raises
    ------
    DeadlinePassed
        If it is over already.
    """
    seconds = default_s
    for name in DEADLINES:
        text = headers.get(name)
        if text is not None:
            seconds = min(seconds, _seconds(text))
    if seconds <= 0:
        raise DeadlinePassed
    return time.monotonic() + seconds


def _seconds(text: bytes) -> float:
    """Return milliseconds, as a caller wrote them, in seconds; infinite if they cannot be read."""
    try:
        seconds = float(text) / 1000
    except ValueError:
        return math.inf
    return math.inf if math.isnan(seconds) else seconds
