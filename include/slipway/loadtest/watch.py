"""What the service uses while it is loaded: memory, descriptors and threads, from its own ``/metrics``.

Any answer that is no metrics is no sample; what was not sampled is not known, and the judge says so.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

from slipway.loadtest.growth import Growth, Point, growth_of
from slipway.loadtest.samples import REFUSALS

TIMEOUT_S = 2.0
SLOW_S, FAST_S = 1.0, 0.1
MAX_POINTS = 120
MIB = 2**20
MAX_BODY = 4 << 20

MEMORY, DESCRIPTORS, THREADS = "memory", "descriptors", "threads"
# What allocators, buffers and pools may add by themselves in the later half of a test.
FLOORS = {MEMORY: 8.0, DESCRIPTORS: 8.0, THREADS: 8.0}
MAX_DESCRIPTORS, MAX_THREADS = 65_536.0, 256.0  # no system should need more; a container has no more
# Memory that belongs to nobody else where the service tells it, else all that is resident.
_ANONYMOUS, _RESIDENT = "process_anonymous_memory_bytes", "process_resident_memory_bytes"
_PLAIN = {"process_open_fds": DESCRIPTORS, "process_threads": THREADS}
_MAX_FDS, _WORKERS = "process_max_fds", "slipway_workers"
_REQUESTS = "slipway_requests_total"
_ROUTE = 'route="invocations"'
_REFUSED = tuple(f'status="{status}"' for status in REFUSALS)  # they did no work, and left nothing behind


class Sample(NamedTuple):
    """What a service said at a moment of :func:`time.perf_counter`: requests answered, and what it used."""

    at: float
    requests: float
    used: Mapping[str, float]
    max_descriptors: float | None


def parse(text: str, at: float) -> Sample | None:
    r"""Return what a page of metrics says; None if it does not count requests.

    >>> page = 'slipway_requests_total{route="invocations",status="200"} 7\nprocess_open_fds 12\nprocess_max_fds 1024'
    >>> parse(page, 0.5)
    Sample(at=0.5, requests=7.0, used={'descriptors': 12.0}, max_descriptors=1024.0)
    """
    requests, seen = None, {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if not name or line.startswith("#"):
            continue
        with contextlib.suppress(ValueError):
            if name.startswith(_REQUESTS) and _ROUTE in name:
                requests = (requests or 0.0) + (0.0 if any(one in name for one in _REFUSED) else float(value))
            elif name in (_ANONYMOUS, _RESIDENT, _MAX_FDS, _WORKERS, *_PLAIN):
                seen[name] = float(value)
    if requests is None:
        return None
    used = {ours: seen[name] for name, ours in _PLAIN.items() if name in seen}
    memory = seen.get(_ANONYMOUS, seen.get(_RESIDENT))
    if memory is not None:
        used[MEMORY] = memory / MIB
    return Sample(at, requests, used, seen.get(_MAX_FDS))


class ServiceWatch:
    """Samples a service in a thread; use it as a context manager.

    Parameters
    ----------
    url : str
        Base address of the service.
    on_sample : callable
        Gets each sample, in the watching thread.
    """

    def __init__(self, url: str, *, on_sample: Callable[[Sample], None] = lambda _sample: None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._on_sample = on_sample
        self._every = SLOW_S
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> ServiceWatch:
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take a last sample and end."""
        self._ended = True
        self._wake.set()
        self._thread.join(timeout=2 * TIMEOUT_S)

    @contextlib.contextmanager
    def closely(self) -> Iterator[None]:
        """Sample ten times as often for the length of a block."""
        self._every = FAST_S
        self._wake.set()
        try:
            yield
        finally:
            self._every = SLOW_S

    def points(self, resource: str, *, zero: float) -> list[Point]:
        """Return a resource over the requests answered, at most ``MAX_POINTS``; times count from ``zero``."""
        found = [
            Point(sample.requests, sample.used[resource], sample.at - zero)
            for sample in list(self.samples)
            if resource in sample.used
        ]
        step = -(-len(found) // MAX_POINTS)
        return found[::-1][::step][::-1] if step > 1 else found

    def growths(self, *, rate_per_s: float, memory_mb: float) -> dict[str, Growth]:
        """Return what grew so far, by resource; limits are the declared one, the system's, and a container's."""
        allowed = [sample.max_descriptors for sample in self.samples if sample.max_descriptors]
        limits = {MEMORY: memory_mb, DESCRIPTORS: min([*allowed, MAX_DESCRIPTORS]), THREADS: MAX_THREADS}
        return {
            name: growth_of(self.points(name, zero=0.0), limit=limit, floor=FLOORS[name], rate_per_s=rate_per_s)
            for name, limit in limits.items()
        }

    def peak_memory_mb(self) -> float | None:
        """Return the most memory that was seen, in MiB; None if none was."""
        return max((sample.used[MEMORY] for sample in self.samples if MEMORY in sample.used), default=None)

    def _watch(self) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        while True:
            ended = self._ended
            sample = self._ask(connection)
            if sample is not None:
                self.samples.append(sample)
                self._on_sample(sample)
            if ended:
                break
            self._wake.wait(self._every)
            self._wake.clear()
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> Sample | None:
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            body = response.read(MAX_BODY)
            return parse(body.decode("utf-8", "replace"), time.perf_counter()) if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            connection.close()  # it opens again with the next request
            return None
