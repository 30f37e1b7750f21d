"""The most memory that processes had, as the kernel counted it."""

from __future__ import annotations

from pathlib import Path

import psutil


def peak_mb(process: psutil.Process) -> float:
    """Return the most memory that a process and its children had each since they began, added up, in MiB.

    It is the kernel's count for the program that runs; ``ru_maxrss`` has that of the parent in it, from before.
    """
    return sum(_high_water_kb(one.pid) for one in [process, *process.children(recursive=True)]) / 1024


def _high_water_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
