"""``python -m bench.serving [--quick] [--only NAMES] [--rounds N]`` -> bench/results/serving.json and serving.svg.

Anything but the whole run writes serving-partial.json and .svg instead. Ends with 1 when a system could not be measured
or an answer was wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from bench.results import RESULTS, Claim, write
from bench.serving import environments
from bench.serving.bring_up import Workshop
from bench.serving.claims import make_claims
from bench.serving.coldstart import cold_start_claims, cold_starts
from bench.serving.figures import Cells
from bench.serving.load import Generator
from bench.serving.plan import QUICK, Plan
from bench.serving.plot import draw
from bench.serving.processes import Cores
from bench.serving.report import show
from bench.serving.run import Compared, Failure, Run
from bench.serving.slipway_side import bench_settings
from bench.serving.systems import PEERS, SLIPWAY
from slipway.errors import ServiceError, SlipwayError
from slipway.runtime.files import locked
from slipway.settings import Settings

_WIDTH = 150
_SHOWN_VERSIONS = {
    "mlflow": ("mlflow", "uvicorn", "uvloop"),
    "mlserver": ("mlserver", "uvicorn", "uvloop"),
    "bentoml": ("bentoml", "uvicorn", "uvloop"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print the tables and write the figures; return the exit code."""
    plan = _plan(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is running is stopped on the way out
    started = datetime.now(UTC)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)

    def say(line: str) -> None:
        passed = (datetime.now(UTC) - started).total_seconds()
        console.print(f"{passed:7.1f} s  {line}", highlight=False, markup=False, soft_wrap=True)

    cores = Cores.choose()
    folder = Settings.load().var / "bench"
    workshop = Workshop(folder=folder, cores=cores, settings=bench_settings(folder / "slipway"))
    run = Run(plan=plan, workshop=workshop, generator=Generator(cores.generator), say=say)
    try:
        with locked(folder / "serving.lock", timeout_s=0):  # two at once would measure each other
            run.prepare()
            run.compare()
            run.measure()
            starts = _cold_starts(run)
    except ServiceError as error:
        raise SystemExit(str(error)) from error
    _tell(run, starts, console, started)
    return 1 if run.failures or any(one.mismatches for one in run.compared) else 0


def _tell(run: Run, starts: dict[str, list[float]], console: Console, started: datetime) -> None:
    plan, cells = run.plan, Cells.of(run.samples)
    images = run.workshop.images
    served = {(SLIPWAY, name): image.backends[0] for name, image in images.items() if image.backends}
    show(console, cells, plan.models, run.failures, setups=run.chosen | served)
    claims = [*make_claims(cells, plan.models, run.tails), *_answer_claims(run.compared), *cold_start_claims(starts)]
    RESULTS.mkdir(exist_ok=True)
    # A part of the whole must not take its place.
    name = "serving" if plan == Plan() else "serving-partial"
    picture = draw(cells, plan.models, rates=[rate for rate, _ in plan.rates], out=RESULTS / f"{name}.svg")
    write(name, claims, started_at=started, more=_document(run, cells, starts, picture.name))


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="bench.serving", description="Slipway's serving beside its peers.")
    parser.add_argument("--quick", action="store_true", help="two models, one round: a few minutes, rough figures")
    parser.add_argument("--only", default="", metavar="NAMES", help="models and systems, for instance gbm100,slipway")
    parser.add_argument("--rounds", type=int, help="how often each figure is taken")
    options = parser.parse_args(arguments)
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    base = QUICK if options.quick else Plan()
    if options.quick and set(names) & set(Plan().models):
        base = replace(base, models=Plan().models)
    plan = base.only(names)
    return replace(plan, rounds=max(1, options.rounds)) if options.rounds else plan


def _cold_starts(run: Run) -> dict[str, list[float]]:
    if SLIPWAY not in run.plan.systems:
        return {}
    try:
        return cold_starts(run.workshop, times=run.plan.cold_starts, say=run.say)
    except SlipwayError as error:
        run.failures.append(Failure(SLIPWAY, "cold start", str(error)))
        return {}


def _answer_claims(compared: Sequence[Compared]) -> list[Claim]:
    if not compared:
        return []
    what = ", ".join(f"{one.model} {one.system.partition(':')[2] or 'as served'}" for one in compared)
    return [
        Claim(
            name="serving.answer_mismatches",
            value=float(sum(one.mismatches for one in compared)),
            unit="rows",
            n=sum(one.rows for one in compared),
            against=f"the native model's answers, tolerance 1e-9 + 1e-6 of them, split thresholds included: {what}",
        )
    ]


def _document(run: Run, cells: Cells, starts: dict[str, list[float]], picture: str) -> dict[str, Any]:
    peers = [peer for peer in PEERS if peer in run.workshop.pythons]
    return {
        "plan": asdict(run.plan),
        "cores": asdict(run.workshop.cores),
        "versions": {peer: environments.versions(peer, _SHOWN_VERSIONS[peer]) for peer in peers},
        "backends": {name: list(image.backends) for name, image in run.workshop.images.items()},
        "setups": [
            {"system": system, "model": model, "chosen": variant} for (system, model), variant in run.chosen.items()
        ],
        "tried": run.tried,
        "answers": [asdict(one) for one in run.compared],
        "cold_starts_s": starts,
        "failures": [asdict(failure) for failure in run.failures],
        "picture": picture,
        "cells": cells.to_json(),
    }


if __name__ == "__main__":
    sys.exit(main())
