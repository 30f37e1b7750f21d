"""``python -m bench.governance [--only TOPIC[,TOPIC]] [--quick]`` -> bench/results/governance.json.

Each topic is a module of its own with ``measure() -> list[Claim]``; it may take ``quick`` and ``say``. A run of some
topics, or a quick one, prints its figures and writes nothing.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from bench import results
from bench.results import Claim

TOPICS = ("tampering", "bypass", "reproduction", "page", "appends")


def main(argv: Sequence[str]) -> int:
    """Measure every topic and write the figures; 1 if a topic's module is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.governance", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(TOPICS)}, separated by commas")
    parser.add_argument("--quick", action="store_true", help="a tenth of the cases where a topic has many; no file")
    asked = parser.parse_args(argv)
    wanted = tuple(filter(None, asked.only.split(","))) or TOPICS
    unknown = [topic for topic in wanted if topic not in TOPICS]
    if unknown:
        parser.error(f"no such topic: {', '.join(unknown)}")
    started, clock = datetime.now(UTC), time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - clock:7.1f} s  {line}", flush=True)

    missing = [topic for topic in wanted if not importlib.util.find_spec(f"bench.governance.{topic}")]
    claims: list[Claim] = []
    seconds: dict[str, float] = {}
    for topic in wanted:
        if topic not in missing:
            begin = time.monotonic()
            say(f"{topic} begins")
            claims += _measure(topic, quick=asked.quick, say=say)
            seconds[topic] = round(time.monotonic() - begin, 1)
    if missing:
        _show(claims)
        print(f"nothing is written: bench/governance has no module for {', '.join(missing)}", file=sys.stderr)
        return 1
    if asked.quick or wanted != TOPICS:
        _show(claims)
        return 0
    results.write("governance", claims, started_at=started, more={"seconds": seconds})
    return 0


def _measure(topic: str, **offered: Any) -> list[Claim]:
    measure: Callable[..., list[Claim]] = importlib.import_module(f"bench.governance.{topic}").measure
    takes = inspect.signature(measure).parameters
    return measure(**{name: value for name, value in offered.items() if name in takes})


def _show(claims: Sequence[Claim]) -> None:
    for claim in claims:
        print(f"{claim.name:<44} {claim.value:>10.3f} {claim.unit:<4} n={claim.n}  {claim.against}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
