"""What the server counts, as Prometheus metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from slipway.core.identity import Subject

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
PHASES = ("decode", "validate", "predict", "encode")
_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One server's metrics, in a registry of their own.

    ``slipway_requests_total{route,status}``, ``slipway_phase_seconds{phase}``,
    ``slipway_policy_hits_total{column,policy}``, ``slipway_inflight_requests``, ``slipway_model_info`` and the
    process's own.
    """

    def __init__(self, subject: Subject) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("slipway_requests", "Requests answered.", ("route", "status"), registry=self._registry)
        phases = Histogram(
            "slipway_phase_seconds", "Time in each phase.", ("phase",), buckets=_BUCKETS, registry=self._registry
        )
        self._phases = {phase: phases.labels(phase) for phase in PHASES}
        self._hits = Counter(
            "slipway_policy_hits", "Values a policy decided on.", ("column", "policy"), registry=self._registry
        )
        self._inflight = Gauge("slipway_inflight_requests", "Requests in hand.", registry=self._registry)
        Info("slipway_model", "The version served.", registry=self._registry).info(
            {"model": subject.model, "version": str(subject.version), "artifact": subject.artifact_sha256}
        )
        ProcessCollector(registry=self._registry)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one phase of a request, whether it ends well or not."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._phases[name].observe(time.perf_counter() - started)

    def answered(self, route: str, status: int) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()

    def policies_hit(self, hits: Mapping[tuple[str, str], int]) -> None:
        """Count values that a policy decided on."""
        for (column, policy), values in hits.items():
            self._hits.labels(column, policy).inc(values)

    def in_hand(self, requests: int) -> None:
        """Record how many requests are being answered or wait for it."""
        self._inflight.set(requests)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
