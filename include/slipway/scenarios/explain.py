"""Turn failures into something to act on: the smallest payload, the features that matter, both answers, a curl line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.core.golden import Tolerance
from slipway.core.signature import Signature
from slipway.errors import shorten
from slipway.scenarios.diagnose import Score, diagnose
from slipway.scenarios.encode import body_of, curl_line, path_of
from slipway.scenarios.holdout import Holdout
from slipway.scenarios.measure import json_safe
from slipway.scenarios.shrink import Budget, Probe, shrink
from slipway.scenarios.suite import Case, CaseClass, FailureKind, Result, Row

MAX_EXPLAINED = 5
MAX_TRIED = 12
MAX_PROBES = 200
MAX_PAYLOAD = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One failure, ready to be told.

    Attributes
    ----------
    result : Result
        Of the smallest request that fails in this way.
    original : str
        The name of the case that it was found with.
    columns : tuple of str
        The features that matter; empty if none could be singled out.
    causes : tuple of str
        What would explain the answers ("as if `a` and `b` were swapped").
    similar : int
        How many cases of the same class failed in the same way, this one included.
    path : str
    body : bytes
    curl : str
    before : bytes
        The body of the request that must come before it; empty if none must.
    """

    result: Result
    original: str
    columns: tuple[str, ...]
    causes: tuple[str, ...]
    similar: int
    path: str
    body: bytes
    curl: str
    before: bytes = b""

    def to_json(self) -> dict[str, Any]:
        """Return it as strict JSON values."""
        failure = self.result.failure
        return {
            "case": self.original,
            "class": self.result.case.kind.value,
            "kind": failure.kind.value if failure else "",
            "message": shorten(failure.message, 800) if failure else "",
            "status": self.result.status,
            "columns": list(self.columns),
            "rows": json_safe(self.result.case.rows) if len(self.body) <= MAX_PAYLOAD else [],
            "payload": shorten(self.body.decode("utf-8", "replace"), MAX_PAYLOAD),
            "served": json_safe(failure.served) if failure else None,
            "expected": json_safe(failure.expected) if failure else None,
            "causes": list(self.causes),
            "similar": self.similar,
            "curl": self.curl,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """What explaining needs: a way to ask the service, a way to ask the reference, and the declaration."""

    probe: Probe
    score: Score
    signature: Signature
    tolerance: Tolerance
    model: str
    url: str

    def explain(self, results: Sequence[Result], holdout: Holdout, *, alive: bool) -> list[Explained]:
        """Return the failures to tell, at most ``MAX_EXPLAINED``, no request twice: one of each kind first.

        Parameters
        ----------
        alive : bool
            Whether the service still answers; a dead one is not asked again.
        """
        groups = group(results)
        budget = Budget(MAX_PROBES if alive else 0)
        good = good_row(results, holdout)
        told: dict[tuple[FailureKind | None, bytes], Explained] = {}
        for result in _in_order(groups)[:MAX_TRIED]:
            one = self._explain_one(result, groups[_key(result)], good=good, budget=budget, number=len(told) + 1)
            told.setdefault((_key(one.result)[1], one.body), one)
            if len(told) == MAX_EXPLAINED:
                break
        return list(told.values())

    def _explain_one(
        self, result: Result, members: Sequence[Result], *, good: Row, budget: Budget, number: int
    ) -> Explained:
        causes = diagnose(members, score=self.score, tolerance=self.tolerance, signature=self.signature)
        smallest = shrink(result, self.probe, good=good, budget=budget)
        named = tuple(dict.fromkeys(column for cause in causes for column in cause.columns))
        failure = smallest.result.failure
        reported = failure.columns if failure is not None else ()
        case = smallest.result.case
        path, body = path_of(case, self.model), body_of(case, self.signature)
        return Explained(
            result=smallest.result,
            original=result.case.name,
            columns=named or smallest.columns or reported,
            causes=tuple(cause.text for cause in causes),
            similar=len(members),
            path=path,
            body=body,
            curl=self._curl(case, number),
            before=b"" if case.after is None else body_of(case.after, self.signature),
        )

    def _curl(self, case: Case, number: int) -> str:
        """Return the shell lines that repeat a case: first what is to be sent before it."""
        line = curl_line(
            self.url, path_of(case, self.model), body_of(case, self.signature), file_name=body_file(number)
        )
        if case.after is None:
            return line
        before, file = case.after, before_file(number)
        first = curl_line(self.url, path_of(before, self.model), body_of(before, self.signature), file_name=file)
        return f"{first}\n{line}"


def body_file(number: int) -> str:
    """Return the name of the file that holds the body of a told failure."""
    return f"failure-{number}.body"


def before_file(number: int) -> str:
    """Return the name of the file that holds the body of the request before it."""
    return f"failure-{number}-before.body"


def group(results: Sequence[Result]) -> dict[tuple[CaseClass, FailureKind | None], list[Result]]:
    """Return the failures by class and kind, in the order in which each first came."""
    groups: dict[tuple[CaseClass, FailureKind | None], list[Result]] = {}
    for result in results:
        if result.failure is not None:
            groups.setdefault(_key(result), []).append(result)
    return groups


def _in_order(groups: dict[tuple[CaseClass, FailureKind | None], list[Result]]) -> list[Result]:
    """Return the failures: the first of each kind, the first of each class and kind, then the others."""
    kinds: dict[FailureKind | None, Result] = {}
    for (_, kind), members in groups.items():
        kinds.setdefault(kind, members[0])
    classes = [members[0] for members in groups.values()]
    others = [result for members in groups.values() for result in members[1:]]
    return list({id(result): result for result in (*kinds.values(), *classes, *others)}.values())


def good_row(results: Sequence[Result], holdout: Holdout) -> Row:
    """Return a row that was answered rightly by itself; the holdout's base row if none was."""
    single = (r for r in results if r.case.kind is CaseClass.IN_RANGE and len(r.case.rows) == 1)
    return next((r.case.rows[0] for r in single if r.sent and r.failure is None), holdout.base)


def _key(result: Result) -> tuple[CaseClass, FailureKind | None]:
    return result.case.kind, result.failure.kind if result.failure is not None else None
