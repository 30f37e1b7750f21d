"""What a release costs beyond its gates: ``make bench`` -> bench/results/release.json.

Two versions of one model go through the real release DAG of an embedded Airflow in a folder of their own; the second
has the same lock as the first, so its image shows what a rebuild costs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.parse import RUNS, median_parse_seconds
from bench.results import Claim, write
from slipway.cli.clients import airflow
from slipway.cli.follow import follow_release
from slipway.cli.release import trigger
from slipway.core.evidence import Check, Evidence
from slipway.settings import Settings
from slipway.workflows.embedded import prepare_runtime, start_embedded, stop_embedded
from slipway.workflows.leadtime import LeadTime, lead_time
from slipway.workflows.train import train
from slipway.workflows.workbench import Workbench

MODEL = "diabetes_progression"  # a low risk tier: no person is waited for


def main() -> None:
    """Run the benchmark and write its figures."""
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SLIPWAY_VAR"] = folder
        settings = Settings.load()
        _keep_wheels(settings)
        try:
            start_embedded(settings, progress=print)
            settings = Settings.load()
            prepare_runtime(settings, progress=print)
            first, _ = _release(settings, seed=0)
            second, times = _release(settings, seed=1)
        finally:
            stop_embedded(Settings.load(), progress=print)
    del first
    build = {m.name: m.value for m in second[Check.BUILD_IMAGE].measurements}
    claims = [
        Claim(
            name="release.overhead_seconds", value=times.overhead, unit="s", n=1, against="limit 60 s above the gates"
        ),
        Claim(name="release.gate_seconds", value=times.gates, unit="s", n=1, against="smoke: 25 s tuning, 30 s load"),
        Claim(
            name="release.image_rebuild_seconds",
            value=second[Check.BUILD_IMAGE].seconds,
            unit="s",
            n=1,
            against="second version, same lock",
        ),
        Claim(
            name="release.image_added_mb",
            value=float(build.get("image.added_mb") or 0.0),
            unit="MB",
            n=1,
            against="above the base image",
        ),
    ]
    claims += [
        Claim(
            name=f"dags.parse_seconds_{models}",
            value=median_parse_seconds(models),
            unit="s",
            n=RUNS,
            against=f"{models} model folders, Airflow imported",
        )
        for models in (1, 100)
    ]
    write("release", claims, started_at=started)


def _release(settings: Settings, *, seed: int) -> tuple[dict[Check, Evidence], LeadTime]:
    trained = train(settings, MODEL, seed=seed)
    run_id = trigger(settings, MODEL, version=int(trained["version"]), profile="smoke", reason="benchmark")
    if not follow_release(settings, MODEL, run_id):
        raise SystemExit(f"release {run_id} did not reach production; nothing is written")
    evidence = Workbench(settings).ledger.evidence(MODEL, int(trained["version"]))
    return {e.check: e for e in evidence}, lead_time(airflow(settings), f"{MODEL}.release", run_id, evidence)


def _keep_wheels(settings: Settings) -> None:
    """Start from the checkout's wheel cache where there is one: fetching is not what is measured."""
    cache = Path(settings.root / "var" / "wheels")
    if cache.is_dir():
        shutil.copytree(cache, settings.wheel_dir, copy_function=os.link, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
