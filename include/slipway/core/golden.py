"""Golden answers: rows, and what the independent reference answers to them.

They travel with a version: the load test checks answers under load against them, the deployment's smoke test and
watch replay them, a later rebuild must still give them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slipway.core.signature import Value
from slipway.errors import EvidenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far an answer may lie from the reference's.

    Two grounds to accept, either of which is enough. ``absolute + relative * |expected|`` says what matters to whoever
    reads the answer. ``ulps`` says what the number format can hold: numbers that have fewer than so many representable
    ones between them are the same number but for the order of the additions, however large or small they are. An answer
    is wrong only if it is beyond both; without ``ulps`` (the default) the first alone decides.

    Attributes
    ----------
    absolute, relative : float
    ulps : int
        Units in the last place.
    single : bool
        Whether the answers are single precision, so that ``ulps`` counts its coarser units.
    """

    absolute: float
    relative: float
    ulps: int = 0
    single: bool = False

    def agrees(self, answer: Value, expected: Value) -> bool:
        """Tell whether an answer is within the tolerance; labels must be equal.

        >>> Tolerance(absolute=0.0, relative=0.01).agrees(1.005, 1.0)
        True
        >>> Tolerance(absolute=0.0, relative=0.0, ulps=1).agrees(0.1 + 0.2, 0.3)
        True
        """
        numbers = [v for v in (answer, expected) if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < 2:
            return type(answer) is type(expected) and answer == expected
        got, want = float(numbers[0]), float(numbers[1])
        if not math.isfinite(got):
            return False
        if abs(got - want) <= self.absolute + self.relative * abs(want):
            return True
        return self.ulps > 0 and ulps_between(got, want, single=self.single) <= self.ulps


def ulps_between(one: float, other: float, *, single: bool = False) -> int:
    """Return how many units in the last place lie between two finite numbers, in double or in single precision.

    Numbers of either sign are put on one line of representable numbers, as in Bruce Dawson, "Comparing Floating Point
    Numbers" (2012). A number that single precision cannot hold counts as its largest.

    >>> ulps_between(1.0, 1.0000000000000002), ulps_between(-0.0, 0.0), ulps_between(1.0, 1.0000001, single=True)
    (1, 0, 1)
    """
    return abs(_place(one, single) - _place(other, single))


def _place(number: float, single: bool) -> int:
    largest = 3.4028234663852886e38
    held = min(max(number, -largest), largest) if single else number
    (bits,) = struct.unpack("<i" if single else "<q", struct.pack("<f" if single else "<d", held))
    place = int(bits)
    return place if place >= 0 else -(place & (0x7FFFFFFF if single else 0x7FFFFFFFFFFFFFFF))


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Rows that the model accepts, and the reference's answers, in the same order.

    ``served`` is what the version's own image answered when it was judged, row by row: a later rebuild must give the
    same to the last bit. Empty in what was written before it was kept.
    """

    rows: tuple[Mapping[str, Value], ...]
    answers: tuple[Value, ...]
    tolerance: Tolerance
    served: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty set, and rows without answers."""
        if not self.rows or len(self.rows) != len(self.answers):
            raise EvidenceError(
                f"{len(self.rows)} golden rows with {len(self.answers)} answers", remedy="run the scenarios again"
            )
        if self.served and len(self.served) != len(self.rows):
            raise EvidenceError(
                f"{len(self.rows)} golden rows with {len(self.served)} served answers", remedy="run the scenarios again"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "rows": [dict(row) for row in self.rows],
            "answers": list(self.answers),
            "tolerance": asdict(self.tolerance),
            "served": list(self.served),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Golden:
        """Read what :meth:`to_json` wrote."""
        return cls(
            rows=tuple(data["rows"]),
            answers=tuple(data["answers"]),
            tolerance=Tolerance(**data["tolerance"]),
            served=tuple(data.get("served", ())),
        )
