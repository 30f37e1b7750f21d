"""One worker thread that computes what waits for it, so that the event loop stays free.

Waiting requests whose rows are clean matrices share a call of the model, up to ``batch_rows`` of them. If such a call
fails, each request is computed by itself: one never spoils another's answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.serving_options import ServingOptions
from slipway.serving.admission import Expectation, Gate
from slipway.serving.faults import DeadlinePassed
from slipway.serving.inference import Answer, Inference, Pipeline, Prepared
from slipway.serving.metrics import Tally

Handle = Callable[[Callable[[], Answer]], Answer]
Outcome = tuple[Any, BaseException | None]


@dataclass(slots=True, eq=False)
class _Job:
    work: Inference | Callable[[], Any]
    future: asyncio.Future[Any]
    expires: float
    expected: float
    queued: float
    started: bool = False

    @property
    def size(self) -> int:
        return len(self.work.body) if isinstance(self.work, Inference) else 0


class Pool:
    """The worker thread, and what waits for it.

    Parameters
    ----------
    pipeline : Pipeline
    tally : Tally
        Counted in by the worker thread alone.
    gate : Gate
    options : ServingOptions
        ``batch_rows`` and ``batch_wait_ms`` are used.
    around : callable, optional
        Is given each request's handling to call (a profiler); requests are not batched then.
    """

    def __init__(
        self, pipeline: Pipeline, tally: Tally, gate: Gate, *, options: ServingOptions, around: Handle | None = None
    ) -> None:
        self.expectation = Expectation()
        self.waiting = gate.waiting()
        self._pipeline = pipeline
        self._tally = tally
        self._gate = gate
        self._rows = 1 if around else options.batch_rows
        self._wait_s = options.batch_wait_ms / 1000
        self._around: Handle = around or (lambda handle: handle())
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._held: tuple[_Job, Prepared] | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="predict", daemon=True)
        self._thread.start()

    async def infer(self, request: Inference, expires: float) -> Answer:
        """Answer a request in its turn.

        Raises
        ------
        Overloaded
            If it would wait too long; it has not been queued then.
        DeadlinePassed
            If ``expires`` (monotonic) came before its turn.
        """
        expected = self.expectation.of(len(request.body))
        self._gate.check(self.waiting, expected)
        loop = asyncio.get_running_loop()
        job = _Job(request, loop.create_future(), expires, expected, time.monotonic())
        here_for = self.waiting.seconds + expected
        self.waiting.enter(expected)
        alarm = loop.call_later(max(0.0, expires - job.queued), _give_up, job)
        self._queue.put(job)
        try:
            answer: Answer = await job.future
            self.waiting.learn(here_for, time.monotonic() - job.queued)
            return answer
        finally:
            alarm.cancel()
            self.waiting.leave(expected)

    async def call(self, work: Callable[[], Any]) -> Any:
        """Return what ``work`` returns, called in the worker thread."""
        job = _Job(work, asyncio.get_running_loop().create_future(), float("inf"), 0.0, time.monotonic())
        self._queue.put(job)
        return await job.future

    def close(self) -> None:
        """End the thread after what it is at, without waiting for it."""
        self._queue.put(None)

    def _work(self) -> None:
        while not self._ended:
            if self._held is not None:
                held, self._held = self._held, None
                self._serve_together([held])
                continue
            job = self._queue.get()
            if job is None:
                return
            if isinstance(job.work, Inference):
                self._serve(job, job.work)
            else:
                _deliver([(job, *_outcome(job.work))])

    def _serve(self, job: _Job, request: Inference) -> None:
        if not self._begin(job):
            return
        if self._rows > 1:
            ready = self._prepared(job, request)
            if ready is not None:
                self._serve_together([(job, ready)])
            return
        started = time.perf_counter()
        outcome = _outcome(partial(self._around, partial(self._pipeline.infer, request, self._tally)))
        self.expectation.learn(job.size, time.perf_counter() - started)
        _deliver([(job, *outcome)])

    def _begin(self, job: _Job) -> bool:
        """Tell whether somebody still waits for a job, and that its turn has come."""
        now = time.monotonic()
        self._tally.queue.observe(now - job.queued)
        if job.future.done() or now >= job.expires:
            _deliver([(job, None, DeadlinePassed())])
            return False
        job.started = True
        return True

    def _prepared(self, job: _Job, request: Inference) -> Prepared | None:
        """Return a request that can share a call; any other is answered."""
        started = time.perf_counter()
        prepared, error = _outcome(partial(self._pipeline.prepare, request, self._tally))
        if error is None and prepared.matrix is not None:
            return prepared  # type: ignore[no-any-return]
        answer = None
        if error is None:
            answer, error = _outcome(partial(self._alone, prepared))
        self.expectation.learn(job.size, time.perf_counter() - started)
        _deliver([(job, answer, error)])
        return None

    def _alone(self, prepared: Prepared) -> Answer:
        return self._pipeline.finish(prepared, self._pipeline.predict(prepared, self._tally), self._tally)

    def _serve_together(self, batch: list[tuple[_Job, Prepared]]) -> None:
        started = time.perf_counter()
        self._gather(batch)
        waited = time.perf_counter() - started if len(batch) == 1 else 0.0
        outcomes = self._together([prepared for _, prepared in batch])
        each = (time.perf_counter() - started - waited) / len(batch)
        for job, _ in batch:
            self.expectation.learn(job.size, each)
        _deliver([(job, *outcome) for (job, _), outcome in zip(batch, outcomes, strict=True)])

    def _gather(self, batch: list[tuple[_Job, Prepared]]) -> None:
        """Add what waits, or comes in time, until the batch is full; what does not fit is held for the next."""
        rows = _rows(batch[0][1])
        until = time.monotonic() + self._wait_s
        while rows < self._rows:
            try:
                left = until - time.monotonic()
                job = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except Empty:
                return
            if job is None:
                self._ended = True
                return
            if not isinstance(job.work, Inference):
                _deliver([(job, *_outcome(job.work))])
                continue
            prepared = self._prepared(job, job.work) if self._begin(job) else None
            if prepared is None:
                continue
            rows += _rows(prepared)
            if rows > self._rows:
                self._held = job, prepared
                return
            batch.append((job, prepared))

    def _together(self, prepared: Sequence[Prepared]) -> list[Outcome]:
        answers = self._one_call(prepared) if len(prepared) > 1 else None
        if answers is None:
            return [_outcome(partial(self._alone, one)) for one in prepared]
        return [
            _outcome(partial(self._pipeline.finish, one, own, self._tally))
            for one, own in zip(prepared, answers, strict=True)
        ]

    def _one_call(self, prepared: Sequence[Prepared]) -> list[NDArray[Any]] | None:
        """Return each request's answers out of one call of the model; None if that failed."""
        ends = np.cumsum([_rows(one) for one in prepared])
        matrix = np.concatenate([one.matrix for one in prepared if one.matrix is not None])
        answers, error = _outcome(partial(self._pipeline.predict_shared, matrix, self._tally, requests=len(prepared)))
        return None if error else np.split(answers, ends[:-1])


def _rows(prepared: Prepared) -> int:
    return 0 if prepared.matrix is None else len(prepared.matrix)


def _outcome(work: Callable[[], Any]) -> Outcome:
    try:
        return work(), None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a model's own code may raise anything
        return None, error


def _give_up(job: _Job) -> None:
    if not job.started and not job.future.done():
        job.future.set_exception(DeadlinePassed())


def _deliver(outcomes: Sequence[tuple[_Job, Any, BaseException | None]]) -> None:
    loop = outcomes[0][0].future.get_loop()
    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
        loop.call_soon_threadsafe(_settle, outcomes)


def _settle(outcomes: Sequence[tuple[_Job, Any, BaseException | None]]) -> None:
    for job, answer, error in outcomes:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(answer)
        else:
            job.future.set_exception(error)
