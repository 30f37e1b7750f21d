"""From a request's bytes to its answer's: decode, validate, predict, encode. Nothing here knows ASGI or threads.

The steps before and after the model's call are apart, so that several requests can share one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson
from numpy.typing import NDArray

from slipway.serving import codec, tensors
from slipway.serving.bodies import Body
from slipway.serving.codec import Table
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.fastlane import FastLane, Matrix, Scratch, Tensors
from slipway.serving.faults import NotReady, RowsRejected
from slipway.serving.metrics import Tally, clock
from slipway.serving.opening import SplitOpening
from slipway.serving.policies import Batch, Flag, Policies
from slipway.serving.predictor import Predictor
from slipway.serving.routes import Route
from slipway.serving.tensors import Opened

_NOTHING = memoryview(b"")


@dataclass(slots=True)
class Inference:
    """A request for predictions, as it came.

    Attributes
    ----------
    route : Route
        INFER or INVOCATIONS.
    body : bytes or memoryview
    request_id : bytes
    json_bytes : int or None
        How many bytes of the body are JSON, if binary data follows.
    """

    route: Route
    body: Body
    request_id: bytes = b""
    json_bytes: int | None = None


class Answer(NamedTuple):
    """An answer's body, and how many bytes of it are JSON if binary data follows."""

    body: bytes
    json_bytes: int | None = None


@dataclass(slots=True)
class Prepared:
    """A request whose rows the signature admits.

    Attributes
    ----------
    request : Inference
    matrix : array of shape (rows, inputs) or None
        The rows, if they are clean numbers and the model takes them so; otherwise ``columns`` has them.
    columns : mapping of str to array
    flags : tuple of Flag
    sent : Table or None
        The rows as they were sent; None: the matrix says it.
    caller_id : str or None
        The ``id`` of a v2 request.
    binary : bool
        Whether the answer is to be binary data.
    """

    request: Inference
    matrix: Matrix | None
    columns: Mapping[str, NDArray[Any]] | None = None
    flags: tuple[Flag, ...] = ()
    sent: Table | None = None
    caller_id: str | None = None
    binary: bool = False

    @property
    def rows_sent(self) -> Matrix | Table:
        """The rows as they were sent."""
        found = self.sent if self.matrix is None else self.matrix
        assert found is not None, "either the matrix or the table is there"
        return found


class Log(Protocol):
    """Takes what was answered; never blocks, never raises."""

    def record(
        self,
        request_id: bytes,
        sent: Matrix | Table,
        answers: NDArray[Any],
        flags: Sequence[Flag] = (),
    ) -> None:
        """Take one answered request: its rows as they were sent, and what was answered."""
        ...


class Pipeline:
    """One version's way of answering.

    Attributes
    ----------
    predictor : Predictor or None
        None until the model is loaded and warm.
    """

    def __init__(
        self, config: ServingConfig, limits: Limits, tally: Tally | None = None, *, log: Log | None = None
    ) -> None:
        self._config = config
        self._signature = config.signature
        self._limits = limits
        self._tally = tally or Tally()  # of the event loop, for `quick`
        self._log = log
        self._policies = Policies(config.signature)
        self._predictor: Predictor | None = None
        self._fast: FastLane | None = None
        self._opening = SplitOpening(config.signature.names)
        self._scratch = Scratch(len(config.signature.inputs))  # of the event loop, as well

    @property
    def predictor(self) -> Predictor | None:
        """The model, when it is there."""
        return self._predictor

    @predictor.setter
    def predictor(self, predictor: Predictor) -> None:
        if FastLane.takes(self._signature) and predictor.takes_matrix:
            self._fast = FastLane(self._signature, self._limits)
        self._predictor = predictor

    def quick(self, route: Route, body: bytes, request_id: bytes) -> bytes | None:
        """Answer a request of clean rows in one go, as :meth:`infer` would; None: ask that.

        On the event loop only. Raises ModelCrashed, ModelAnsweredNonsense, RowsRejected.
        """
        fast, predictor = self._fast, self._predictor
        if fast is None or predictor is None:
            return None
        started = clock()
        read = None
        if route is Route.INVOCATIONS:
            matrix = self._read_quickly(fast, body)
        else:
            read = self._read_tensors(fast, body)
            matrix = None if read is None or read.binary else read.matrix
        if matrix is None:
            return None
        decoded = clock()
        matrix = fast.admits(matrix, self._scratch)
        if matrix is None:
            return None
        validated = clock()
        answers = predictor.predict_matrix(matrix)
        predicted = clock()
        encoded = self._plainly(answers, read)
        self._tally.phases(started, decoded, validated, predicted, clock())
        if self._log is not None:
            self._log.record(request_id, matrix, answers)
        return encoded

    def infer(self, request: Inference, tally: Tally) -> Answer:
        """Answer a request.

        Raises
        ------
        Malformed, TooLarge, RowsRejected, NotReady, ModelCrashed, ModelAnsweredNonsense
        """
        prepared = self.prepare(request, tally)
        return self.finish(prepared, self.predict(prepared, tally), tally)

    def prepare(self, request: Inference, tally: Tally) -> Prepared:
        """Decode and validate. Raises Malformed, TooLarge, RowsRejected, NotReady."""
        self.ready()
        started = clock()
        opened = None
        try:
            opened = tensors.open_body(request.body, request.json_bytes)
            found = self._clean(request, opened, started, tally) if self._fast is not None else None
            if found is not None:
                return found
            table = self._table(request, opened)
        except Exception:
            tally.decode.observe(clock() - started)
            raise
        decoded = clock()
        tally.decode.observe(decoded - started)
        try:
            batch = self._judged(table, tally)
        finally:
            tally.validate.observe(clock() - decoded)
        return Prepared(request, None, batch.columns, batch.flags, table, table.request_id, table.binary)

    def predict(self, prepared: Prepared, tally: Tally) -> NDArray[Any]:
        """Call the model. Raises ModelCrashed, ModelAnsweredNonsense, RowsRejected."""
        predictor = self.ready()
        started = clock()
        try:
            if prepared.matrix is not None:
                return predictor.predict_matrix(prepared.matrix)
            return predictor.predict(prepared.columns or {})
        finally:
            tally.predict.observe(clock() - started)

    def predict_shared(self, matrix: Matrix, tally: Tally, *, requests: int) -> NDArray[Any]:
        """Call the model once for the rows of several requests. Raises as :meth:`predict` does."""
        predictor = self.ready()
        started = clock()
        answers = predictor.predict_matrix(matrix)
        seconds = clock() - started
        for _ in range(requests):
            tally.predict.observe(seconds)
        return answers

    def finish(self, prepared: Prepared, answers: NDArray[Any], tally: Tally) -> Answer:
        """Encode the answers, and log them."""
        started = clock()
        answer = self._encoded(prepared, answers)
        tally.encode.observe(clock() - started)
        if self._log is not None:
            self._log.record(prepared.request.request_id, prepared.rows_sent, answers, prepared.flags)
        return answer

    def ready(self) -> Predictor:
        """Return the model; NotReady before it is loaded."""
        if self._predictor is None:
            raise NotReady
        return self._predictor

    def _clean(self, request: Inference, opened: Opened, started: float, tally: Tally) -> Prepared | None:
        assert self._fast is not None
        read: Tensors | None = None
        if request.route is Route.INVOCATIONS:
            matrix = self._fast.invocations(opened[0])
        else:
            read = self._fast.infer(opened)
            matrix = None if read is None else read.matrix
        if matrix is None:
            return None
        decoded = clock()
        matrix = self._fast.admits(matrix)
        if matrix is None:
            return None
        tally.decode.observe(decoded - started)
        tally.validate.observe(clock() - decoded)
        if read is None:
            return Prepared(request, matrix)
        return Prepared(request, matrix, caller_id=read.request_id, binary=read.binary)

    def _table(self, request: Inference, opened: Opened) -> Table:
        if request.route is Route.INFER:
            return tensors.read_infer(opened, self._signature, self._limits)
        return codec.read_invocations(opened[0], self._signature, self._limits)

    def _judged(self, table: Table, tally: Tally) -> Batch:
        try:
            batch = self._policies.apply(table)
        except RowsRejected as error:
            tally.policies_hit(error.hits)
            raise
        tally.policies_hit(batch.hits)
        return batch

    def _read_quickly(self, fast: FastLane, body: bytes) -> Matrix | None:
        data = self._opening.data(body)
        if data is not None:
            return fast.table(data)
        try:
            return fast.invocations(orjson.loads(body))
        except orjson.JSONDecodeError:
            return None

    def _read_tensors(self, fast: FastLane, body: bytes) -> Tensors | None:
        try:
            return fast.infer((orjson.loads(body), _NOTHING))
        except orjson.JSONDecodeError:
            return None

    def _plainly(self, answers: NDArray[Any], read: Tensors | None) -> bytes:
        if read is None:
            return orjson.dumps({"predictions": codec.plain(answers)}, option=orjson.OPT_SERIALIZE_NUMPY)
        return self._infer_answer(answers, (), request_id=read.request_id)[0]

    def _encoded(self, prepared: Prepared, answers: NDArray[Any]) -> Answer:
        flags = [flag.to_json() for flag in prepared.flags]
        if prepared.request.route is Route.INVOCATIONS:
            return Answer(codec.encode_invocations(answers, flags))
        answer = self._infer_answer(answers, flags, request_id=prepared.caller_id, binary=prepared.binary)
        return Answer(*answer)

    def _infer_answer(
        self,
        answers: NDArray[Any],
        flags: Sequence[Mapping[str, Any]],
        *,
        request_id: str | None,
        binary: bool = False,
    ) -> tuple[bytes, int | None]:
        subject = self._config.subject
        return tensors.encode_infer(
            answers,
            flags,
            signature=self._signature,
            model=subject.model,
            version=subject.version,
            request_id=request_id,
            binary=binary,
        )
