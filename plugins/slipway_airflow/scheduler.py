"""Airflow's scheduler with what most gates import already loaded: ``python -m slipway_airflow.scheduler [options]``.

With the LocalExecutor a task is a fork of the scheduler's fork, so it has these modules at once; loaded by each task
they cost several seconds of CPU. Nothing of them runs here: no thread is started, no connection opened.
"""

from __future__ import annotations

import importlib
import logging
import sys

PRELOADED = ("great_expectations", "mlflow.sklearn", "scipy.stats", "slipway_airflow.dags")

_LOG = logging.getLogger(__name__)


def preload() -> None:
    """Import the modules; one that cannot be imported is left to the task that needs it."""
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - a scheduler without it is only slower
            _LOG.warning("%s is not loaded ahead", name, exc_info=True)


def main() -> None:
    """Load, then be ``airflow scheduler``."""
    from airflow.__main__ import main as airflow

    preload()
    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
