"""Hold answers against each other: what depends on something that it must not depend on?

A metamorphic check: it needs no ground truth, only that the same row got an answer before. So it tells what an answer
depends on, where the reference only tells that it is wrong (Chen, Cheung, Yiu, "Metamorphic testing", 1998).

Rules
-----
1. A case that checks an invariance names its base: the case in which the same rows were asked before, with nothing
   changed. Without one, each row is compared with the answer that it got by itself.
2. The same request, one at a time, must get the identical answer. Where rows are arranged in another way, the declared
   tolerance decides: a sum may be added up in another order.
3. A case that gets no answer although its base did breaks the invariance. What has no base to be compared with says
   nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slipway.core.golden import Tolerance
from slipway.scenarios.compare import largest_difference
from slipway.scenarios.suite import Failure, FailureKind, Invariance, Result, Row

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """How an invariance came out: cases compared, cases that broke it, the largest difference, the first example."""

    invariance: Invariance
    compared: int
    broken: int
    largest: float | None = None
    example: str = ""


@dataclass(frozen=True, slots=True)
class _Checked:
    result: Result
    compared: bool = False
    broken: bool = False
    largest: float | None = None


def check(results: Sequence[Result], tolerance: Tolerance) -> tuple[list[Result], tuple[Held, ...]]:
    """Return the results, with a failure on those that break an invariance and nothing else, and what held.

    An invariance that no case among ``results`` is about is left out.
    """
    answers = {result.case.name: _answers(result) for result in results if result.compared}
    by_itself: dict[str, Any] = {}
    for result in results:
        if result.compared and len(result.case.rows) == 1 and result.case.invariance is None:
            for key, answer in _answers(result).items():
                by_itself.setdefault(key, answer)
    checked = [_check(result, answers, by_itself, tolerance) for result in results]
    held = []
    for invariance in Invariance:
        about = [one for one in checked if one.result.case.invariance is invariance]
        if about:
            held.append(_held(invariance, about))
    return [one.result for one in checked], tuple(held)


def _check(result: Result, answers: Mapping[str, Answers], by_itself: Answers, tolerance: Tolerance) -> _Checked:
    case = result.case
    if case.invariance is None or not result.sent or not result.expectation.answered:
        return _Checked(result)
    if case.invariance is Invariance.REPEATED:
        broken = result.failure is not None and result.failure.kind is FailureKind.UNSTEADY
        return _Checked(result, compared=result.compared, broken=broken)
    base = answers.get(case.base, {}) if case.base else by_itself
    known = [(i, base[key]) for i, key in enumerate(map(_key, case.rows)) if key in base]
    if not known:
        return _Checked(result)
    if not result.compared:
        return _Checked(result, compared=True, broken=True)
    largest = largest_difference([result.answers[i] for i, _ in known], [want for _, want in known])
    wrong = [(i, want) for i, want in known if not _same(result.answers[i], want, case.invariance, tolerance)]
    if wrong and result.failure is None:
        result = replace(result, failure=_failure(result, *wrong[0]))
    return _Checked(result, compared=True, broken=bool(wrong), largest=largest)


def _same(got: Any, want: Any, invariance: Invariance, tolerance: Tolerance) -> bool:
    if invariance.exact:
        return type(got) is type(want) and bool(got == want)
    return tolerance.agrees(got, want)


def _failure(result: Result, row: int, want: Any) -> Failure:
    case, got = result.case, result.answers[row]
    before = f"in the case {case.base!r}" if case.base else "by itself"
    what = "" if case.invariance is None else case.invariance.value.replace("_", " ")
    message = f"the answer depends on the {what}: {got!r} here, {want!r} {before}"
    return Failure(kind=FailureKind.VARIES, message=message, row=row, served=got, expected=want)


def _held(invariance: Invariance, about: Sequence[_Checked]) -> Held:
    broken = [one.result for one in about if one.broken]
    return Held(
        invariance=invariance,
        compared=sum(one.compared for one in about),
        broken=len(broken),
        largest=max((one.largest for one in about if one.largest is not None), default=None),
        example=broken[0].case.name if broken else "",
    )


def _answers(result: Result) -> dict[str, Any]:
    return dict(zip(map(_key, result.case.rows), result.answers, strict=True))


def _key(row: Row) -> str:
    """Return a row's content, whatever the order of its columns; null and absent are the same."""
    return json.dumps({name: value for name, value in row.items() if value is not None}, sort_keys=True)
