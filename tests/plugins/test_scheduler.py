"""What the scheduler has loaded, its tasks need not load; and loading starts nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import slipway_airflow
from slipway_airflow.scheduler import PRELOADED

PLUGINS = Path(slipway_airflow.__file__).parents[1]

LOAD = """
import json, sys, threading
from slipway_airflow import scheduler
scheduler.preload()
print(json.dumps({"loaded": sorted(sys.modules), "threads": [t.name for t in threading.enumerate()]}))
"""


def told(code):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_the_modules_are_loaded_and_no_thread_runs_that_a_fork_would_lose():
    found, _ = told(LOAD)
    assert set(PRELOADED) <= set(found["loaded"])
    assert found["threads"] == ["MainThread"]


def test_a_module_that_is_not_there_is_told_and_stops_nothing():
    found, said = told(
        LOAD.replace("scheduler.preload", "scheduler.PRELOADED = ('nowhere', 'colorsys')\nscheduler.preload")
    )
    assert "colorsys" in found["loaded"]
    assert "nowhere is not loaded ahead" in said
