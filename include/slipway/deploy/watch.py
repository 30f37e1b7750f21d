"""Watches a version that has just got traffic: golden questions through the gateway, and whether it still runs.

Through the gateway, some questions reach the champion while shares are split: from it any answer will do, since the
golden answers are the new version's. The new one is then asked directly as well, however small its share is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from slipway.core.golden import Golden
from slipway.deploy.smoke import ask, make_client, part, problems

TICK_SECONDS = 0.1
ALIVE_EVERY_TICKS = 5
# After Envoy has confirmed, its workers may still follow the routes before for some milliseconds.
SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a watch saw: requests sent, answers by the new version, and what was wrong."""

    requests: int
    by_new: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What to watch.

    Attributes
    ----------
    gateway_url, service_url : str
        The model's address at the gateway, and the new service's own.
    golden : Golden
        The new version's.
    version : int
        The new version.
    others : tuple of int
        Versions that also have a share of the traffic.
    alive : callable
        Tells whether the new service still runs.
    """

    gateway_url: str
    service_url: str
    golden: Golden
    version: int
    others: tuple[int, ...]
    alive: Callable[[], bool]


def watch(target: Watch, *, seconds: float, settling: tuple[int, ...] = ()) -> Watched:
    """Ask about ten times a second for so long; stop at the first thing that is wrong.

    ``settling`` are versions that may still answer during the first second.
    """
    started = time.monotonic()
    tick, by_new, found = 0, 0, list[str]()
    with make_client(target.gateway_url) as client:
        while not found and time.monotonic() < started + seconds:
            early = settling if time.monotonic() < started + SETTLE_SECONDS else ()
            found, new = _tick(client, target, tick, allowed={*target.others, *early})
            by_new += new
            tick += 1
            time.sleep(max(0.0, min(started + tick * TICK_SECONDS, started + seconds) - time.monotonic()))
    if not found and not target.alive():
        found = ["the service has stopped running"]
    if not found and not by_new:
        found = [f"not one of {tick} requests was answered by version {target.version}"]
    return Watched(requests=tick, by_new=by_new, problems=tuple(found))


def _tick(client: httpx.Client, target: Watch, tick: int, *, allowed: set[int]) -> tuple[list[str], int]:
    if tick % ALIVE_EVERY_TICKS == 0 and not target.alive():
        return ["the service has stopped running"], 0
    row = part(target.golden, tick % len(target.golden.rows), 1)
    answer = ask(client, target.gateway_url, row.rows)
    elsewhere = not answer.problem and answer.version in {str(other) for other in allowed - {target.version}}
    found = [] if elsewhere else [f"through the gateway, {p}" for p in problems(answer, row, version=target.version)]
    if not found and target.others:
        direct = problems(ask(client, target.service_url, row.rows), row, version=target.version)
        found = [f"asked directly, {problem}" for problem in direct]
    asked_new = bool(target.others) or not elsewhere
    return found, int(asked_new and not found)
