"""Is this the data that the champion was made from, as far as chance allows? Column by column, file by file.

Rules
-----
1. Each file is compared with the champion's file of the same name: every input and the label
   (:mod:`slipway.quality.shifts`), how they hang together (:mod:`slipway.quality.relations`), and how many rows repeat
   another row.
2. A shift is sure when its p-value is below ``SURE_BELOW``, corrected by Holm's method over all shifts of all columns
   of both files; the relations, of which there are many more, are corrected among themselves. Chance alone makes a
   sure shift in less than one release of 250.
3. A sure shift stops the version only if it is gross too: its effect is past the limit in ``quality.drift``. Many rows
   make the smallest shift a sure one, and a sure but small one is only recorded.
4. A column under ``quality.drift.intended`` is recorded and stops nothing; so is everything with the severity warn.
5. Where either file has fewer than ``MIN_ROWS`` rows, nothing can be told (INCONCLUSIVE). A first release has nothing
   to be compared with.
6. Inputs that are not in the data of both are named. If that is every input, nothing can be told either; if some, a
   kind of drift that no other input can show is not judged: the label does not stand for inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slipway.core.spec import DriftSpec, ModelSpec
from slipway.core.verdict import Bound, Measurement
from slipway.quality.chance import holm, two_shares
from slipway.quality.relations import relation_shifts
from slipway.quality.shifts import Kind, Shift, column_shifts

if TYPE_CHECKING:
    import pandas as pd

SURE_BELOW = 0.002
MIN_ROWS = 30
WORTH_SAYING = 0.4
ALL_ROWS = "(rows)"
NOTHING_TOLD = "no input to compare"
NAMES = {
    "distribution": (Kind.PLACE, Kind.SPREAD),
    "share": (Kind.CATEGORY, Kind.ONE_VALUE, Kind.BAND, Kind.REPEATED),
    "missing": (Kind.MISSING,),
    "relation": (Kind.RELATION,),
}
Frames = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One shift of one column (of two, for a relation) in one file, and what it means.

    ``chance`` is the corrected p-value. ``sure`` and ``gross`` as in rules 2 and 3; ``intended`` as in rule 4.
    """

    file: str
    columns: tuple[str, ...]
    shift: Shift
    limit: float
    chance: float = 1.0
    intended: bool = False

    @property
    def sure(self) -> bool:
        """Whether chance does not explain it."""
        return self.chance < SURE_BELOW

    @property
    def gross(self) -> bool:
        """Whether it is sure and past its limit."""
        return self.sure and self.shift.effect > self.limit

    @property
    def worth_saying(self) -> bool:
        """Whether it is sure and not tiny."""
        return self.sure and self.shift.effect > WORTH_SAYING * self.limit

    def sentence(self) -> str:
        """Return it as a person would say it."""
        wanted = " (intended)" if self.intended else ""
        return f"{' and '.join(self.columns)} in {self.file}: {self.shift.kind}: {self.shift.seen}{wanted}"


def find_drift(before: Frames, now: Frames, spec: ModelSpec) -> tuple[Drift, ...]:
    """Return every shift, sure ones with the largest effect for their limit first.

    Parameters
    ----------
    before, now : mapping of str to DataFrame
        The champion's files and the candidate's, by name ("train", "holdout").
    """
    found = [drift for name in now if name in before for drift in _file_drift(name, before[name], now[name], spec)]
    relations = [drift for drift in found if drift.shift.kind is Kind.RELATION]
    judged = [*_corrected([drift for drift in found if drift.shift.kind is not Kind.RELATION]), *_corrected(relations)]
    return tuple(sorted(judged, key=lambda d: (not d.sure, -d.shift.effect / d.limit)))


def _corrected(found: list[Drift]) -> Iterator[Drift]:
    for drift, chance in zip(found, holm([drift.shift.chance for drift in found]), strict=True):
        yield replace(drift, chance=float(chance))


def drift_measurements(found: tuple[Drift, ...], before: Frames, now: Frames, spec: ModelSpec) -> list[Measurement]:
    """Return the largest sure shift of each kind, held against its limit, and how many more are worth a look."""
    rows = min((len(frames[name]) for frames in (before, now) for name in now if name in before), default=0)
    stopping = spec.quality.drift.severity == "fail"
    measured = [_of_kind(name, found, spec, rows=rows) for name in NAMES]
    rest = [d for d in found if d.worth_saying and not (d.gross and stopping and not d.intended)]
    measured.append(Measurement(name="drift.warnings", value=len(rest), unit="shifts", n=len(found), note=_said(rest)))
    return measured


def not_compared(found: tuple[Drift, ...], spec: ModelSpec) -> tuple[str, ...]:
    """Return the inputs that no file could be compared by."""
    compared = {name for drift in found for name in drift.columns}
    return tuple(name for name in spec.to_signature().names if name not in compared)


def _of_kind(name: str, found: tuple[Drift, ...], spec: ModelSpec, *, rows: int) -> Measurement:
    drift, inputs, unseen = spec.quality.drift, set(spec.to_signature().names), not_compared(found, spec)
    seen = [d for d in found if d.shift.kind in NAMES[name]]
    sure = [d for d in seen if d.sure and not d.intended]
    told = bool(sure) or any(not unseen or inputs & {*d.columns} for d in seen)
    said = _said([d for d in sure if d.gross] or sure[:1]) or ("nothing beyond chance" if told else NOTHING_TOLD)
    judged = drift.severity == "fail" and (told or len(unseen) == len(inputs))
    return Measurement(
        name=f"drift.{name}",
        value=max((d.shift.effect for d in sure), default=0.0) if told else None,
        threshold=limit_of(NAMES[name][0], drift) if judged else None,
        bound=Bound.MAX if judged else None,
        n=rows if told else 0,
        n_required=MIN_ROWS,
        note=f"{said}; not compared: {', '.join(unseen)}" if unseen else said,
    )


def limit_of(kind: Kind, drift: DriftSpec) -> float:
    """Return the effect past which a shift of this kind is gross."""
    if kind is Kind.RELATION:
        return drift.max_relation
    return drift.max_shift if kind in (Kind.PLACE, Kind.SPREAD, Kind.MISSING) else drift.max_share


def _file_drift(file: str, before: pd.DataFrame, now: pd.DataFrame, spec: ModelSpec) -> Iterator[Drift]:
    drift = spec.quality.drift
    names = [n for n in (*spec.to_signature().names, spec.quality.label) if n in before and n in now]
    for name in names:
        for shift in column_shifts(before[name], now[name]):
            yield _drift(file, (name,), shift, drift)
    for first, second, shift in relation_shifts(before, now, names):
        yield _drift(file, (first, second), shift, drift)
    if names:
        yield _drift(file, (ALL_ROWS,), _repeated(before[names], now[names]), drift)


def _drift(file: str, columns: tuple[str, ...], shift: Shift, drift: DriftSpec) -> Drift:
    intended = bool(set(columns) & set(drift.intended))
    return Drift(file=file, columns=columns, shift=shift, limit=limit_of(shift.kind, drift), intended=intended)


def _repeated(before: pd.DataFrame, now: pd.DataFrame) -> Shift:
    had, has = int(before.duplicated().sum()), int(now.duplicated().sum())
    shares = had / max(len(before), 1), has / max(len(now), 1)
    seen = f"{100 * shares[0]:.3g} % of the rows repeat another, now {100 * shares[1]:.3g} %"
    chance = two_shares(had, len(before), has, len(now))
    return Shift(Kind.REPEATED, max(0.0, shares[1] - shares[0]), chance, seen)


def _said(found: list[Drift]) -> str:
    said = [d.sentence() for d in found[:3]]
    return "; ".join(said) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")
