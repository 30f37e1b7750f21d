"""How disturbed the host was, from several sides (Linux; elsewhere little is known).

Stolen CPU time and the run queue come from /proc. A fixed piece of work is timed while nothing is sent: how much longer
it took at its worst says how much of the processors others had. A thread on each processor sleeps for some milliseconds
and notes when it woke late (Tene's jHiccup): a stretch in which nobody was served, whatever the service did.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

STEAL = 7
TICK_FIELDS = 8
TICK_S = 0.01
PAUSE_S = 0.05
WORK = 20_000
REPEATS = 9
QUEUE_LOOKS = 12
QUEUE_LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class HostSample:
    """CPU ticks since boot (all, and those that the hypervisor took), processes ready to run, 1-minute load."""

    ticks: int
    stolen: int
    running: int
    load: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNoise:
    """What the host went through during a test.

    Attributes
    ----------
    steal_share : float
        A share of all CPU time, 0 to 1.
    running_others : float or None
        Processes of others that were ready to run while nothing was sent, at the median of the worst look.
    calibration_ms : tuple of float
        How long the fixed work took, before, in between and after; each the median of some repeats.
    pauses : tuple of (float, float)
        When a processor served nobody, as seconds on :func:`time.perf_counter`'s clock: beginnings and ends.
    """

    cpus: int
    steal_share: float
    load_before: float
    load_max: float
    running_max: int
    running_others: float | None = None
    calibration_ms: tuple[float, ...] = ()
    pauses: tuple[tuple[float, float], ...] = ()

    @property
    def calibration_spread(self) -> float | None:
        """The longest over the shortest calibration; None if there are not two."""
        return max(self.calibration_ms) / min(self.calibration_ms) if len(self.calibration_ms) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "pauses": len(self.pauses), "calibration_spread": self.calibration_spread}


def parse_sample(stat: str, loadavg: str) -> HostSample:
    r"""Read the text of /proc/stat and /proc/loadavg.

    >>> parse_sample("cpu 10 0 5 80 0 0 1 4 0 0\nprocs_running 3\n", "0.50 0.4 0.3 3/120 99")
    HostSample(ticks=100, stolen=4, running=3, load=0.5)
    """
    lines = {line.split()[0]: line.split()[1:] for line in stat.splitlines() if line.strip()}
    # Guest time (fields 9 and 10) is already part of user time.
    ticks = [int(field) for field in lines["cpu"][:TICK_FIELDS]]
    return HostSample(sum(ticks), ticks[STEAL], int(lines["procs_running"][0]), float(loadavg.split()[0]))


def summarise(samples: list[HostSample]) -> HostNoise | None:
    """Return what happened between the first and the last sample; None if there are not two."""
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    return HostNoise(
        cpus=os.cpu_count() or 1,
        steal_share=(last.stolen - first.stolen) / max(1, last.ticks - first.ticks),
        load_before=first.load,
        load_max=max(s.load for s in samples),
        running_max=max(s.running for s in samples),
    )


def calibrate() -> float:
    """Return how many ms a fixed piece of work takes now, at the median of some repeats; about 10 ms in all."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        total = 0
        for i in range(WORK):
            total += i * i
        times.append((time.perf_counter() - begin) * 1000)
    return median(times)


class HostWatch:
    """Collects samples while a test runs; as a context manager it also notes when processors paused."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._samples: list[HostSample] = []
        self._others: list[float] = []
        self._calibrations: list[float] = []
        self._hiccups = Hiccups()

    def __enter__(self) -> HostWatch:
        """Begin to note pauses."""
        self._hiccups.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note no more."""
        self._hiccups.end()

    def sample(self) -> None:
        """Take one sample; where /proc does not tell, nothing is recorded."""
        sample = self._read()
        if sample is not None:
            self._samples.append(sample)

    def rest(self) -> None:
        """Look at the host while nothing of ours is sent: the run queue, and how long the fixed work takes."""
        self.sample()
        looks = []
        for _ in range(QUEUE_LOOKS):
            sample = self._read()
            if sample is None:
                break
            looks.append(sample.running - 1)  # who reads it runs
            time.sleep(QUEUE_LOOK_S)
        if looks:
            self._others.append(float(median(looks)))
        self._calibrations.append(calibrate())

    def noise(self) -> HostNoise | None:
        """Return what the samples say; None if the host does not tell."""
        found = summarise(self._samples)
        if found is None:
            return None
        return HostNoise(
            cpus=found.cpus,
            steal_share=found.steal_share,
            load_before=found.load_before,
            load_max=found.load_max,
            running_max=found.running_max,
            running_others=max(self._others) if self._others else None,
            calibration_ms=tuple(round(ms, 3) for ms in self._calibrations),
            pauses=merged(self._hiccups.pauses),
        )

    def _read(self) -> HostSample | None:
        try:
            stat, loadavg = (self._proc / name for name in ("stat", "loadavg"))
            return parse_sample(stat.read_text(), loadavg.read_text())
        except (OSError, LookupError, ValueError):
            return None


@dataclass(slots=True)
class Hiccups:
    """A thread on each processor that only sleeps, and notes when it woke more than ``PAUSE_S`` late."""

    pauses: list[tuple[float, float]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """Start the threads."""
        cpus: Sequence[int] = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
        for cpu in cpus:
            self._threads.append(threading.Thread(target=self._sleep, args=(cpu,), daemon=True))
            self._threads[-1].start()

    def end(self) -> None:
        """Stop them."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=1)

    def _sleep(self, cpu: int) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setaffinity(0, {cpu})  # of this thread alone
        last = time.perf_counter()
        while not self._over.is_set():
            time.sleep(TICK_S)
            now = time.perf_counter()
            if now - last > TICK_S + PAUSE_S:
                self.pauses.append((last + TICK_S, now))
            last = now


def merged(pauses: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return pauses in order, those that overlap as one.

    >>> merged([(4.0, 5.0), (1.0, 2.0), (1.5, 3.0)])
    ((1.0, 3.0), (4.0, 5.0))
    """
    found: list[tuple[float, float]] = []
    for begin, end in sorted(pauses):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return tuple(found)
