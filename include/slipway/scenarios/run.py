"""Plan a suite, and run it: the reference on one side, the service on the other."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway.core.golden import Tolerance
from slipway.core.signature import Signature
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.scenarios.compare import Judge
from slipway.scenarios.derive import IN_RANGE_ROWS, derive
from slipway.scenarios.draws import Draws
from slipway.scenarios.edges import CONCURRENT_CASES, concurrent, edges
from slipway.scenarios.explain import Explained, Explainer
from slipway.scenarios.holdout import Holdout
from slipway.scenarios.named import named_cases
from slipway.scenarios.reference import Reference
from slipway.scenarios.replay import Replay
from slipway.scenarios.suite import Case, Expectation, Result
from slipway.scenarios.treat import expect

Progress = Callable[[str], None]
ALONE = 15


@dataclass(frozen=True, slots=True)
class Suite:
    """What is sent: one after another (a few at a time), then all at once."""

    cases: tuple[Case, ...]
    at_once: tuple[Case, ...]
    exhausted: bool = False

    @property
    def all(self) -> tuple[Case, ...]:
        """Every case."""
        return self.cases + self.at_once


def plan(
    signature: Signature,
    holdout: Holdout,
    *,
    model_folder: Path,
    seed: int,
    in_range_rows: int = IN_RANGE_ROWS,
) -> Suite:
    """Return the suite for a model: derived, named and edge cases."""
    draws = Draws(signature, holdout, seed=seed + 1)
    derived = derive(signature, holdout, seed=seed, in_range_rows=in_range_rows)
    named = named_cases(model_folder, signature, holdout.base)
    at_once = tuple(concurrent(draws))
    return Suite((*derived, *named, *edges(draws)), at_once, exhausted=draws.domain_size() <= in_range_rows)


class Run:
    """One run of a suite: the reference on one side, the service on the other."""

    def __init__(
        self, spec: ModelSpec, signature: Signature, files: VersionFiles, reference: Reference, sender: Replay
    ) -> None:
        reference_spec = spec.reference
        self.tolerance = Tolerance(
            absolute=reference_spec.absolute_tolerance, relative=reference_spec.relative_tolerance
        )
        self.signature, self.reference, self.sender = signature, reference, sender
        self.judge = Judge(signature, self.tolerance, files.subject)
        self.model = files.subject.model
        self.requests = 0
        # Over a thousand requests to a service that breaks its objective at the first ones would show nothing more.
        self.too_slow_ms = spec.objectives.p99_ms
        self.alone_ms: float | None = None

    def replay(self, suite: Suite, say: Progress) -> list[Result]:
        """Send everything; only the first requests, if another version answers them or each takes far too long."""
        expectations = self._expectations(suite.all)
        results = self._judged(suite.cases[:1], expectations[:1], workers=1)
        if results[0].failure is None or not results[0].failure.kind.is_final:
            results += self._judged(suite.cases[1:ALONE], expectations[1:ALONE], workers=1)
            self.alone_ms = statistics.median(self.sender.alone_ms) if self.sender.alone_ms else None
            if self.alone_ms is None or self.alone_ms <= self.too_slow_ms:
                results += self._rest(suite, expectations, say)
        self.requests = self.sender.requests
        unsent = zip(suite.all[len(results) :], expectations[len(results) :], strict=True)
        return results + [Result(case=case, expectation=expected, sent=False) for case, expected in unsent]

    def _rest(self, suite: Suite, expectations: Sequence[Expectation], say: Progress) -> list[Result]:
        n = len(suite.cases)
        say(f"sending {len(suite.all)} requests")
        results = self._judged(
            suite.cases[ALONE:], expectations[ALONE:n], progress=lambda done: say(f"{done} of {n} cases sent")
        )
        return results + self._judged(suite.at_once, expectations[n:], workers=CONCURRENT_CASES)

    def explain(self, results: list[Result], holdout: Holdout, *, url: str, say: Progress) -> list[Explained]:
        """Shrink and explain the failures."""
        failed = sum(result.failure is not None for result in results)
        if failed:
            say(f"{failed} cases failed; looking for the smallest payloads")
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
        return self._judged((case,), self._expectations((case,)), workers=1)[0]

    def _judged(self, cases: Sequence[Case], expectations: Sequence[Expectation], **options: Any) -> list[Result]:
        replies = self.sender.run(cases, **options)
        return [self.judge.judge(*one) for one in zip(cases, expectations, replies, strict=True)]

    def _expectations(self, cases: Sequence[Case]) -> list[Expectation]:
        expected = [expect(case, self.signature) for case in cases]
        answers = iter(self.reference.score([row for one in expected for row in one.rows]))
        return [replace(one, answers=tuple(next(answers) for _ in one.rows)) for one in expected]
