"""Nights of several models: how often a quiet one alarms, how often a shifted one is found; beside Evidently.

As the nightly watch does it: the inputs beside all rows, the answer beside the held-out ones, each with its share of
the false alarms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.drift.days import ANSWER, KINDS, NUMBERS, Source, shifted
from bench.drift.evidently_rule import by_preset, by_tests
from slipway.drift.calibrate import calibrate
from slipway.drift.calibration import Calibration, Plan
from slipway.drift.compare import compare
from slipway.drift.reference import Reference, fit_reference
from slipway.drift.run import ANSWERS_SHARE, Effort
from slipway.drift.tables import FrameTable, strata

ROWS, REFERENCE_DAYS, HELD_OUT_DAYS = 5_000, 28, 1
PEER_REFERENCE_ROWS = 10_000
SHIFTS = (0.05, 0.1, 0.2, 0.5)
MONTH = 30
Say = Callable[[str], None]
Setup = tuple[Reference, Calibration]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """How many models, quiet nights and shifted nights of each; whether Evidently compares them too."""

    models: int = 10
    quiet: int = 50
    moved: int = 10
    evidently: bool = True


@dataclass(slots=True)
class Counted:
    """Alarms of one kind: how many of how many nights."""

    alarms: int = 0
    nights: int = 0

    def add(self, alarm: bool) -> None:
        """Count one night."""
        self.alarms += alarm
        self.nights += 1

    @property
    def share(self) -> float:
        """The share of nights with an alarm."""
        return self.alarms / max(self.nights, 1)

    @property
    def per_month(self) -> float:
        """Alarms in a month of quiet nights."""
        return MONTH * self.share


@dataclass(slots=True)
class Tally:
    """What a series of nights came to."""

    quiet: Counted = field(default_factory=Counted)
    found: dict[float, Counted] = field(default_factory=lambda: {by: Counted() for by in SHIFTS})
    evidently_quiet: Counted = field(default_factory=Counted)
    evidently_found: dict[float, Counted] = field(default_factory=lambda: {by: Counted() for by in SHIFTS})
    preset_agrees: Counted = field(default_factory=Counted)
    at_stated: Counted = field(default_factory=Counted)
    stated: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""

        def shown(counted: Counted) -> dict[str, int]:
            return {"alarms": counted.alarms, "nights": counted.nights}

        return {
            "quiet": shown(self.quiet),
            "found": {str(by): shown(counted) for by, counted in self.found.items()},
            "found_at_stated_shift": shown(self.at_stated),
            "evidently_quiet": shown(self.evidently_quiet),
            "evidently_preset_agrees": shown(self.preset_agrees),
            "evidently_found": {str(by): shown(counted) for by, counted in self.evidently_found.items()},
            "stated_shift_found": float(np.median(self.stated)) if self.stated else None,
        }


def simulate(nights: Nights, say: Say, *, day_spread: float = 0.0, days_told: bool = False) -> Tally:
    """Return the alarms of a series of nights.

    Each model has a reference of ``REFERENCE_DAYS`` days of its own, and is calibrated once. The shifted column is the
    next of the numbers each night; a shift counts as found when that column's own measurements say so.
    """
    tally = Tally()
    for model in range(nights.models):
        started = time.perf_counter()
        source = Source(model, day_spread)
        frame = pd.concat([source.day(number, ROWS) for number in range(REFERENCE_DAYS)], ignore_index=True)
        days = np.repeat(np.arange(REFERENCE_DAYS), ROWS) if days_told else None
        ours = _calibrated(frame, days, model)
        found = [of.shift_found for _, calibration in ours for of in calibration.columns.values()]
        tally.stated += [shift for shift in found if shift is not None]
        _nights(tally, nights, source, frame, ours)
        say(f"model {model + 1}: {tally.quiet.alarms} alarms in {tally.quiet.nights} quiet nights so far, "
            f"{time.perf_counter() - started:.0f} s")  # fmt: skip
    return tally


def _calibrated(frame: pd.DataFrame, days: NDArray[np.intp] | None, seed: int) -> tuple[Setup, ...]:
    """Return the inputs' reference and the answer's, each calibrated for its share of the alarms.

    The answer's is smaller, as held-out rows are, unless days are told apart: then it needs them all.
    """
    effort, found = Effort(seed=seed), []
    for names, share in (([n for n in KINDS if n != ANSWER], 1 - ANSWERS_SHARE), ([ANSWER], ANSWERS_SHARE)):
        rows = HELD_OUT_DAYS * ROWS if names == [ANSWER] and days is None else len(frame)
        table = FrameTable(frame.iloc[:rows])
        reference = fit_reference(table, {name: KINDS[name] for name in names}, days=days, seed=seed)
        plan = Plan.near(ROWS, alarms_per_month=effort.share(share).alarms_per_month, seed=seed)
        found.append((reference, calibrate(reference, plan)))
    return tuple(found)


def _nights(tally: Tally, nights: Nights, source: Source, frame: pd.DataFrame, ours: tuple[Setup, ...]) -> None:
    theirs = frame.iloc[strata(len(frame), PEER_REFERENCE_ROWS, source.seed)]
    for night in range(nights.quiet):
        day = source.day(REFERENCE_DAYS + night, ROWS)
        tally.quiet.add(bool(_alarms(ours, day)))
        if nights.evidently:
            alarms = by_tests(theirs, day, KINDS)
            tally.evidently_quiet.add(bool(alarms))
            if night == 0:
                tally.preset_agrees.add(alarms == by_preset(theirs, day, KINDS))
        if night >= nights.moved:
            continue
        name = NUMBERS[(night + source.seed * nights.moved) % len(NUMBERS)]
        spread = float(frame[name].std())
        stated = next(of.columns[name].shift_found for _, of in ours if name in of.columns)
        if stated is not None:
            tally.at_stated.add(name in _alarms(ours, shifted(day, name, stated, spread)))
        for by in SHIFTS:
            moved = shifted(day, name, by, spread)
            tally.found[by].add(name in _alarms(ours, moved))
            if nights.evidently:
                tally.evidently_found[by].add(name in by_tests(theirs[[name]], moved[[name]], {name: KINDS[name]}))


def _alarms(ours: tuple[Setup, ...], day: pd.DataFrame) -> set[str]:
    return {m.name.split(".")[-1] for setup in ours for m in compare(*setup, FrameTable(day)).drifted}
