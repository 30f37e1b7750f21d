"""Whether every version can be built again and answers the same: both example models, two versions each, twice.

Each version gets its image and its golden answers as a release makes them, and no release. Then each is built again
from what was kept, hermetically and without what was built before, and asked its golden rows; all that a second time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.results import Claim
from slipway.core.reproduction import Reproduction
from slipway.core.verdict import Outcome
from slipway.images.engine_build import remove_made
from slipway.runtime.engine import connect
from slipway.settings import Settings
from slipway.workflows.build_image import build_image
from slipway.workflows.kept import reproducible
from slipway.workflows.release import Release
from slipway.workflows.reproduce import reproduce, sentence
from slipway.workflows.run_scenarios import run_scenarios
from slipway.workflows.start_candidate import start_candidate
from slipway.workflows.stop_candidate import stop_candidate
from slipway.workflows.train import train
from slipway.workflows.workbench import Workbench

MODELS = ("diabetes_progression", "tumor_malignancy")
SEEDS = (0, 1)
DRILLS = 2


def measure(*, quick: bool = False, say: Callable[[str], None] = print) -> list[Claim]:
    """Return the claims: how many versions were reproduced, and how many of the contents and answers were the same.

    ``quick``: one version of each model, built again once.
    """
    seeds, drills = (SEEDS[:1], 1) if quick else (SEEDS, DRILLS)
    ours = Settings.load()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-reproduction-") as folder:
        var = Path(folder)
        (var / "mlflow").mkdir()
        settings = replace(
            ours,
            var=var,
            wheel_dir=var / "wheels",
            tracking_uri=f"sqlite:///{var}/mlflow/mlflow.db",
            ledger_url=f"sqlite:///{var}/ledger.db",
        )
        if ours.wheel_dir.is_dir():  # fetching is not what is measured
            shutil.copytree(ours.wheel_dir, settings.wheel_dir, copy_function=os.link)
        bench = Workbench(settings, say=_unheard)
        try:
            for model in MODELS:
                for seed in seeds:
                    _judge(bench, model, int(train(settings, model, seed=seed)["version"]), say)
            found = [result for number in range(drills) for result in _drill(bench, number, say)]
        finally:
            _remove_images(bench)
    return _claims(found, expected=len(MODELS) * len(seeds) * drills, runtime=bench.runtime.name.value)


def _unheard(line: str) -> None:
    """Take the builds' own lines: the benchmark says a line a version."""
    del line


def _judge(bench: Workbench, model: str, version: int, say: Callable[[str], None]) -> None:
    """Build a version's image and let the scenarios leave its golden answers."""
    release = Release(id="bench", model=model, version=version, requester="benchmark")
    build_image(bench, release)
    start_candidate(bench, release)
    try:
        run_scenarios(bench, release)
    finally:
        stop_candidate(bench, release)
    say(f"{model} version {version}: built and judged")


def _drill(bench: Workbench, number: int, say: Callable[[str], None]) -> list[Reproduction]:
    versions = [one for model in MODELS for one in reproducible(bench, model)]
    found = reproduce(bench, versions, actor="benchmark", drill=f"drill-{number}")
    for one in found:
        say(f"drill {number}: {one.subject.model} version {one.subject.version}: {sentence(one)}")
    return found


def _claims(found: list[Reproduction], *, expected: int, runtime: str) -> list[Claim]:
    n = expected  # what was not even tried has not been reproduced
    rows = sum(one.answers.rows for one in found if one.answers is not None)
    changed = sum(one.answers.changed for one in found if one.answers is not None)
    contents = sum(one.content is not None and one.content.identical is True for one in found)
    passed = sum(one.verdict.outcome is Outcome.PASSED for one in found)
    against = f"versions of {' and '.join(MODELS)}, {runtime}: all hermetically, bit for bit"
    return [
        Claim(name="governance.versions_reproduced_rate", value=passed / n, unit="1", n=n, against=against),
        Claim(
            name="governance.contents_identical_rate",
            value=contents / n,
            unit="1",
            n=n,
            against="content digest of the first image beside the second's",
        ),
        Claim(
            name="governance.answers_changed",
            value=changed,
            unit="rows",
            n=rows,
            against="golden answers, bit for bit",
        ),
        Claim(
            name="governance.reproduction_seconds",
            value=sorted(one.seconds for one in found)[len(found) // 2] if found else 0.0,
            unit="s",
            n=len(found),
            against="median of a version; the first with a lock builds the runtime layer",
        ),
    ]


def _remove_images(bench: Workbench) -> None:
    """Remove the first images: their names are the benchmark's alone, their runtime layer may be shared."""
    if bench.runtime.name.value != "docker":
        return
    images = {e.subject.image_digest for model in MODELS for e in bench.ledger.evidence(model)} - {None}
    client = connect()
    try:
        remove_made(client, sorted(map(str, images)), keep=())
    finally:
        client.close()


if __name__ == "__main__":
    for claim in measure():
        print(claim)
