"""What the routes answer that only tell: liveness, readiness, metadata, metrics, profile. Nothing here knows ASGI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from slipway import __version__
from slipway.serving import tensors
from slipway.serving.config import ServingConfig
from slipway.serving.inference import Pipeline
from slipway.serving.metrics import Metrics, Snapshot
from slipway.serving.profiler import RequestProfiler, merged
from slipway.serving.routes import Route


class Endpoints:
    """One version's descriptions of itself."""

    def __init__(
        self, config: ServingConfig, pipeline: Pipeline, metrics: Metrics, profiler: RequestProfiler | None = None
    ) -> None:
        self._signature = config.signature
        self._subject = config.subject
        self._pipeline = pipeline
        self._metrics = metrics
        self._profiler = profiler or RequestProfiler()

    def describe(self, route: Route, others: Sequence[Snapshot] = ()) -> bytes:
        """Answer a route.

        Parameters
        ----------
        route : Route
        others : sequence
            What :meth:`told` returned in the other processes that share the port.

        Raises
        ------
        NotReady
            For readiness, while the model is loading.
        """
        if route is Route.METRICS:
            return self._metrics.exposition(others)
        return orjson.dumps(self._described(route, others))

    def told(self, route: Route) -> dict[str, Any]:
        """Return what this process alone has to say on METRICS, PROFILE, PROFILE_RESET, PROFILE_TIME or READY."""
        if route is Route.METRICS:
            return self._metrics.snapshot()
        if route is Route.READY:
            return {"ready": self._pipeline.predictor is not None}
        if route in (Route.PROFILE_RESET, Route.PROFILE_TIME):
            self._profiler.reset(only_time=route is Route.PROFILE_TIME)
        return self._profiler.to_json()

    def _described(self, route: Route, others: Sequence[Snapshot]) -> dict[str, Any]:
        if route is Route.LIVE:
            return {"live": True}
        if route is Route.SERVER:
            return {"name": "slipway", "version": __version__, "extensions": [tensors.EXTENSION]}
        if route is Route.MODEL:
            return self._metadata()
        if route in (Route.READY, Route.MODEL_READY):
            self._pipeline.ready()
            return {"ready": True} if route is Route.READY else {"name": self._subject.model, "ready": True}
        return merged([self.told(route), *others])

    def _metadata(self) -> dict[str, Any]:
        output = self._signature.output
        return {
            "name": self._subject.model,
            "versions": [str(self._subject.version)],
            "platform": "mlflow",
            "inputs": [
                {"name": column.name, "datatype": tensors.datatype(column.dtype), "shape": [-1]}
                for column in self._signature.inputs
            ],
            "outputs": [{"name": output.name, "datatype": tensors.datatype(output.dtype), "shape": [-1]}],
        }
