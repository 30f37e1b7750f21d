"""A reproduction: a version built a second time from what was kept, and whether it is still the same.

Rules
-----
1. Three questions: was it built again, is the image's content the same, are the answers the same. Each has its own
   answer, and what was not looked at is unknown, never the same.
2. Answers are compared bit for bit: numbers by the eight bytes of a double, other values by type and value. What
   differs is told by how much: absolutely, relatively, and in units in the last place.
3. An image made on purpose from another base has another content: that is said, and decides nothing. Its answers must
   stay.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.core.golden import ulps_between
from slipway.core.identity import Subject
from slipway.core.signature import Value
from slipway.core.verdict import Bound, Measurement, Verdict, decide

SHOWN_PATHS = 50
SHOWN_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRow:
    """One golden row that got another answer; ``ulps`` and ``difference`` are None unless both are finite numbers."""

    row: int
    before: Any
    after: Any
    difference: float | None = None
    relative: float | None = None
    ulps: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "row": self.row,
            "before": _plain(self.before),
            "after": _plain(self.after),
            "difference": self.difference,
            "relative": self.relative,
            "ulps": self.ulps,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersCompared:
    """Golden rows, and how many of them got another answer than the first image gave.

    Attributes
    ----------
    rows, changed : int
    examples : tuple of ChangedRow
        The first that changed.
    max_difference, max_relative : float
        Over the rows whose answers are finite numbers.
    max_ulps : int
    """

    rows: int
    changed: int
    examples: tuple[ChangedRow, ...] = ()
    max_difference: float = 0.0
    max_relative: float = 0.0
    max_ulps: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "rows": self.rows,
            "changed": self.changed,
            "max_difference": self.max_difference,
            "max_relative": self.max_relative,
            "max_ulps": self.max_ulps,
            "examples": [one.to_json() for one in self.examples],
        }


def _plain(value: Any) -> Any:
    """Return a value as strict JSON holds it: NaN and infinity by their names."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def same_bits(one: Value, other: Value) -> bool:
    """Tell whether two answers are the same to the last bit.

    >>> same_bits(0.1 + 0.2, 0.3), same_bits(0.0, -0.0), same_bits(1, 1.0), same_bits("a", "a")
    (False, False, False, True)
    """
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    return type(one) is type(other) and one == other


def compare_answers(before: Sequence[Value], after: Sequence[Value]) -> AnswersCompared:
    """Compare what the first image answered with what the second one does, in the same order.

    >>> compare_answers([1.0, 2.0], [1.0, 2.0000000000000004]).max_ulps
    1
    """
    changed = [
        _changed(row, one, other)
        for row, (one, other) in enumerate(zip(before, after, strict=True))
        if not same_bits(one, other)
    ]
    return AnswersCompared(
        rows=len(before),
        changed=len(changed),
        examples=tuple(changed[:SHOWN_ROWS]),
        max_difference=max((one.difference or 0.0 for one in changed), default=0.0),
        max_relative=max((one.relative or 0.0 for one in changed), default=0.0),
        max_ulps=max((one.ulps or 0 for one in changed), default=0),
    )


def _changed(row: int, before: Value, after: Value) -> ChangedRow:
    numbers = [float(v) for v in (before, after) if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < 2 or not all(map(math.isfinite, numbers)):
        return ChangedRow(row=row, before=before, after=after)
    difference = abs(numbers[1] - numbers[0])
    relative = difference / abs(numbers[0]) if numbers[0] else None
    return ChangedRow(
        row=row,
        before=before,
        after=after,
        difference=difference,
        relative=relative,
        ulps=ulps_between(numbers[0], numbers[1]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentCompared:
    """The content of the second image beside the first one's.

    Attributes
    ----------
    before, after : str or None
        The content digests; None for one that is not known.
    by : str
        What the first image was known by: what was recorded when it was built, or the image itself.
    changed : int or None
        How many paths (and parts of the configuration) differ; None if that cannot be told.
    paths : tuple of str
        The first of them, each with what differs.
    other_base : str
        The base image that was asked for instead of the recorded one; empty if the same was used.
    """

    before: str | None
    after: str | None
    by: str = ""
    changed: int | None = None
    paths: tuple[str, ...] = ()
    other_base: str = ""

    @property
    def identical(self) -> bool | None:
        """Whether both are known and the same; None if either is unknown."""
        return None if self.before is None or self.after is None else self.before == self.after

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "before": self.before,
            "after": self.after,
            "by": self.by,
            "identical": self.identical,
            "changed": self.changed,
            "paths": list(self.paths),
            "other_base": self.other_base,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of building a version again.

    Attributes
    ----------
    subject : Subject
        The version and the image that was recorded.
    runtime : str
    rebuilt : bool
    problem : str
        Why not, or why the answers could not be compared; empty if nothing stood in the way.
    image : str
        The second image's digest; empty without one.
    content : ContentCompared or None
    answers : AnswersCompared or None
    seconds : float
    notes : tuple of str
        What the reader must know about what was used.
    """

    subject: Subject
    runtime: str
    rebuilt: bool
    problem: str = ""
    image: str = ""
    content: ContentCompared | None = None
    answers: AnswersCompared | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def measurements(self) -> tuple[Measurement, ...]:
        """Return what decides, and by how much the answers differ."""
        content, answers = self.content, self.answers
        found = [_limit("reproduce.not_rebuilt", float(not self.rebuilt), 1, self.problem if not self.rebuilt else "")]
        if content is None or not content.other_base:
            different = None if content is None or content.identical is None else float(not content.identical)
            note = "; ".join(content.paths[:3]) if content is not None else ""
            found.append(_limit("reproduce.content_differs", different, 1, note))
        rows = 0 if answers is None else answers.rows
        changed = None if answers is None else float(answers.changed)
        found.append(_limit("reproduce.answers_changed", changed, rows, self.problem if answers is None else ""))
        if content is not None and content.changed is not None:
            found.append(Measurement(name="reproduce.paths_changed", value=content.changed))
        if answers is not None:
            found += [
                Measurement(name="reproduce.max_difference", value=answers.max_difference, n=rows),
                Measurement(name="reproduce.max_relative", value=answers.max_relative, n=rows),
                Measurement(name="reproduce.max_ulps", value=answers.max_ulps, n=rows),
            ]
        return (*found, Measurement(name="reproduce.seconds", value=self.seconds, unit="s"))

    @property
    def verdict(self) -> Verdict:
        """PASSED: built again, same content (or another base by design), same answers to the last bit."""
        return decide(self.measurements())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values: what the ledger keeps."""
        return {
            "outcome": self.verdict.outcome.value,
            "reasons": list(self.verdict.reasons),
            "subject": self.subject.to_json(),
            "runtime": self.runtime,
            "rebuilt": self.rebuilt,
            "problem": self.problem,
            "image": self.image,
            "content": None if self.content is None else self.content.to_json(),
            "answers": None if self.answers is None else self.answers.to_json(),
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
            "measurements": [one.to_json() for one in self.measurements()],
            **self.more,
        }


def _limit(name: str, value: float | None, n: int, note: str) -> Measurement:
    return Measurement(name=name, value=value, threshold=0, bound=Bound.MAX, n=n, note=note)


def pick(candidates: Sequence[tuple[str, int]], *, count: int, seed: int) -> tuple[tuple[str, int], ...]:
    """Return ``count`` of the versions, drawn by a seed: the same seed draws the same, whatever order they come in.

    >>> pick([("b", 1), ("a", 2), ("a", 1)], count=2, seed=7) == pick([("a", 1), ("a", 2), ("b", 1)], count=2, seed=7)
    True
    """
    import random

    known = sorted(set(candidates))
    return tuple(sorted(random.Random(seed).sample(known, min(count, len(known)))))
