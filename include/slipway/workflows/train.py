"""Run a model's own train.py, in a process of its own; it registers a version."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

from slipway.errors import SpecError
from slipway.runtime.commands import run
from slipway.settings import Settings
from slipway.specs import load_model, model_folder

TIME_LIMIT_S = 3600


def train(settings: Settings, model: str, *, seed: int = 0) -> dict[str, Any]:
    """Return what train.py registered: model, by its own name, version, run_id, metrics.

    Raises
    ------
    SpecError
        If train.py is missing or its last line is not that JSON object.
    CommandError
        If it failed; the message holds the end of its output.
    """
    spec = load_model(settings, model)
    script = model_folder(settings, model) / "train.py"
    if not script.is_file():
        raise SpecError(f"{model} has no train.py", remedy="write one, or register versions from where you train")
    argv = [sys.executable, str(script), "--registered-model", spec.registered_model, "--seed", str(seed)]
    env = {**os.environ, "MLFLOW_TRACKING_URI": settings.tracking_uri}
    done = run(argv, timeout_s=TIME_LIMIT_S, cwd=script.parent, env=env)
    try:
        return {"model": model, **_registered(done.stdout.strip().splitlines()[-1])}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise SpecError(
            f"{script.name} of {model} did not end with its JSON line",
            remedy='print {"version", "run_id", "metrics"} last; each metric is a finite number',
        ) from error


def _registered(line: str) -> dict[str, Any]:
    told = json.loads(line)
    metrics = {str(name): float(value) for name, value in told["metrics"].items()}
    if not all(map(math.isfinite, metrics.values())):
        raise ValueError("a metric is not finite")
    return {"version": int(told["version"]), "run_id": told["run_id"], "metrics": metrics}
