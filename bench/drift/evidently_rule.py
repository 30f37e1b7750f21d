"""Which columns Evidently calls drifted, by its preset, and by the same tests without the preset's pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from slipway.drift.evidently_report import run_preset
from slipway.drift.tables import Kind

FEATURES = {Kind.NUMBER: "num", Kind.CATEGORY: "cat"}


def by_preset(reference: pd.DataFrame, day: pd.DataFrame, kinds: Mapping[str, Kind]) -> set[str]:
    """Return the columns that Evidently's ``DataDriftPreset``, with its defaults, calls drifted."""
    metrics = [metric for metric in run_preset(day, reference, kinds).dict()["metrics"] if "column" in metric["config"]]
    return {metric["config"]["column"] for metric in metrics if _past(metric["config"], float(metric["value"]))}


def by_tests(reference: pd.DataFrame, day: pd.DataFrame, kinds: Mapping[str, Kind]) -> set[str]:
    """Return the same columns by calling the tests that the preset chooses; its pictures take seconds a night."""
    from evidently.legacy.calculations.stattests import get_stattest

    drifted = set()
    for name, kind in kinds.items():
        both = [frame[name].replace([-np.inf, np.inf], np.nan).dropna() for frame in (reference, day)]
        test = get_stattest(both[0], both[1], FEATURES[kind], None)
        if test(both[0], both[1], FEATURES[kind], None).drifted:
            drifted.add(name)
    return drifted


def _past(config: Mapping[str, object], value: float) -> bool:
    """Tell whether a score is drift by Evidently's rule: a distance at its threshold or past it, a p-value below it."""
    threshold = float(str(config["threshold"]))
    return value < threshold if "p_value" in str(config["method"]) else value >= threshold
