"""The call graph of a profile: who calls whom, how often and at what share of the time.

Rules
-----
1. Shares are of all profiled time; own times add up to it, cumulative ones do not.
2. A small built-in function (len, append, isinstance) is not drawn: its time counts as its callers' own.
3. The *hottest* function has the largest own time. The *dominant* one belongs to the model or to us, holds more than
   half of the time with what it calls, and calls no other such function: what is above it only passes the request on.
4. The one that limits the rate is the hottest, unless its own share is small; then it is the dominant one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from slipway.errors import ServiceError

BUILTIN_FILES = ("~", "")
PACKAGE_FOLDERS = ("site-packages", "dist-packages")
BUILTIN_SHOWN_FROM = 0.05
DOMINANT_FROM = 0.5
HOT_FROM = 0.2
SERVER_PACKAGES = frozenset({"uvicorn", "starlette", "fastapi", "httptools", "uvloop", "anyio", "h11", "orjson"})


class Origin(StrEnum):
    """Whose function it is."""

    SERVING = "serving program"
    MODEL = "model"
    SERVER = "web server"
    PYTHON = "Python"
    BUILTIN = "built-in"


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A function as the profiler names it."""

    file: str
    line: int
    name: str

    @property
    def builtin(self) -> bool:
        """Whether it is implemented in C."""
        return self.file in BUILTIN_FILES

    @property
    def module(self) -> str:
        """Its module, without the folder that it is installed in.

        >>> Function("/opt/venv/lib/python3.11/site-packages/sklearn/pipeline.py", 7, "predict").module
        'sklearn.pipeline'
        >>> Function("python3.11/json/decoder.py", 7, "decode").module
        'json.decoder'
        """
        if self.builtin:
            return ""
        parts = list(PurePosixPath(self.file).with_suffix("").parts)
        start = next((_after(parts, folder) for folder in PACKAGE_FOLDERS if folder in parts), None)
        if start is None and "slipway" in parts:
            start = _after(parts, "slipway") - 1
        if start is None:
            start = next((i + 1 for i in reversed(range(len(parts))) if parts[i].startswith("python3")), None)
        if start is None:
            start = len(parts) - 1 if self.file.startswith("/") else 0
        return ".".join(part for part in parts[start:] if part != "__init__")

    @property
    def label(self) -> str:
        """Its short name; a C function's without the profiler's decoration.

        >>> Function("~", 0, "<method 'append' of 'list' objects>").label
        'list.append'
        >>> Function("~", 0, "<built-in method time.sleep>").label
        'time.sleep'
        """
        text = self.name.strip("<>")
        if self.builtin and text.startswith("method '") and " of '" in text:
            method, _, owner = text.removeprefix("method '").partition("' of '")
            return f"{owner.partition(chr(39))[0]}.{method}"
        return text.removeprefix("built-in method ") if self.builtin else self.name

    @property
    def place(self) -> str:
        """Module and line."""
        return "C function" if self.builtin else f"{self.module}:{self.line}"

    @property
    def key(self) -> str:
        """What names it in another build, where lines have moved."""
        return self.label if self.builtin else f"{self.module}.{self.name}"

    @property
    def origin(self) -> Origin:
        """Whose it is, from where its file lies."""
        package = self.module.partition(".")[0]
        if self.builtin:
            return Origin.BUILTIN
        if package == "slipway":
            return Origin.SERVING
        if package in SERVER_PACKAGES:
            return Origin.SERVER
        installed = any(folder in self.file for folder in PACKAGE_FOLDERS)
        standard = "python3" in self.file or self.file.startswith("<")
        return Origin.PYTHON if standard and not installed else Origin.MODEL


def _after(parts: Sequence[str], part: str) -> int:
    """Return the position behind the last ``part``."""
    return len(parts) - parts[::-1].index(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A function in the graph: calls a request, own and cumulative ms a request, and their shares (0 to 1)."""

    function: Function
    calls: float
    own_ms: float
    cumulative_ms: float
    own_share: float
    cumulative_share: float
    recursive: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "function": self.function.label,
            "place": self.function.place,
            "origin": self.function.origin.value,
            "calls_per_request": self.calls,
            "own_ms": self.own_ms,
            "cumulative_ms": self.cumulative_ms,
            "own_share": self.own_share,
            "cumulative_share": self.cumulative_share,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Calls from one function to another: calls a request, and the share of the time spent below them."""

    caller: Function
    callee: Function
    calls: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGraph:
    """Nodes by falling cumulative share, the edges between them, requests and ms of profiled time a request."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    requests: int
    ms_per_request: float

    def node(self, function: Function) -> Node:
        """Return a function's node; KeyError if it is not in the graph."""
        for node in self.nodes:
            if node.function == function:
                return node
        raise KeyError(function)

    @property
    def hottest(self) -> Node:
        """The function with the largest own time."""
        return max(self.nodes, key=lambda n: n.own_ms)

    @property
    def dominant(self) -> Node | None:
        """The last function of the model or of ours, on the way down, that holds more than half of the time, if any."""
        ours = [n for n in self.nodes if n.function.origin in (Origin.SERVING, Origin.MODEL)]
        large = {n.function: n for n in ours if n.cumulative_share > DOMINANT_FROM}
        passing = {e.caller for e in self.edges if e.callee in large and e.callee != e.caller}
        last = [n for function, n in large.items() if function not in passing] or list(large.values())
        return min(last, key=lambda n: (n.cumulative_ms, n.function), default=None)

    @property
    def rate_limiting(self) -> Node:
        """The function to look at first."""
        hottest, dominant = self.hottest, self.dominant
        return hottest if hottest.own_share >= HOT_FROM or dominant is None else dominant

    def sentence(self) -> str:
        """Return in one or two sentences where the time goes, the rate-limiting function first."""
        hot, dominant = self.hottest, self.dominant
        own = (
            f"{percent(hot.own_share)} of the time is spent in {hot.function.label} itself "
            f"({hot.function.place}), called {times(hot.calls)} a request."
        )
        if dominant is None or dominant.function == hot.function:
            return own
        through = (
            f"{percent(dominant.cumulative_share)} of the time passes through {dominant.function.label} "
            f"({dominant.function.place}), called {times(dominant.calls)} a request."
        )
        if self.rate_limiting.function == hot.function:
            return f"{own} {through}"
        return f"{through} No single function dominates: {hot.function.label} itself takes {percent(hot.own_share)}."


def percent(share: float) -> str:
    """Return a share as a percentage with as many digits as are worth reading.

    >>> percent(0.613), percent(0.0123)
    ('61 %', '1.2 %')
    """
    return f"{share * 100:.0f} %" if share >= 0.0995 else f"{share * 100:.1f} %"


def times(calls: float) -> str:
    """Return a number of calls as a person would say it.

    >>> times(1.0), times(0.5), times(100.0)
    ('once', '0.5 times', '100 times')
    """
    if round(calls, 2) == 1:
        return "once"
    return f"{calls:.0f} times" if calls >= 100 else f"{calls:.3g} times"


@dataclass(slots=True)
class _Totals:
    """Running sums of one function, in seconds."""

    calls: float = 0.0
    primitive: float = 0.0
    own: float = 0.0
    cumulative: float = 0.0
    callers: dict[Function, list[float]] = field(default_factory=dict)  # calls, own, cumulative


def build(profile: Mapping[str, Any]) -> CallGraph:
    """Return the graph of a service's profile.

    Parameters
    ----------
    profile : mapping
        {"requests": n, "functions": [{"file", "line", "name", "ncalls", "primitive_calls", "tottime", "cumtime",
        "callers": [{"file", "line", "name", "ncalls", "tottime", "cumtime"}]}]}, times in seconds.

    Raises
    ------
    ServiceError
        If it has no request, no time in it, or is not of this shape.
    """
    try:
        requests = int(profile["requests"])
        totals = _read(profile["functions"])
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceError(
            f"the service's profile cannot be read: {error!r}", remedy="build the image from this version of Slipway"
        ) from error
    total = sum(t.own for t in totals.values())
    if requests < 1 or total <= 0:
        raise ServiceError(
            f"the profile holds {requests} requests and {total:.3g} s",
            remedy="start the service with SLIPWAY_SERVING_PROFILE=1 and send requests to it",
        )
    _collapse(totals, BUILTIN_SHOWN_FROM * total)
    nodes = [_node(f, t, requests, total) for f, t in totals.items()]
    edges = [
        Edge(caller=caller, callee=f, calls=calls / requests, share=min(1.0, cumulative / total))
        for f, t in totals.items()
        for caller, (calls, _, cumulative) in t.callers.items()
        if caller in totals
    ]
    nodes.sort(key=lambda n: (-n.cumulative_ms, n.function))
    edges.sort(key=lambda e: (-e.share, e.caller, e.callee))
    return CallGraph(nodes=tuple(nodes), edges=tuple(edges), requests=requests, ms_per_request=total * 1000 / requests)


def _read(functions: Iterable[Mapping[str, Any]]) -> dict[Function, _Totals]:
    totals: dict[Function, _Totals] = {}
    for entry in functions:
        found = totals.setdefault(_function(entry), _Totals())
        found.calls += float(entry["ncalls"])
        found.primitive += float(entry["primitive_calls"])
        found.own += float(entry["tottime"])
        found.cumulative += float(entry["cumtime"])
        for caller in entry["callers"]:
            sums = found.callers.setdefault(_function(caller), [0.0, 0.0, 0.0])
            for i, name in enumerate(("ncalls", "tottime", "cumtime")):
                sums[i] += float(caller[name])
    return totals


def _function(entry: Mapping[str, Any]) -> Function:
    return Function(str(entry["file"]), int(entry["line"]), str(entry["name"]))


def _collapse(totals: dict[Function, _Totals], shown_from: float) -> None:
    """Take out small built-in functions; their own time moves to who called them, in proportion."""
    small = [f for f, t in totals.items() if f.builtin and t.cumulative < shown_from and t.callers]
    for function in small:
        gone = totals.pop(function)
        for caller, (_, own, _) in gone.callers.items():
            if caller in totals:
                totals[caller].own += own


def _node(function: Function, t: _Totals, requests: int, total: float) -> Node:
    return Node(
        function=function,
        calls=t.calls / requests,
        own_ms=t.own * 1000 / requests,
        cumulative_ms=t.cumulative * 1000 / requests,
        own_share=t.own / total,
        cumulative_share=min(1.0, t.cumulative / total),
        recursive=t.calls > t.primitive,
    )


def prune(graph: CallGraph, *, node_share: float = 0.015, edge_share: float = 0.005, limit: int = 40) -> CallGraph:
    """Return the part of the graph that a person can look at.

    Parameters
    ----------
    graph : CallGraph
    node_share, edge_share : float
        Cumulative shares below which a function, or a call, is left out.
    limit : int
        At most so many functions, those with the largest cumulative share.
    """
    nodes = [n for n in graph.nodes if n.cumulative_share >= node_share][:limit]
    kept = {n.function for n in nodes}
    edges = [e for e in graph.edges if e.share >= edge_share and e.caller in kept and e.callee in kept]
    return CallGraph(
        nodes=tuple(nodes),
        edges=tuple(e for e in edges if e.caller != e.callee),
        requests=graph.requests,
        ms_per_request=graph.ms_per_request,
    )


def hot_functions(graph: CallGraph, count: int) -> Sequence[Node]:
    """Return the functions with the largest own time."""
    return sorted(graph.nodes, key=lambda n: (-n.own_ms, n.function))[:count]
