"""The worker thread: turns, deadlines, and calls of the model that several requests share."""

import asyncio
import threading
import time

import numpy as np
import pytest

from slipway.core.identity import Subject
from slipway.core.serving_options import ServingOptions
from slipway.core.signature import Column, DType, Output, Signature
from slipway.serving.admission import Gate, Lateness
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.faults import Malformed, ModelCrashed, Overloaded, RowsRejected
from slipway.serving.inference import Inference, Pipeline
from slipway.serving.metrics import Tally
from slipway.serving.pool import Pool
from slipway.serving.predictor import Predictor
from slipway.serving.routes import Route

SIGNATURE = Signature(inputs=(Column(name="x", dtype=DType.FLOAT, max=100.0),), output=Output(name="y"))
CONFIG = ServingConfig(
    subject=Subject(model="pool", version=1, artifact_sha256="sha256:" + "0" * 64), signature=SIGNATURE
)
POISON = 66.0
LATER = time.monotonic() + 10_000


class Model:
    """Doubles its rows; waits at the first call until it is let go; crashes on a poisoned batch."""

    def __init__(self) -> None:
        self.calls: list[list[float]] = []
        self.go = threading.Event()

    def __call__(self, matrix):
        if not self.calls:
            self.calls.append([])
            assert self.go.wait(20)
        self.calls.append(matrix[:, 0].tolist())
        if POISON in matrix:
            raise ValueError("poisoned")
        return matrix[:, 0] * 2


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def tally():
    return Tally()


@pytest.fixture
def ask(model, tally):
    """A function that sends bodies while the worker is busy with another, and returns what each of them got."""
    started = []

    def ask(bodies, *, limits=None, p99_ms=1e9, **options):
        pipeline = Pipeline(CONFIG, limits or Limits())
        pipeline.predictor = Predictor("test", lambda columns: model(columns["x"][:, None]), SIGNATURE.output, model)
        gate = Gate(limits or Limits(), p99_ms, Lateness())
        pool = Pool(pipeline, tally, gate, options=ServingOptions(**options))
        started.append(pool)

        async def all_at_once():
            first = asyncio.create_task(pool.infer(Inference(Route.INVOCATIONS, b'{"instances": [[0]]}'), LATER))
            while not model.calls:
                await asyncio.sleep(0.001)
            others = [asyncio.create_task(pool.infer(Inference(Route.INVOCATIONS, body), LATER)) for body in bodies]
            await asyncio.sleep(0.02)
            model.go.set()
            await first
            return await asyncio.gather(*others, return_exceptions=True)

        got = asyncio.run(all_at_once())
        assert pool.waiting.requests == 0
        return [one if isinstance(one, Exception) else one.body for one in got]

    yield ask
    for pool in started:
        pool.close()


def rows(*values):
    return b'{"instances": [%b]}' % b", ".join(b"[%g]" % value for value in values)


def answers(*values):
    return b'{"predictions":[%b]}' % b",".join(b"%.1f" % value for value in values)


def test_waiting_requests_share_a_call_and_each_gets_its_own_answers(ask, model, tally):
    assert ask([rows(1), rows(2, 3), rows(4)], batch_rows=8) == [answers(2), answers(4, 6), answers(8)]
    assert model.calls[1:] == [[0.0], [1.0, 2.0, 3.0, 4.0]]
    assert sum(tally.predict.counts) == sum(tally.encode.counts) == sum(tally.queue.counts) == 4


def test_a_batch_is_no_larger_than_it_may_be_and_nobody_is_left_out(ask, model):
    assert ask([rows(1), rows(2, 3), rows(4, 5, 6, 7)], batch_rows=3) == [
        answers(2),
        answers(4, 6),
        answers(8, 10, 12, 14),
    ]
    assert model.calls[1:] == [[0.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]


def test_each_request_is_a_call_of_its_own_unless_batches_are_asked_for(ask, model):
    assert ask([rows(1), rows(2)]) == [answers(2), answers(4)]
    assert model.calls[1:] == [[0.0], [1.0], [2.0]]


def test_one_that_makes_the_model_fail_spoils_no_other(ask, model):
    good, bad, other = ask([rows(1), rows(POISON), rows(2)], batch_rows=8)
    assert (good, other) == (answers(2), answers(4))
    assert isinstance(bad, ModelCrashed)
    assert model.calls[2:] == [[1.0, POISON, 2.0], [1.0], [POISON], [2.0]]


def test_one_that_is_rejected_or_takes_the_general_way_does_not_hold_up_the_batch(ask, model):
    got = ask([rows(1), rows(101), b"{", b'{"inputs": {"x": [5], "x": [7]}}', rows(2)], batch_rows=8)
    assert (got[0], got[3], got[4]) == (answers(2), answers(14), answers(4))
    assert isinstance(got[1], RowsRejected)
    assert isinstance(got[2], Malformed)


def test_a_lone_request_waits_for_company_and_is_answered_without(ask, model):
    assert ask([rows(1)], batch_rows=8, batch_wait_ms=30) == [answers(2)]


def test_beyond_the_expected_wait_requests_are_refused(ask):
    got = ask([rows(value) for value in range(1, 6)], limits=Limits(max_inflight=3))
    assert got[:2] == [answers(2), answers(4)]
    assert [type(one) for one in got[2:]] == [Overloaded] * 3


def test_the_matrix_is_contiguous_and_of_doubles(ask, model):
    kinds = []
    inner = Model.__call__

    class Looking(Model):
        def __call__(self, matrix):
            kinds.append((matrix.dtype, matrix.flags.c_contiguous))
            return inner(self, matrix)

    model.__class__ = Looking
    ask([rows(1), rows(2)], batch_rows=4)
    assert set(kinds) == {(np.dtype(np.float64), True)}
