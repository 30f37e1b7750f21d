"""Say what the service may be doing wrong: find the change to the rows under which the reference answers as it does.

Each hypothesis rewrites the rows ("as if `a` and `b` were swapped"). One that explains the served answer of every
failing row is worth telling; the reference itself is the judge, so nothing is guessed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.core.golden import Tolerance
from slipway.core.signature import DType, Signature, Value
from slipway.errors import ReferenceFailed
from slipway.scenarios.suite import FailureKind, Result

Score = Callable[[Sequence[Mapping[str, Value]]], list[Value]]
MAX_EVIDENCE = 8
MAX_TOLD = 3
MAX_SWAPS = 2000
FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0, -1.0)


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A row as the model must see it, the same row as it was sent, and the wrong answer that was served."""

    treated: Mapping[str, Value]
    sent: Mapping[str, Any]
    served: Any


Rewrite = Callable[[WrongAnswer], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A change to the rows: what it is called, the columns it touches, and the row that it makes."""

    text: str
    columns: tuple[str, ...]
    rewrite: Rewrite


def diagnose(
    results: Sequence[Result], *, score: Score, tolerance: Tolerance, signature: Signature
) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that explain every wrong answer among ``results``; none if none does, or too many do.

    Parameters
    ----------
    results : sequence of Result
        Failures that are thought to have one cause; at most ``MAX_EVIDENCE`` of them are used.
    score : callable
        The reference.
    """
    evidence = [_evidence(result) for result in results if _is_wrong_answer(result)][:MAX_EVIDENCE]
    standing = hypotheses(signature) if evidence else []
    for one in evidence:
        standing = _explaining(standing, one, score, tolerance)
        if not standing:
            break
    return tuple(standing) if len(standing) <= MAX_TOLD else ()


def hypotheses(signature: Signature) -> list[Hypothesis]:
    """Return every change that is tried."""
    found = [Hypothesis("as if no policy were applied", (), _as_sent)]
    found += [
        Hypothesis(f"as if `{c.name}` were passed on as it was sent", (c.name,), _kept(c.name))
        for c in signature.inputs
    ]
    numeric = [column for column in signature.inputs if column.dtype.is_numeric]
    for column in numeric:
        for value in dict.fromkeys(v for v in (0, -1, column.min, column.max) if v is not None):
            typed = float(value) if column.dtype is DType.FLOAT else int(value)
            found.append(
                Hypothesis(f"as if `{column.name}` were always {typed}", (column.name,), _fixed(column.name, typed))
            )
        if column.dtype is DType.FLOAT:
            found += [
                Hypothesis(f"as if `{column.name}` were multiplied by {f:g}", (column.name,), _scaled(column.name, f))
                for f in FACTORS
            ]
    pairs = itertools.islice(itertools.combinations(signature.inputs, 2), MAX_SWAPS)
    found += [
        Hypothesis(f"as if `{a.name}` and `{b.name}` were swapped", (a.name, b.name), _swapped(a.name, b.name))
        for a, b in pairs
        if a.dtype is b.dtype
    ]
    return found


def _explaining(standing: list[Hypothesis], one: WrongAnswer, score: Score, tolerance: Tolerance) -> list[Hypothesis]:
    tried = [(hypothesis, hypothesis.rewrite(one)) for hypothesis in standing]
    tried = [(hypothesis, row) for hypothesis, row in tried if row != one.treated]
    try:
        answers = score([row for _, row in tried])
    except ReferenceFailed:
        # The reference need not cope with rows that the signature keeps out; ask for each row by itself.
        answers = [_score_one(row, score) for _, row in tried]
    return [h for (h, _), answer in zip(tried, answers, strict=True) if tolerance.agrees(one.served, answer)]


def _score_one(row: Mapping[str, Any], score: Score) -> Value:
    try:
        return score([row])[0]
    except ReferenceFailed:
        return None


def _is_wrong_answer(result: Result) -> bool:
    return result.failure is not None and result.failure.kind is FailureKind.WRONG_ANSWER


def _evidence(result: Result) -> WrongAnswer:
    row = result.failure.row if result.failure is not None else 0
    return WrongAnswer(result.expectation.rows[row], result.case.rows[row], result.answers[row])


def _as_sent(one: WrongAnswer) -> dict[str, Any]:
    return {name: one.sent.get(name) for name in one.treated}


def _kept(name: str) -> Rewrite:
    return lambda one: {**one.treated, name: one.sent.get(name)}


def _fixed(name: str, value: Value) -> Rewrite:
    return lambda one: {**one.treated, name: value}


def _scaled(name: str, factor: float) -> Rewrite:
    def rewrite(one: WrongAnswer) -> dict[str, Any]:
        value = one.treated[name]
        return {**one.treated, name: value * factor if isinstance(value, float) else value}

    return rewrite


def _swapped(a: str, b: str) -> Rewrite:
    return lambda one: {**one.treated, a: one.treated[b], b: one.treated[a]}
