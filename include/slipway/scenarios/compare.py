"""Judge a reply against what its case must get. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from slipway.core.golden import Tolerance
from slipway.core.identity import Subject
from slipway.core.signature import Signature
from slipway.errors import shorten
from slipway.scenarios.encode import read_served
from slipway.scenarios.suite import Case, Expectation, Failure, FailureKind, Limits, Reply, Result, Served


@dataclass(frozen=True, slots=True)
class Judge:
    """What every reply is held against: the signature, the tolerance, and who must have answered."""

    signature: Signature
    tolerance: Tolerance
    subject: Subject

    def judge(self, case: Case, expectation: Expectation, replies: Sequence[Reply]) -> Result:
        """Return the result of one case, sent once or more often; no reply means that it was not sent."""
        if not replies:
            return Result(case=case, expectation=expectation, sent=False)
        ms = 1000 * max(reply.seconds for reply in replies)
        return replace(self._judge_all(case, expectation, replies), ms=ms)

    def _judge_all(self, case: Case, expectation: Expectation, replies: Sequence[Reply]) -> Result:
        first = self._judge_one(case, expectation, replies[0])
        if first.failure is not None:
            return first
        for reply in replies[1:]:
            again = self._judge_one(case, expectation, reply)
            if again.failure is not None:
                return again
            if again.answers != first.answers:
                return replace(again, failure=_unsteady(first.answers, again.answers))
        return first

    def _judge_one(self, case: Case, expectation: Expectation, reply: Reply) -> Result:
        result = Result(case=case, expectation=expectation, status=reply.status)
        failure = _status_failure(expectation, reply)
        if failure is not None:
            return replace(result, failure=failure)
        if not expectation.answered:
            failure = _rejection_failure(expectation, reply)
            return replace(result, failure=failure)
        wrong = wrong_identity(reply.headers, self.subject)
        if wrong:
            return replace(result, failure=Failure(kind=FailureKind.WRONG_VERSION, message=wrong))
        try:
            served = read_served(case, reply.body, self.signature)
        except ValueError as error:
            failure = Failure(kind=FailureKind.BAD_REPLY, message=str(error), served=_text(reply))
            return replace(result, failure=failure)
        failure = self._answer_failure(case, expectation, served)
        difference = largest_difference(served.answers, expectation.answers)
        return replace(result, answers=served.answers, difference=difference, failure=failure)

    def _answer_failure(self, case: Case, expectation: Expectation, served: Served) -> Failure | None:
        expected = expectation.answers
        if len(served.answers) != len(expected):
            message = f"{len(expected)} rows got {len(served.answers)} answers"
            return Failure(kind=FailureKind.BAD_REPLY, message=message)
        for i, (got, want) in enumerate(zip(served.answers, expected, strict=True)):
            if not self.tolerance.agrees(got, want):
                message = f"served {got!r}, the reference says {want!r}"
                return Failure(kind=FailureKind.WRONG_ANSWER, message=message, row=i, served=got, expected=want)
        return _flag_failure(expectation, served) or _limit_failure(case, expectation, served)


def wrong_identity(headers: Mapping[str, str], subject: Subject) -> str:
    """Return what the reply's headers say against the subject under test; empty if they agree.

    >>> subject = Subject(model="churn", version=2, artifact_sha256="sha256:" + "ab" * 32)
    >>> wrong_identity({"x-slipway-model": "churn", "x-slipway-version": "1"}, subject)
    "x-slipway-version is '1', not '2'; x-slipway-artifact is absent, not 'abababababab'"
    """
    want = {
        "x-slipway-model": subject.model,
        "x-slipway-version": str(subject.version),
        "x-slipway-artifact": subject.artifact_sha256.removeprefix("sha256:")[:12],
    }
    wrong = []
    for name, value in want.items():
        got = headers.get(name)
        if got != value:
            wrong.append(f"{name} is {'absent' if got is None else repr(got)}, not {value!r}")
    return "; ".join(wrong)


def largest_difference(answers: Sequence[Any], expected: Sequence[Any]) -> float | None:
    """Return the largest absolute difference between two lists of numbers; None where there are none.

    >>> largest_difference([1.0, 2.5], [1.0, 2.0])
    0.5
    """
    pairs = [(a, b) for a, b in zip(answers, expected, strict=False) if is_number(a) and is_number(b)]
    return max((abs(float(a) - float(b)) for a, b in pairs), default=None)


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether an answer is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _status_failure(expectation: Expectation, reply: Reply) -> Failure | None:
    if reply.error:
        return Failure(kind=FailureKind.NO_ANSWER, message=reply.error)
    if reply.status in expectation.statuses:
        return None
    wanted = " or ".join(str(status) for status in sorted(expectation.statuses))
    said = f"HTTP {reply.status}, expected {wanted}"
    columns = tuple(sorted(expectation.culprits))
    if reply.asks_to_wait:
        kind, said = FailureKind.OVERLOADED, f"{said}, each time that it was asked again after the time it had named"
    elif reply.status >= 500:
        kind = FailureKind.SERVER_ERROR
    elif expectation.answered:
        kind = FailureKind.REFUSED
    else:
        kind = FailureKind.ACCEPTED if reply.status == 200 else FailureKind.BAD_REJECTION
        because = f": {', '.join(columns[:5])} must be rejected" if columns else ": the request must be rejected"
        said += because
    expected: Any = list(expectation.answers) if expectation.answered else f"HTTP {wanted}"
    return Failure(kind=kind, message=said, served=_text(reply), expected=expected, columns=columns)


def _rejection_failure(expectation: Expectation, reply: Reply) -> Failure | None:
    """Require that a rejection says what was wrong, and names a column that was."""

    def failure(message: str) -> Failure:
        columns = tuple(sorted(expectation.culprits))
        return Failure(kind=FailureKind.BAD_REJECTION, message=message, served=_text(reply), columns=columns)

    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return failure(f"HTTP {reply.status} with a body that is not JSON")
    if not isinstance(body, dict) or not body.get("error"):
        return failure(f'HTTP {reply.status} without "error" in its body')
    if reply.status != 422 or not expectation.culprits:
        return None
    problems = body.get("problems")
    listed = problems if isinstance(problems, list) else []
    named = {str(problem.get("column")) for problem in listed if isinstance(problem, dict)}
    if named & expectation.culprits:
        return None
    return failure(f'its "problems" name none of {", ".join(sorted(expectation.culprits)[:5])}')


def _flag_failure(expectation: Expectation, served: Served) -> Failure | None:
    odd = sorted(served.flags ^ expectation.flags)
    if not odd:
        return None
    one = odd[0]
    absent = one in expectation.flags
    message = (
        f"the answer {'does not say' if absent else 'says without cause'} that {one.column!r} in row {one.row} "
        f"was {one.reason} and got {one.policy}"
    )
    return Failure(
        kind=FailureKind.WRONG_FLAGS,
        message=message,
        row=one.row,
        served=[_flag_text(flag.column, flag.policy, flag.reason) for flag in sorted(served.flags)][:20],
        expected=[_flag_text(flag.column, flag.policy, flag.reason) for flag in sorted(expectation.flags)][:20],
        columns=tuple(dict.fromkeys(flag.column for flag in odd)),
    )


def _flag_text(column: str, policy: str, reason: str) -> str:
    return f"{column}: {policy} ({reason})"


def _limit_failure(case: Case, expectation: Expectation, served: Served) -> Failure | None:
    """Hold a named case against the limits that its author declared."""
    limits = case.limits or Limits()
    answer, reference = served.answers[0], expectation.answers[0]
    for limit, word in ((limits.below, "below"), (limits.above, "above")):
        if limit is None:
            continue
        held = is_number(answer) and (answer < limit if word == "below" else answer > limit)
        if not held:
            message = f"the answer must lie {word} {limit}; served {answer!r}, the reference says {reference!r}"
            return Failure(kind=FailureKind.NAMED_LIMIT, message=message, served=answer, expected=f"{word} {limit}")
    return None


def _unsteady(first: Sequence[Any], again: Sequence[Any]) -> Failure:
    row = next(i for i, (a, b) in enumerate(zip(first, again, strict=True)) if a != b)
    message = f"the same request got {first[row]!r}, then {again[row]!r}"
    return Failure(kind=FailureKind.UNSTEADY, message=message, row=row, served=again[row], expected=first[row])


def _text(reply: Reply) -> str:
    return shorten(reply.body.decode("utf-8", "replace"), 600)
