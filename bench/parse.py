"""How long Airflow takes to parse the DAG files of one model, and of a hundred."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 5
SOURCE_MODEL = "diabetes_progression"

TIMED = """
import sys, time
from airflow.dag_processing.dagbag import DagBag
started = time.perf_counter()
bag = DagBag(sys.argv[1])
seconds = time.perf_counter() - started
assert not bag.import_errors, bag.import_errors
assert len(bag.dags) == int(sys.argv[2]), len(bag.dags)
print(seconds)
"""


def parse_seconds(models: int) -> list[float]:
    """Return the seconds of each run: a fresh process, Airflow imported, then all DAG files parsed."""
    with tempfile.TemporaryDirectory() as folder:
        root = _project(Path(folder), models)
        env = {
            **os.environ,
            "AIRFLOW_HOME": f"{folder}/airflow",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(ROOT / "plugins"),
            "SLIPWAY_ROOT": str(root),
        }
        argv = [sys.executable, "-c", TIMED, str(root / "dags"), str(2 * models)]
        return [_run(argv, env) for _ in range(RUNS)]


def median_parse_seconds(models: int) -> float:
    """Return the median over the runs."""
    return statistics.median(parse_seconds(models))


def _run(argv: list[str], env: dict[str, str]) -> float:
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def _project(root: Path, models: int) -> Path:
    source = ROOT / "include" / "models" / SOURCE_MODEL
    (root / "dags").mkdir()
    for number in range(models):
        name = f"{SOURCE_MODEL}_{number:03d}"
        folder = root / "include" / "models" / name
        shutil.copytree(source, folder)
        declared = folder / "model.yaml"
        declared.write_text(declared.read_text().replace(f"name: {SOURCE_MODEL}\n", f"name: {name}\n", 1))
        dag = (ROOT / "dags" / f"{SOURCE_MODEL}.py").read_text().replace(f'"{SOURCE_MODEL}"', f'"{name}"')
        (root / "dags" / f"{name}.py").write_text(dag)
    return root
