"""The candidate's profile against the champion's: which functions cost more than they did.

Rules
-----
1. Two profiles compare only if they come from the same kind of host.
2. A function is the same if module and name are; lines move.
3. It has regressed if its own time a request grew by a fifth *and* by a hundredth of the champion's whole request.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.profiling.callgraph import CallGraph

GREW_BY = 1.2
WORTH_NAMING = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A function's own ms a request, then and now."""

    function: str
    before_ms: float
    now_ms: float

    @property
    def grew_ms(self) -> float:
        """How many ms a request more."""
        return self.now_ms - self.before_ms

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"function": self.function, "before_ms": self.before_ms, "now_ms": self.now_ms}


def same_host(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Tell whether two profile documents come from the same kind of host.

    >>> same_host({"host": {"cpu": "a"}}, {"host": {"cpu": "b"}})
    False
    """
    return bool(now.get("host")) and now.get("host") == before.get("host")


def own_ms(graph: CallGraph) -> dict[str, float]:
    """Return own ms a request by function key."""
    found: dict[str, float] = defaultdict(float)
    for node in graph.nodes:
        found[node.function.key] += node.own_ms
    return dict(found)


def regressions(now: CallGraph, before: CallGraph) -> tuple[Change, ...]:
    """Return the functions that cost more than they did, the worst first."""
    then = own_ms(before)
    changes = [
        Change(function=key, before_ms=then.get(key, 0.0), now_ms=value)
        for key, value in own_ms(now).items()
    ]  # fmt: skip
    floor = WORTH_NAMING * before.ms_per_request
    worse = [c for c in changes if c.grew_ms > floor and c.now_ms > GREW_BY * c.before_ms]
    return tuple(sorted(worse, key=lambda c: (-c.grew_ms, c.function)))
