"""What the server counts, as Prometheus metrics.

A request adds to plain numbers (a :class:`Tally`); they become Prometheus' families only when somebody asks. Each
thread that answers requests has a tally of its own, so that none waits for another; several tallies, and those of
other processes that share the port, are summed.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from slipway.core.identity import Subject

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
PHASES = ("decode", "validate", "predict", "encode")
BUCKETS = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025),
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
clock = time.perf_counter

Snapshot = dict[str, Any]
"""One process's numbers as JSON values."""

_AT_ONCE = 512
_OLDEST = "process_start_time_seconds"


class Histogram:
    """Counts of durations, in seconds, by bucket."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Add one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def add(self, counts: Iterable[int], total: float) -> None:
        """Add another's numbers."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, counts, strict=True)]
        self.total += total


class Tally:
    """One thread's counts.

    Attributes
    ----------
    decode, validate, predict, encode, queue : Histogram
        ``queue``: how long requests waited for the worker thread.
    answered : mapping of (route, status) to int
    hits : mapping of (column, policy) to int
        Values that a policy decided on.
    """

    __slots__ = ("_whole", "answered", "decode", "encode", "hits", "predict", "queue", "validate")

    def __init__(self) -> None:
        self.decode, self.validate, self.predict, self.encode = (Histogram() for _ in PHASES)
        self.queue = Histogram()
        self._whole: list[tuple[float, ...]] = []
        self.answered: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.hits: defaultdict[tuple[str, str], int] = defaultdict(int)

    def phases(self, *moments: float) -> None:
        """Add a request that went through all phases: the moments at which they began, and the end."""
        self._whole.append(moments)
        if len(self._whole) >= _AT_ONCE:
            self._digest()

    def _digest(self) -> None:
        """Count the phases of the requests that are only noted yet; many at once cost little each."""
        noted, self._whole = self._whole, []
        if noted:
            seconds = np.diff(np.array(noted), axis=1).T
            for phase, durations in zip(PHASES, seconds, strict=True):
                counts = np.bincount(np.searchsorted(BUCKETS, durations), minlength=len(BUCKETS) + 1)
                getattr(self, phase).add(counts.tolist(), float(durations.sum()))

    def policies_hit(self, hits: Mapping[tuple[str, str], int]) -> None:
        """Count values that a policy decided on."""
        for key, values in hits.items():
            self.hits[key] += values

    def add(self, snapshot: Snapshot) -> None:
        """Add what another tally's :meth:`to_json` returned."""
        for name in (*PHASES, "queue"):
            getattr(self, name).add(*snapshot[name])
        for route, status, count in snapshot["answered"]:
            self.answered[route, status] += count
        for column, policy, count in snapshot["hits"]:
            self.hits[column, policy] += count

    def to_json(self) -> Snapshot:
        """Return it as JSON values. In the thread that counts, or when that one is at rest."""
        self._digest()
        histograms = {name: getattr(self, name) for name in (*PHASES, "queue")}
        return {
            **{name: [list(one.counts), one.total] for name, one in histograms.items()},
            # A copy first: another thread may add a key meanwhile.
            "answered": [[str(route), status, count] for (route, status), count in dict(self.answered).items()],
            "hits": [[*key, count] for key, count in dict(self.hits).items()],
        }


class Metrics:
    """One process's metrics.

    ``slipway_requests_total{route,status}``, ``slipway_phase_seconds{phase}``, ``slipway_queue_seconds``,
    ``slipway_policy_hits_total{column,policy}``, ``slipway_inflight_requests``, ``slipway_workers``,
    ``slipway_prediction_log_{written,lost}_total``, ``slipway_model_info`` and the process's own, with
    ``process_threads`` and ``process_anonymous_memory_bytes``.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._tallies: list[Tally] = []
        self._process = ProcessCollector(registry=None)
        self.in_flight: Callable[[], int] = lambda: 0
        self.log_counts: Callable[[], tuple[int, int]] = lambda: (0, 0)

    def tally(self) -> Tally:
        """Return a new tally that counts from now on."""
        self._tallies.append(Tally())
        return self._tallies[-1]

    def snapshot(self) -> Snapshot:
        """Return this process's numbers."""
        whole = Tally()
        for tally in self._tallies:
            whole.add(tally.to_json())
        samples = [sample for family in self._process.collect() for sample in family.samples]
        return {
            **whole.to_json(),
            "in_flight": self.in_flight(),
            "log": list(self.log_counts()),
            "process": {sample.name: sample.value for sample in samples} | _threads_and_memory(),
        }

    def exposition(self, others: Sequence[Snapshot] = ()) -> bytes:
        """Return the sum of this process's metrics and of others' in Prometheus' text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(self._subject, [self.snapshot(), *others]))
        return generate_latest(registry)


class _Families:
    def __init__(self, subject: Subject, snapshots: Sequence[Snapshot]) -> None:
        self._subject = subject
        self._snapshots = snapshots

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        whole = Tally()
        for snapshot in self._snapshots:
            whole.add(snapshot)
        requests = CounterMetricFamily("slipway_requests", "Requests answered.", labels=("route", "status"))
        for (route, status), count in whole.answered.items():
            requests.add_metric((route, str(status)), count)
        phases = HistogramMetricFamily("slipway_phase_seconds", "Time in each phase.", labels=("phase",))
        for phase in PHASES:
            phases.add_metric((phase,), *_buckets(getattr(whole, phase)))
        queue = HistogramMetricFamily("slipway_queue_seconds", "Time spent waiting for the worker thread.")
        queue.add_metric((), *_buckets(whole.queue))
        hits = CounterMetricFamily("slipway_policy_hits", "Values a policy decided on.", labels=("column", "policy"))
        for key, count in whole.hits.items():
            hits.add_metric(key, count)
        return [requests, phases, queue, hits, *self._plain(), *self._processes()]

    def _plain(self) -> Iterable[Metric]:
        in_flight = sum(snapshot["in_flight"] for snapshot in self._snapshots)
        yield GaugeMetricFamily("slipway_inflight_requests", "Requests in hand.", value=in_flight)
        yield GaugeMetricFamily("slipway_workers", "Processes that share the port.", value=len(self._snapshots))
        written, lost = (sum(snapshot["log"][place] for snapshot in self._snapshots) for place in (0, 1))
        yield CounterMetricFamily("slipway_prediction_log_written", "Requests in the prediction log.", value=written)
        yield CounterMetricFamily("slipway_prediction_log_lost", "Requests that it could not take.", value=lost)
        subject = self._subject
        info = {"model": subject.model, "version": str(subject.version), "artifact": subject.artifact_sha256}
        yield InfoMetricFamily("slipway_model", "The version served.", value=info)

    def _processes(self) -> Iterable[Metric]:
        for name in self._snapshots[0]["process"]:
            values = [snapshot["process"][name] for snapshot in self._snapshots if name in snapshot["process"]]
            value = min(values) if name == _OLDEST else sum(values)
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(name.removesuffix("_total"), "Of the processes together.", value=value)


def _threads_and_memory(status: Path = Path("/proc/self/status")) -> dict[str, float]:
    """Return what Prometheus' own collector leaves out; nothing where the system does not tell.

    Anonymous memory is what belongs to this process alone and counts for a container's limit in any case.
    """
    try:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        anonymous = float(lines["RssAnon"].split()[0]) * 1024
        return {"process_threads": float(lines["Threads"]), "process_anonymous_memory_bytes": anonymous}
    except (OSError, LookupError, ValueError):
        return {}


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    counted, running = [], 0
    for bound, count in zip((*BUCKETS, "+Inf"), histogram.counts, strict=True):
        running += count
        counted.append((bound if isinstance(bound, str) else repr(bound), float(running)))
    return counted, histogram.total
