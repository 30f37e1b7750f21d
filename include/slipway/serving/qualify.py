"""``python -m slipway.serving.qualify FOLDER``: which backends answer as the native model does, in this environment.

Runs with the interpreter of the image that is being built, before it is built. Reads ``request.json`` in the folder,
writes ``evidence.json`` there.

Rules
-----
1. The native model, called through MLflow, is right by definition.
2. Every other backend gets the same rows through the same policies, and must agree within the version's tolerance.
3. The fastest on single rows is compared on all rows. If it is refused, the next one is. Those that are slower than one
   that answers the same are compared on a part of the rows; how many is said.
4. Served is the fastest on single rows of those that answer the same; a backend must be a tenth faster than a simpler
   one, else the simpler one is served.
5. A backend that differs is refused, with the row that shows it most.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from slipway.core.signature import Signature
from slipway.errors import SlipwayError
from slipway.serving import probe
from slipway.serving.backends.base import Name
from slipway.serving.backends.compare import Answers, Comparison, compare
from slipway.serving.backends.trial import Arrays, Chunk, TooManyFailures, answers, chunks, microseconds
from slipway.serving.policies import Policies
from slipway.serving.predictor import COMPILED, Predictor, load_each

REQUEST, EVIDENCE = "request.json", "evidence.json"
SIMPLEST_FIRST = (Name.PYFUNC, Name.UNWRAPPED, Name.FRAME, Name.ARRAY, Name.ONNX, Name.TREES)
MUST_GAIN = 0.9
_PART_CHUNKS = 2
_TIMED_ROWS = 1000
_TIMED_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One backend's outcome: ``native``, ``same``, ``refused`` or ``absent``; why; and what was measured."""

    name: str
    outcome: str
    reason: str = ""
    rows: int = 0
    mismatches: int = 0
    largest_difference: float | None = None
    row: Mapping[str, Any] | None = None
    native_answer: Any = None
    answer: Any = None
    us_1: float | None = None
    us_1000: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}


def choose(candidates: Sequence[Candidate]) -> str:
    """Return the name of the backend to serve, by rule 4."""
    allowed = {one.name: one for one in candidates if one.outcome in ("native", "same") and one.us_1 is not None}
    chosen = Name.PYFUNC.value
    for name in SIMPLEST_FIRST:
        one, best = allowed.get(name), allowed.get(chosen)
        if one is not None and (best is None or (one.us_1 or 0.0) < MUST_GAIN * (best.us_1 or 0.0)):
            chosen = name.value
    return chosen


def qualify(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the evidence on every backend of a model.

    Parameters
    ----------
    request : mapping
        ``signature``; ``tolerance`` {absolute, relative}; ``model``: its folder; ``rows``, ``more_rows``: .npz files of
        rows that must be compared, and of rows that are while there is time; ``compiled``: the file of each compiled
        backend; ``reasons``: why there is none of the others; ``seconds``: how long to compare. Paths are from the
        folder.
    folder : Path

    Raises
    ------
    SlipwayError
        If the native model cannot be loaded, or answers nonsense.
    """
    started = time.monotonic()
    signature = Signature.from_json(request["signature"])
    compiled = {name: folder / file for name, file in request["compiled"].items()}
    predictors, problems = load_each(folder / request["model"], signature, compiled=compiled)
    must, more = (_chunks(folder, request[which], signature) for which in ("rows", "more_rows"))
    timed = [_timed(one, signature, "same") for one in predictors]
    trial = _Trial(
        predictors[0], [*must, *more], len(must), request["tolerance"], time.monotonic() + request["seconds"]
    )
    judged = trial.run(list(zip(predictors, timed, strict=True))[1:])
    candidates = [replace(timed[0], outcome="native"), *judged]
    candidates += [Candidate(name=name, outcome="refused", reason=reason) for name, reason in problems.items()]
    candidates += [
        Candidate(name=name, outcome="absent", reason=request["reasons"].get(name, ""))
        for name in COMPILED
        if name not in compiled
    ]
    return {
        "chosen": choose(candidates),
        "tolerance": dict(request["tolerance"]),
        "rows": sum(part.rows for part in (*must, *more)),
        "seconds": time.monotonic() - started,
        "candidates": [one.to_json() for one in candidates],
    }


def _chunks(folder: Path, names: Sequence[str], signature: Signature) -> list[Chunk]:
    return list(chunks((_load(folder / name) for name in names), signature))


class _Trial:
    """Compares backends with the native one; the native answers are computed once, as far as they are needed."""

    def __init__(
        self, native: Predictor, parts: Sequence[Chunk], must: int, tolerance: Mapping[str, float], ends_at: float
    ) -> None:
        self._native, self._parts, self._must = native, parts, must
        self._tolerance, self._ends_at = tolerance, ends_at
        self._expected: list[Answers] = []

    def run(self, others: Sequence[tuple[Predictor, Candidate]]) -> list[Candidate]:
        """Judge the fastest first; of those that are too slow to be chosen then, a part."""
        found: list[Candidate] = []
        for predictor, candidate in sorted(others, key=lambda pair: pair[1].us_1 or 0.0):
            enough = MUST_GAIN * (candidate.us_1 or 0.0)
            settled = any(one.outcome == "same" and (one.us_1 or 0.0) < enough for one in found)
            found.append(self._judge(predictor, candidate, _PART_CHUNKS if settled else len(self._parts)))
        return found

    def _judge(self, predictor: Predictor, candidate: Candidate, limit: int) -> Candidate:
        rows = mismatches = compared = 0
        largest, worst = 0.0, None
        try:
            for part, expected in zip(self._parts[:limit], self._answers(), strict=False):
                found = compare(expected, answers(predictor, part), **self._tolerance)
                rows, mismatches, compared = rows + found.rows, mismatches + found.mismatches, compared + 1
                if found.worst is not None and (worst is None or _is_worse(found, worst[1])):
                    worst = (part, found)
                largest = max(largest, found.largest)
        except TooManyFailures as error:
            return replace(candidate, outcome="refused", reason=f"too many rows without an answer: {error}", rows=rows)
        judged = replace(candidate, rows=rows, mismatches=mismatches, largest_difference=largest)
        if worst is not None:
            part, found = worst
            judged = replace(judged, row=_row(part, found), native_answer=found.native, answer=found.answer)
        if mismatches:
            return replace(judged, outcome="refused", reason=f"{mismatches} of {rows} rows beyond the tolerance")
        if not rows or compared < min(limit, self._must):
            return replace(judged, outcome="refused", reason=f"no more time after {rows} rows")
        return judged

    def _answers(self) -> Iterator[Answers]:
        """Give the native answers, part by part, until the time is up."""
        for place, part in enumerate(self._parts):
            if place and time.monotonic() > self._ends_at:
                return
            if place == len(self._expected):
                self._expected.append(answers(self._native, part))
            yield self._expected[place]


def _is_worse(found: Comparison, than: Comparison) -> bool:
    return (found.mismatches > 0, found.largest) > (than.mismatches > 0, than.largest)


def _row(part: Chunk, found: Comparison) -> dict[str, Any]:
    place = found.worst or 0
    return {name: _plain(values[place : place + 1].tolist()[0]) for name, values in part.columns.items()}


def _plain(value: Any) -> Any:
    """Return what JSON can hold: NaN as null."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _timed(predictor: Predictor, signature: Signature, outcome: str) -> Candidate:
    # Rows in range: those that it was warmed with, so that it answers them.
    columns = Policies(signature).apply(probe.in_range_rows(signature)).columns
    one, many = (microseconds(predictor, columns, rows, seconds=_TIMED_SECONDS) for rows in (1, _TIMED_ROWS))
    return Candidate(name=predictor.backend, outcome=outcome, us_1=one, us_1000=many)


def _load(path: Path) -> Arrays:
    """Read rows from arrays; strings lie there as fixed-width text, and what is missing is told apart."""
    table: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:
            kind, _, column = name.partition(":")
            if kind == "number":
                table[column] = arrays[name]
            elif kind == "text":
                texts = arrays[name].astype(object)
                texts[arrays[f"missing:{column}"]] = None
                table[column] = texts
    return table


def main(arguments: Sequence[str]) -> int:
    """Qualify in a folder; 0 if evidence was written."""
    folder = Path(arguments[0])
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    try:
        evidence = qualify(request, folder)
    except SlipwayError as error:
        print(str(error), file=sys.stderr)
        return 1
    (folder / EVIDENCE).write_text(json.dumps(evidence, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
