"""The declaration of a new model, from what was seen of it: model.yaml and scenarios.yaml as plain values. Pure.

Rules
-----
1. A range is what was seen, widened by a margin; a value outside of it is rejected until someone decides otherwise.
2. An input that the MLflow signature calls optional is nullable: the model sees the missing value, the answer says so.
3. Quality starts at what a model must reach to be worth anything: better than a constant answer.
4. A new version may be a little worse than the champion: with no margin, one that is surely worse by next to nothing
   could not be released for what it does better.
"""

from __future__ import annotations

from typing import Any

from slipway.core.signature import DType
from slipway.core.spec import Task
from slipway.onboarding.info import ModelInfo
from slipway.onboarding.observe import Seen, SeenColumn
from slipway.onboarding.ranges import widened

RATIO_MARGIN = 0.01  # of a metric between 0 and 1
SPREAD_MARGIN = 0.02  # of the label's standard deviation, for an error in the label's unit


def model_declaration(name: str, registered_model: str, seen: Seen, info: ModelInfo) -> dict[str, Any]:
    """Return the content of model.yaml."""
    return {
        "name": name,
        "purpose": info.purpose,
        "owner": {"team": info.team, "contact": info.contact},
        "stakeholders": [],
        "risk_tier": info.risk_tier.value,
        "dataset": info.dataset or name,
        "registered_model": registered_model,
        "task": seen.task.value,
        "signature": {
            "inputs": [_input(column) for column in seen.inputs],
            "output": _output(seen),
            "extra_columns": "reject",
        },
        "reference": {
            "entry_point": "reference.py:score",
            "absolute_tolerance": 1e-09,
            "relative_tolerance": 1e-06,
        },
        "objectives": {
            "p95_ms": 200,
            "p99_ms": 300,
            "error_rate": 0.0,
            "arrival_rate_per_s": 20,
            "startup_seconds": 30,
            "memory_mb": 512,
        },
        "quality": _quality(seen),
        "deployment": {"strategy": "switch", "watch_seconds": 5},
        "retention": {"keep_versions": 5, "keep_days": 365},
    }


def scenario_declaration(seen: Seen) -> dict[str, Any]:
    """Return the content of scenarios.yaml: an ordinary row, and the two ends of what was seen."""
    numbers = [column for column in seen.inputs if column.low is not None]
    lowest = {column.name: short(column.low, column.dtype) for column in numbers}
    highest = {column.name: short(column.high, column.dtype) for column in numbers}
    cases = [
        ("an_ordinary_row", {}, "the plainest request there is"),
        ("all_smallest_values", lowest, "the lower end of what was seen"),
        ("all_largest_values", highest, "the upper end of what was seen"),
    ]
    return {
        "cases": [{"name": name, "row": row, "expect": {"answer": "reference"}, "why": why} for name, row, why in cases]
    }


def declared_range(column: SeenColumn) -> dict[str, float | int]:
    """Return ``min`` and ``max`` for a column; nothing for one that is no number, or whose values nobody has seen.

    >>> declared_range(SeenColumn(name="age", dtype=DType.INT, low=19, high=79))
    {'min': 13, 'max': 85}
    """
    if column.low is None or column.high is None:
        return {}
    low, high = widened(column.low, column.high, whole=column.dtype is DType.INT)
    return {"min": short(low, column.dtype), "max": short(high, column.dtype)}


def short(value: float | None, dtype: DType = DType.INT) -> Any:
    """Return a whole number of an int column as an int, for people to read; anything else as it is."""
    return int(value) if dtype is DType.INT and value is not None and float(value).is_integer() else value


def _input(column: SeenColumn) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": column.name, "dtype": column.dtype.value, "unit": "1"}
    declared |= declared_range(column)
    if column.values:
        declared["categories"] = list(column.values)
    if not column.required:
        declared["nullable"] = True
    declared["on_missing"] = "reject" if column.required else "flag"
    declared["on_out_of_range"] = "reject"
    declared["description"] = ""
    return declared


def _output(seen: Seen) -> dict[str, Any]:
    output: dict[str, Any] = {"name": seen.output_name, "dtype": "float", "unit": "1"}
    if seen.output_index is None:
        return output
    return output | {"min": 0, "max": 1, "index": seen.output_index}


def _quality(seen: Seen) -> dict[str, Any]:
    label = seen.label
    margin = RATIO_MARGIN
    if seen.task is Task.REGRESSION:
        spread = label.std or 1.0
        metric, threshold = "rmse", round(0.9 * spread, 6)
        margin = float(f"{SPREAD_MARGIN * spread:.2g}")
    elif seen.output_index is None:
        share = label.mean or 0.0
        metric, threshold = "accuracy", round(max(share, 1 - share), 3)
    else:
        metric, threshold = "roc_auc", 0.8
    return {
        "label": label.name,
        "metrics": [{"name": metric, "threshold": threshold}],
        "champion_metric": metric,
        "champion_margin": margin,
    }
