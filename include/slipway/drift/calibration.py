"""A calibration as a value: what it is for, each column's thresholds, the shifts that they find; kept as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.drift.distance import Check
from slipway.drift.reference import Reference
from slipway.errors import GateConfigurationError

RUNS_PER_MONTH = 30
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a calibration is for.

    Attributes
    ----------
    rows, labelled : int
        Rows of the window, and of those with a label.
    alarms_per_month : float
        False alarms of one model in ``RUNS_PER_MONTH`` runs, over all columns and checks, at most.
    draws : int
        Resampled windows.
    seed : int
    """

    rows: int
    labelled: int = 0
    alarms_per_month: float = 1.0
    draws: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a rate of which nothing follows, and too few windows to tell one."""
        if not 0 < self.alarms_per_month < RUNS_PER_MONTH / 2:
            raise GateConfigurationError(
                f"{self.alarms_per_month:g} false alarms a month in {RUNS_PER_MONTH} runs",
                remedy="set monitoring.false_alarms_per_month above 0 and below 15",
            )
        if self.draws < 200 or self.rows < 1:
            raise GateConfigurationError(
                f"{self.draws} resampled windows of {self.rows} rows tell no threshold",
                remedy="resample 200 windows at least, of one row at least",
            )

    @property
    def rate(self) -> float:
        """The chance of a false alarm in one run, at most."""
        return self.alarms_per_month / RUNS_PER_MONTH

    @classmethod
    def near(cls, rows: int, labelled: int = 0, **rest: Any) -> Plan:
        """Return the plan for the next rounder, smaller numbers of rows: a night's calibration serves the next one too.

        Fewer rows make wider thresholds, so the rate holds; rounding costs 10 % of the rows at most.

        >>> Plan.near(5_132, 87).rows, Plan.near(5_132, 87).labelled
        (5100, 87)
        """
        return cls(rows=rounded_down(rows), labelled=rounded_down(labelled), **rest)


def rounded_down(rows: int) -> int:
    """Return a number's first two digits, then noughts.

    >>> rounded_down(5_132), rounded_down(7)
    (5100, 7)
    """
    step = int(10 ** max(len(str(rows)) - 2, 0))
    return rows // step * step


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """One column's: the largest quiet distance of each check, and the smallest drift found 95 times in 100.

    ``shift_found`` is the smallest shift of all values that is found, in standard deviations, or for names the smallest
    share of the rows that changes from the most frequent name to another; ``missing_found`` the smallest share of the
    values that goes missing. None where not even the largest that was tried is found.
    """

    limits: Mapping[Check, float]
    shift_found: float | None
    missing_found: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Thresholds for the windows of one size of one reference.

    Attributes
    ----------
    reference : str
        The digest of the reference.
    plan : Plan
    critical : float
        The quantile of the largest standardised distance, in standard deviations of a quiet window's.
    columns : mapping of str to Thresholds
    loss_limit, loss_found : float or None
        The largest quiet rise of the mean loss, and the smallest that is found 95 times in 100.
    extrapolated : bool
        Whether too few windows lay past the quantile, so that an exponential tail gave it.
    """

    reference: str
    plan: Plan
    critical: float
    columns: Mapping[str, Thresholds]
    loss_limit: float | None = None
    loss_found: float | None = None
    extrapolated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as JSON values."""
        columns = {
            name: {
                "limits": {check.value: limit for check, limit in of.limits.items()},
                "shift_found": of.shift_found,
                "missing_found": of.missing_found,
            }
            for name, of in self.columns.items()
        }
        rest = {"loss_limit": self.loss_limit, "loss_found": self.loss_found, "extrapolated": self.extrapolated}
        return {
            "format": FORMAT,
            "reference": self.reference,
            "plan": asdict(self.plan),
            "critical": self.critical,
            "columns": columns,
            **rest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """Read what :meth:`to_json` wrote."""
        columns = {
            name: Thresholds(
                limits={Check(check): limit for check, limit in of["limits"].items()},
                shift_found=of["shift_found"],
                missing_found=of["missing_found"],
            )
            for name, of in data["columns"].items()
        }
        rest = {key: data[key] for key in ("reference", "critical", "loss_limit", "loss_found", "extrapolated")}
        return cls(plan=Plan(**data["plan"]), columns=columns, **rest)


@dataclass(frozen=True, slots=True)
class CalibrationStore:
    """A folder of calibrations; a file is named by the digest of the reference and the plan that it is for."""

    folder: Path

    def find(self, reference: Reference, plan: Plan) -> Calibration | None:
        """Return the calibration for these; None if there is none, or a damaged one, which is then made again."""
        path = self._path(reference.digest, plan)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            found = Calibration.from_json(data) if data["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if found and found.reference == reference.digest and found.plan == plan else None

    def keep(self, calibration: Calibration) -> Path:
        """Write a calibration whole or not at all; return its file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(calibration.reference, calibration.plan)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(calibration.to_json(), indent=1), encoding="utf-8")
        draft.replace(path)
        return path

    def _path(self, reference: str, plan: Plan) -> Path:
        key = hashlib.sha256(f"{reference} {json.dumps(asdict(plan), sort_keys=True)}".encode()).hexdigest()
        return self.folder / f"calibration-{key[:24]}.json"


def harmonic(window: float, reference: float) -> float:
    """Return the rows behind a difference of two samples' shares: n N / (n + N).

    >>> harmonic(5000, 5000), round(harmonic(5000, math.inf))
    (2500.0, 5000)
    """
    if window <= 0 or reference <= 0:
        return 0.0
    return 1 / (1 / window + (0.0 if math.isinf(reference) else 1 / reference))
