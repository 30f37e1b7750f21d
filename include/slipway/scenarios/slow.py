"""Requests that take longer than the objective although nobody else asks: found, and told apart from a slow host.

Rules
-----
1. A request is slow if it takes longer than the limit ``TIMES`` times, each time sent alone, and each time a plain
   request sent just before it did not: the two meet the same host.
2. One quick answer clears it. A round in which the plain request is late as well says nothing; after ``ROUNDS`` rounds
   nothing can be said.

If a busy host delays a share q of all requests past the limit, whatever they ask, a good request that was late once is
called slow with a probability of at most (q / (1 + q))**4: each round that says anything clears it with 1 / (1 + q).
At q = 0.1 that is 7e-5, and 0.3 % for all of the ``MAX_ASKED_IN_ALL`` that may be asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from slipway.scenarios.suite import Case, Failure, FailureKind, Result

TIMES = 4
ROUNDS = 8
MAX_CONFIRMED = 2
MAX_ASKED = 4
MAX_ASKED_IN_ALL = 40

Ask = Callable[[Case], float]
"""Sends a case, nobody else asking, and returns the milliseconds until its answer; infinity if there was none."""


@dataclass(slots=True)
class Watch:
    """Asks again what was late, and keeps count.

    Attributes
    ----------
    ask : callable
    plain : Case
        A complete row in range: what every late request is held against.
    limit_ms : float
    confirmed, unclear, asked : int
        Requests that are slow, those of which nothing can be said, and all that were asked again.
    """

    ask: Ask
    plain: Case
    limit_ms: float
    confirmed: int = 0
    unclear: int = 0
    asked: int = 0
    _known: set[str] = field(default_factory=set)

    def review(self, results: Sequence[Result]) -> list[Result]:
        """Return the results, with a failure on those that are slow; at most ``MAX_ASKED`` of them are asked again."""
        late = sorted((r for r in results if self._suspect(r)), key=lambda r: -r.ms)
        wrong = {}
        for result in late[:MAX_ASKED]:
            if self.confirmed < MAX_CONFIRMED and self.asked < MAX_ASKED_IN_ALL:
                self._known.add(result.case.name)
                failure = self.judge(result.case)
                if failure is not None:
                    wrong[result.case.name] = failure
        return [
            replace(r, failure=wrong[r.case.name]) if r.case.name in wrong and r.failure is None else r for r in results
        ]

    def judge(self, case: Case) -> Failure | None:
        """Ask a late request again; return the failure if it is slow."""
        self.asked += 1
        slow: list[float] = []
        plain: list[float] = []
        for _ in range(ROUNDS):
            beside, took = self.ask(self.plain), self.ask(case)
            if took <= self.limit_ms:
                return None
            if beside <= self.limit_ms:
                slow.append(took)
                plain.append(beside)
            if len(slow) == TIMES:
                self.confirmed += 1
                return self._failure(case, slow, plain)
        self.unclear += 1
        return None

    def glance(self, result: Result) -> Result:
        """Return the result of one more case like a slow one, marked if it is late twice and a plain row is not."""
        late = result.sent and result.failure is None and result.ms > self.limit_ms
        if not (self.confirmed and late):
            return result
        beside, took = self.ask(self.plain), self.ask(result.case)
        if beside > self.limit_ms or took <= self.limit_ms:
            return result
        return replace(result, failure=self._failure(result.case, [result.ms, took], [beside]))

    def _suspect(self, result: Result) -> bool:
        case = result.case
        alone = result.sent and len(case.rows) == 1 and case.after is None and result.failure is None
        return alone and result.ms > self.limit_ms and case.name not in self._known

    def _failure(self, case: Case, slow: list[float], plain: list[float]) -> Failure:
        message = (
            f"sent by itself it took {min(slow):.0f} to {max(slow):.0f} ms, each of {len(slow)} times; "
            f"a plain row beside it took {min(plain):.0f} to {max(plain):.0f} ms"
        )
        return Failure(
            kind=FailureKind.TOO_SLOW,
            message=message,
            served=f"{min(slow):.0f} ms",
            expected=f"at most {self.limit_ms:g} ms",
            columns=case.columns,
        )
