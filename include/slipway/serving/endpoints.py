"""What each route answers: decode, delegate, encode. Bytes in, bytes out; nothing here knows ASGI."""

from __future__ import annotations

from typing import Any

import orjson

from slipway import __version__
from slipway.serving import codec
from slipway.serving.codec import Table
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.faults import NotReady, RowsRejected
from slipway.serving.metrics import Metrics
from slipway.serving.policies import Batch, Policies
from slipway.serving.predictor import Predictor
from slipway.serving.profiler import RequestProfiler
from slipway.serving.routes import Route


class Endpoints:
    """One version's answers.

    Attributes
    ----------
    predictor : Predictor or None
        None until the model is loaded and warm.
    """

    def __init__(
        self, config: ServingConfig, limits: Limits, metrics: Metrics, profiler: RequestProfiler | None = None
    ) -> None:
        self.predictor: Predictor | None = None
        self._signature = config.signature
        self._subject = config.subject
        self._limits = limits
        self._metrics = metrics
        self._profiler = profiler
        self._policies = Policies(config.signature)

    def infer(self, route: Route, body: bytes) -> bytes:
        """Answer an inference request, in either protocol.

        Raises
        ------
        Malformed, TooLarge, RowsRejected, NotReady, ModelCrashed, ModelAnsweredNonsense
        """
        handle = self._open_inference if route is Route.INFER else self._invocations
        if self._profiler is None:
            return handle(body)
        answer: bytes = self._profiler.run(lambda: handle(body))
        return answer

    def describe(self, route: Route) -> bytes:
        """Answer the routes that only tell: liveness, readiness, metadata, metrics, profile.

        Raises
        ------
        NotReady
            For readiness, while the model is loading.
        """
        if route is Route.METRICS:
            return self._metrics.exposition()
        return orjson.dumps(self._described(route))

    def _described(self, route: Route) -> dict[str, Any]:
        if route is Route.LIVE:
            return {"live": True}
        if route is Route.SERVER:
            return {"name": "slipway", "version": __version__, "extensions": []}
        if route is Route.MODEL:
            return self._metadata()
        if route in (Route.READY, Route.MODEL_READY):
            self._ready()
            return {"ready": True} if route is Route.READY else {"name": self._subject.model, "ready": True}
        profiler = self._profiler or RequestProfiler()
        if route is Route.PROFILE_RESET:
            profiler.reset()
        return profiler.to_json()

    def _metadata(self) -> dict[str, Any]:
        output = self._signature.output
        return {
            "name": self._subject.model,
            "versions": [str(self._subject.version)],
            "platform": "mlflow",
            "inputs": [
                {"name": column.name, "datatype": codec.datatype(column.dtype), "shape": [-1]}
                for column in self._signature.inputs
            ],
            "outputs": [{"name": output.name, "datatype": codec.datatype(output.dtype), "shape": [-1]}],
        }

    def _invocations(self, body: bytes) -> bytes:
        predictor = self._ready()
        with self._metrics.phase("decode"):
            table = codec.decode_invocations(body, self._signature, self._limits)
        batch = self._validated(table)
        with self._metrics.phase("predict"):
            answers = predictor.predict(batch.columns)
        with self._metrics.phase("encode"):
            return codec.encode_invocations(answers, [flag.to_json() for flag in batch.flags])

    def _open_inference(self, body: bytes) -> bytes:
        predictor = self._ready()
        with self._metrics.phase("decode"):
            table = codec.decode_infer(body, self._signature, self._limits)
        batch = self._validated(table)
        with self._metrics.phase("predict"):
            answers = predictor.predict(batch.columns)
        with self._metrics.phase("encode"):
            return codec.encode_infer(
                answers,
                [flag.to_json() for flag in batch.flags],
                signature=self._signature,
                model=self._subject.model,
                version=self._subject.version,
                request_id=table.request_id,
            )

    def _validated(self, table: Table) -> Batch:
        with self._metrics.phase("validate"):
            try:
                batch = self._policies.apply(table)
            except RowsRejected as error:
                self._metrics.policies_hit(error.hits)
                raise
            self._metrics.policies_hit(batch.hits)
            return batch

    def _ready(self) -> Predictor:
        if self.predictor is None:
            raise NotReady
        return self.predictor
