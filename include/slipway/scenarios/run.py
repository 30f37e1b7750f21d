"""Run a suite: the reference on one side, the service on the other."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from slipway.core.signature import Signature
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.scenarios.compare import Judge
from slipway.scenarios.explain import Explained, Explainer
from slipway.scenarios.holdout import Holdout
from slipway.scenarios.invariance import AT_ONCE
from slipway.scenarios.metamorphic import Held, check
from slipway.scenarios.plan import Pace, Stage, Suite
from slipway.scenarios.reference import Reference
from slipway.scenarios.replay import WORKERS, Replay
from slipway.scenarios.slow import Watch
from slipway.scenarios.suite import Case, CaseClass, Expectation, Result
from slipway.scenarios.treat import expect

Progress = Callable[[str], None]
# After each part it is looked whether to go on; requests sent alone are few and may be slow.
PART = {Pace.ALONE: 10, Pace.FEW: 100}
# What is sent after the first failure is there to tell more about it, not to find it.
AFTER_FAILURE_S = 8.0
ENOUGH_FAILURES = 12
EXPLAIN_S = 10.0
# A few at a time only where they get in each other's way by far less than the objective allows.
SHARE_OF_OBJECTIVE = 0.5


class Run:
    """One run of a suite: the reference on one side, the service on the other.

    Attributes
    ----------
    requests : int
        HTTP requests that were sent.
    stopped : str
        Why not all was sent; empty if it was.
    alone_ms : float or None
        The median time of the first plain rows.
    alone : mapping of CaseClass to list of float
        The milliseconds of every request that was sent by itself, class by class.
    held : tuple of Held
        How the invariances came out.
    """

    def __init__(
        self, spec: ModelSpec, signature: Signature, files: VersionFiles, reference: Reference, sender: Replay
    ) -> None:
        self.tolerance = spec.reference.tolerance
        self.signature, self.reference, self.sender = signature, reference, sender
        self.judge = Judge(signature, self.tolerance, files.subject)
        self.model = files.subject.model
        self.requests = 0
        self.stopped = ""
        # Over a thousand requests to a service that breaks its objective at the first ones would show nothing more.
        self.too_slow_ms = spec.objectives.p99_ms
        self.alone_ms: float | None = None
        self.alone: dict[CaseClass, list[float]] = defaultdict(list)
        self.held: tuple[Held, ...] = ()
        self.watch: Watch | None = None

    def replay(self, suite: Suite, say: Progress) -> list[Result]:
        """Send stage after stage; little once something has failed, and no flood then."""
        results = self._first(suite.first)
        if self.alone_ms is not None and self.alone_ms <= self.too_slow_ms:
            suite = suite.thinned(self.alone_ms)
            self.watch = Watch(self._milliseconds, suite.first[0], self.too_slow_ms)
            say(f"sending {len(suite.cases)} requests; the first took {self.alone_ms:.3g} ms each")
            for stage in suite.stages:
                if self.sender.stopped or (stage.flood and _failures(results)):
                    break
                self._stage(stage, results)
                say(f"{stage.name}: {len(results)} of {len(suite.cases)} cases sent")
        self.requests, self.stopped = self.sender.requests, self.sender.stopped
        unsent = suite.cases[len(results) :]
        if unsent and not self.stopped and _failures(results):
            self.stopped = f"{_failures(results)} cases had failed; {len(unsent)} more were not sent"
        results, self.held = check(results, self.tolerance)
        return results + [Result(case=case, expectation=expect(case, self.signature), sent=False) for case in unsent]

    def _first(self, cases: Sequence[Case]) -> list[Result]:
        """Send the first cases one after another; only one, if another version answers it or nobody does."""
        expectations = self._expectations(cases)
        results = self._judged(cases[:1], expectations[:1], workers=1)
        if results[0].failure is not None and results[0].failure.kind.is_final:
            return results
        results += self._judged(cases[1:], expectations[1:], workers=1)
        times = [result.ms for result in results if result.sent]
        self.alone_ms = statistics.median(times) if times else None
        self.alone[CaseClass.IN_RANGE] += times
        return results

    def _stage(self, stage: Stage, results: list[Result]) -> None:
        """Send a stage part by part and add its results; stop where more would tell nothing more."""
        expectations = self._expectations(stage.cases)
        size = PART.get(stage.pace, len(stage.cases))
        for start in range(0, len(stage.cases), max(1, size)):
            if self.sender.stopped or (stage.flood and _failures(results) >= ENOUGH_FAILURES):
                return
            part = slice(start, start + size)
            judged = self._judged(stage.cases[part], expectations[part], workers=self._workers(stage.pace))
            if stage.pace is Pace.ALONE:
                for result in judged:
                    self.alone[result.case.kind].append(result.ms)
            if self.watch is not None and stage.pace is not Pace.AT_ONCE:
                judged = self.watch.review(judged)
            results += judged
            if _failures(judged):
                self.sender.limit(
                    AFTER_FAILURE_S, f"cases had failed; the rest was not sent within {AFTER_FAILURE_S:g} s"
                )

    def _workers(self, pace: Pace) -> int:
        if pace is Pace.FEW:
            together = (self.alone_ms or 0) * WORKERS <= SHARE_OF_OBJECTIVE * self.too_slow_ms
            return WORKERS if together else 1
        return AT_ONCE if pace is Pace.AT_ONCE else 1

    def explain(self, results: list[Result], holdout: Holdout, *, url: str, say: Progress) -> list[Explained]:
        """Shrink and explain the failures."""
        failed = _failures(results)
        if failed:
            say(f"{failed} cases failed; looking for the smallest payloads")
        self.sender.resume(EXPLAIN_S)
        explainer = Explainer(
            probe=self._probe,
            score=self.reference.score,
            signature=self.signature,
            tolerance=self.tolerance,
            model=self.model,
            url=url,
        )
        return explainer.explain(results, holdout, alive=not self.sender.stopped)

    def _probe(self, case: Case) -> Result:
        [result] = self._judged((case,), self._expectations((case,)), workers=1)
        return result if self.watch is None else self.watch.glance(result)

    def _milliseconds(self, case: Case) -> float:
        replies = self.sender.send(case)
        return max((reply.seconds * 1000 for reply in replies), default=0.0)

    def _judged(self, cases: Sequence[Case], expectations: Sequence[Expectation], *, workers: int) -> list[Result]:
        replies = self.sender.run(cases, workers=workers)
        return [self.judge.judge(*one) for one in zip(cases, expectations, replies, strict=True)]

    def _expectations(self, cases: Sequence[Case]) -> list[Expectation]:
        expected = [expect(case, self.signature) for case in cases]
        answers = iter(self.reference.score([row for one in expected for row in one.rows]))
        return [replace(one, answers=tuple(next(answers) for _ in one.rows)) for one in expected]


def _failures(results: Sequence[Result]) -> int:
    return sum(result.failure is not None for result in results)
