"""Profile mode: every inference request's handling under one cProfile, or timed without it, readable as JSON."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

_Place = tuple[str, int, str]
_OF_CALLER = ("ncalls", "tottime", "cumtime")
_SUMMED = ("primitive_calls", *_OF_CALLER)


class RequestProfiler:
    """Collects calls; used by one thread at a time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self, *, only_time: bool = False) -> None:
        """Forget everything collected; from now on profile, or take the time alone, without a profiler's cost."""
        self._profile = None if only_time else cProfile.Profile()
        self._requests = 0
        self._wall_seconds = 0.0

    def run(self, handle: Callable[[], Any]) -> Any:
        """Return what ``handle`` returns; its calls or its time are collected, also when it raises."""
        started = time.perf_counter()
        try:
            return handle() if self._profile is None else self._profile.runcall(handle)
        finally:
            self._requests += 1
            self._wall_seconds += time.perf_counter() - started

    def to_json(self) -> dict[str, Any]:
        """Return the statistics: a function for each entry, with its callers; times in seconds.

        Without a profiler there are no functions.
        """
        functions: list[dict[str, Any]] = []
        if self._requests and self._profile is not None:
            stats = pstats.Stats(self._profile).stats  # type: ignore[attr-defined]
            functions = [_function(place, *numbers) for place, numbers in stats.items()]
        return {"requests": self._requests, "wall_seconds": self._wall_seconds, "functions": functions}


def merged(profiles: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of what several processes' :meth:`RequestProfiler.to_json` returned."""
    if len(profiles) == 1:
        return dict(profiles[0])
    functions: dict[_Place, dict[str, Any]] = {}
    for function in (function for profile in profiles for function in profile["functions"]):
        known = functions.setdefault(_key(function), {**function, **dict.fromkeys(_SUMMED, 0), "callers": []})
        known.update({name: known[name] + function[name] for name in _SUMMED})
        known["callers"] = _callers([*known["callers"], *function["callers"]])
    return {
        "requests": sum(profile["requests"] for profile in profiles),
        "wall_seconds": sum(profile["wall_seconds"] for profile in profiles),
        "functions": list(functions.values()),
    }


def short_path(path: str) -> str:
    """Return a source path without the part that differs between machines.

    >>> short_path("/opt/venv/lib/python3.11/site-packages/sklearn/pipeline.py")
    'sklearn/pipeline.py'
    >>> short_path("/app/include/slipway/serving/codec.py"), short_path("/usr/lib/python3.11/json/decoder.py")
    ('slipway/serving/codec.py', 'python3.11/json/decoder.py')
    """
    parts = PurePath(path).parts
    for anchor, keep in (("site-packages", 1), ("dist-packages", 1), ("slipway", 0)):
        if anchor in parts:
            return "/".join(parts[_last(parts, anchor) + keep :])
    for index, part in enumerate(parts):
        if part.startswith("python3"):
            return "/".join(parts[index:])
    return parts[-1] if parts else path


def _callers(callers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    summed: dict[_Place, dict[str, Any]] = {}
    for caller in callers:
        known = summed.setdefault(_key(caller), {**caller, **dict.fromkeys(_OF_CALLER, 0)})
        known.update({name: known[name] + caller[name] for name in _OF_CALLER})
    return list(summed.values())


def _key(entry: Mapping[str, Any]) -> _Place:
    return entry["file"], entry["line"], entry["name"]


def _last(parts: tuple[str, ...], anchor: str) -> int:
    return len(parts) - 1 - parts[::-1].index(anchor)


def _place(place: _Place) -> dict[str, Any]:
    file, line, name = place
    return {"file": short_path(file), "line": line, "name": name}


def _function(
    place: _Place, primitive: int, calls: int, total: float, cumulative: float, callers: dict[_Place, Any]
) -> dict[str, Any]:
    return {
        **_place(place),
        "ncalls": calls,
        "primitive_calls": primitive,
        "tottime": total,
        "cumtime": cumulative,
        "callers": [
            {**_place(caller), "ncalls": numbers[0], "tottime": numbers[2], "cumtime": numbers[3]}
            for caller, numbers in callers.items()
        ],
    }
