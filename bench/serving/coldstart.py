"""From the start of the process to its first readiness: the project's own models, as a release would start them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from bench.results import Claim
from bench.serving.bring_up import Workshop
from bench.serving.processes import wait_ready
from bench.serving.slipway_side import READY, build_example, started
from slipway.specs import model_names


def cold_starts(workshop: Workshop, *, times: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Return, for each of the project's models, the seconds of each start. SlipwayError if one cannot be had."""
    found = {}
    for name in model_names(workshop.settings):
        image = build_example(name, workshop.settings, say)
        say(f"{name}: {times} cold starts")
        found[name] = []
        for _ in range(times):
            begun = time.perf_counter()
            with started(image, workshop.settings, core=workshop.cores.server) as handle:
                wait_ready(handle.port, READY, timeout_s=60)
                found[name].append(time.perf_counter() - begun)
    return found


def cold_start_claims(found: dict[str, list[float]]) -> list[Claim]:
    """Return the slowest model's median, and each model's own."""
    if not found:
        return []
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    slowest = max(medians, key=lambda name: medians[name])
    names = {"serving.cold_start_seconds": slowest} | {f"serving.cold_start_seconds_{name}": name for name in found}
    return [
        Claim(
            name=claim,
            value=medians[model],
            unit="s",
            n=len(found[model]),
            against=f"limit 2 s, from start to ready, {model}, one core; "
            f"median, {min(found[model]):.2f} to {max(found[model]):.2f}",
        )
        for claim, model in names.items()
    ]
