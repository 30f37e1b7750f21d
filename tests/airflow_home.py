"""Airflow's folder and configuration for a process that runs tests: read when it is first imported, so set before."""

import os
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def prepare():
    """Give this process a folder of its own, whatever the environment says; return it, to be kept."""
    folder = tempfile.TemporaryDirectory(prefix="slipway-airflow-")
    os.environ.update(
        {
            "AIRFLOW_HOME": folder.name,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        }
    )
    return folder
