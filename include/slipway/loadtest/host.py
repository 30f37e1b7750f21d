"""How disturbed the host was: stolen CPU time and the run queue, from /proc (Linux; elsewhere nothing is known)."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STEAL = 7
TICK_FIELDS = 8


@dataclass(frozen=True, slots=True)
class HostSample:
    """CPU ticks since boot (all, and those that the hypervisor took), processes ready to run, 1-minute load."""

    ticks: int
    stolen: int
    running: int
    load: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNoise:
    """What the host went through during a test; ``steal_share`` is a share of all CPU time, 0 to 1."""

    cpus: int
    steal_share: float
    load_before: float
    load_max: float
    running_max: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


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


class HostWatch:
    """Collects samples while a test runs."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._samples: list[HostSample] = []

    def sample(self) -> None:
        """Take one sample; where /proc does not tell, nothing is recorded."""
        try:
            stat, loadavg = (self._proc / name for name in ("stat", "loadavg"))
            self._samples.append(parse_sample(stat.read_text(), loadavg.read_text()))
        except (OSError, LookupError, ValueError):
            return

    def noise(self) -> HostNoise | None:
        """Return what the samples say; None if the host does not tell."""
        return summarise(self._samples)
