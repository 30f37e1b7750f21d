"""The course of a load test: what is sent when, and what follows from what came back.

Rules
-----
1. Warm-up; then the profile's stages in windows. Where there is a champion its windows lie in between, at the same
   rate; a service rests while the other one is asked, and the host is looked at in every pause.
2. While the verdict on a percentile is open (:mod:`slipway.loadtest.shares`) further windows follow, up to the
   profile's maximum. So they do where too many requests were refused, all at once: it is asked again whether that
   comes back. A version that answers wrong, or not at all, is not asked for more.
3. Then a burst: a few callers ask as fast as they are answered, for memory and descriptors to show what they do with
   many requests and with ever new rows (:mod:`slipway.loadtest.fresh`). It ends early where memory passes its limit,
   and is repeated where something seems to grow, so that what has a bound comes to it.
4. After the burst the declared rate again (once a second at least, to have enough requests), in at most two windows:
   the p95 of one must be within its limit, or at most 1.5 times what it was.
5. At last, where the profile has time for it, the highest rate that keeps the objectives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

from slipway.core.loadprofile import LoadProfile
from slipway.core.verdict import Outcome
from slipway.loadtest import capacity
from slipway.loadtest.growth import Growth
from slipway.loadtest.host import HostWatch
from slipway.loadtest.latency import recovered, shares
from slipway.loadtest.limits import (
    BURST_CALLERS,
    MAX_WAIT_SECONDS,
    P99_REQUIRES,
    RECOVERY_PER_S,
    RECOVERY_REQUIRES,
    Limits,
)
from slipway.loadtest.results import LoadResults, effective_ms, results_of
from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import CHAMPION_WARMUP, Part, PlannedStage, Target, plan_windows

CHAMPION_WARM_SECONDS = 1.0
EXTENSION_WINDOWS = 2
BURSTS = 4
RECOVERY_WINDOWS = 2
MAX_RECOVERY_SECONDS = 5.0
DEAD_SHARE = 0.5
MIN_SENT = 0.95
MAX_STEP_SECONDS = 8.0


class Sends(Protocol):
    """Who sends: see :class:`slipway.loadtest.generator.Generator`."""

    zero: float

    def run(self, stages: Sequence[PlannedStage]) -> tuple[list[PlannedStage], list[Sample]]:
        """Send what the stretches hold; return them as they were placed, and the samples."""
        ...


class WatchesService(Protocol):
    """Who looks at what the service uses: see :class:`slipway.loadtest.watch.ServiceWatch`."""

    def closely(self) -> AbstractContextManager[None]:
        """Look often for the length of a block."""
        ...

    def growths(self, *, rate_per_s: float, memory_mb: float) -> dict[str, Growth]:
        """Return what grew so far, by resource."""
        ...


@dataclass(slots=True, kw_only=True)
class Course:
    """What was sent, in the order of time, and what the parts after the windows came to."""

    stages: list[PlannedStage] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    champion_absent: str = ""
    steps: list[capacity.Step] = field(default_factory=list)

    def of(self, *parts: Part, target: Target = Target.CANDIDATE) -> list[PlannedStage]:
        """Return the stretches of these parts."""
        return [stage for stage in self.stages if stage.part in parts and stage.target is target]

    def samples_of(self, stages: Sequence[PlannedStage]) -> list[Sample]:
        """Return the requests of these stretches."""
        wanted = {stage.index for stage in stages}
        return [sample for sample in self.samples if sample.stage in wanted]

    def of_candidate(self) -> list[Sample]:
        """Return every request to the candidate."""
        return self.samples_of([stage for stage in self.stages if stage.target is Target.CANDIDATE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a test is led by.

    Attributes
    ----------
    rate_per_s : float
        The declared arrival rate.
    timeout_ms : float
        What a failed request counts for, at least.
    champion : bool
        Whether there is one to ask.
    """

    profile: LoadProfile
    limits: Limits
    rate_per_s: float
    timeout_ms: float
    champion: bool


class Conductor:
    """Leads one load test.

    Parameters
    ----------
    sender : Sends
    terms : Terms
    host : HostWatch
    service : WatchesService
    say : callable
        Takes a line for a person.
    """

    def __init__(
        self,
        sender: Sends,
        terms: Terms,
        *,
        host: HostWatch,
        service: WatchesService,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._sender, self._terms, self._host, self._service, self._say = sender, terms, host, service, say
        self._profile, self._rate, self._limits = terms.profile, terms.rate_per_s, terms.limits
        self._timeout_ms = terms.timeout_ms
        self._champion = terms.champion and terms.profile.champion_windows > 0
        self._next = 0
        self.course = Course()

    def run(self) -> Course:
        """Run the whole test and return its course."""
        warm, windows = plan_windows(self._profile, self._rate)
        self._host.rest()
        self._send([warm])
        self._warm_champion(windows[0])
        self._windows(windows)
        results = self._extend(windows[-1])
        if not _gone(results):
            self._burst(results)
            self._search(results)
        return self.course

    def results(self) -> LoadResults:
        """Return what the windows say so far."""
        noise = self._host.noise()
        pauses = [] if noise is None else [(a - self._sender.zero, b - self._sender.zero) for a, b in noise.pauses]
        return results_of(self.course.of_candidate(), self.course.stages, timeout_ms=self._timeout_ms, pauses=pauses)

    def _send(self, stages: Sequence[PlannedStage]) -> list[Sample]:
        """Send stretches one right after the other, each under a number of its own; those that have one keep it."""
        numbered = []
        for stage in stages:
            if stage.index < 0:
                numbered.append(stage)
                continue
            numbered.append(replace(stage, index=self._next))
            self._next += 1
        placed, samples = self._sender.run(numbered)
        self.course.stages += placed
        self.course.samples += samples
        return samples

    def _warm_champion(self, like: PlannedStage) -> None:
        if not self._champion:
            return
        warm = replace(
            like, index=CHAMPION_WARMUP, part=Part.WARMUP, target=Target.CHAMPION, judged=False, stage=None,
            seconds=CHAMPION_WARM_SECONDS,
        )  # fmt: skip
        found = self._send([warm])
        failed = [sample for sample in found if not sample.answered]
        if failed:
            self._champion = False
            self.course.champion_absent = (
                f"The champion does not answer the candidate's requests: {len(failed)} of {len(found)} ended with "
                f"{failed[0].error}."
            )
            self._say(self.course.champion_absent)

    def _windows(self, windows: Sequence[PlannedStage]) -> None:
        groups = min(len(windows), self._profile.champion_windows) if self._champion else 1
        edges = [round(i * len(windows) / groups) for i in range(groups + 1)]
        for begin, end in pairwise(edges):
            self._send(windows[begin:end])
            self._rest(windows[end - 1])

    def _rest(self, like: PlannedStage) -> None:
        """Let the champion have a window, if there is one, and look at the host."""
        self._host.rest()
        if self._champion:
            self._send([replace(like, target=Target.CHAMPION, judged=False)])
            self._host.rest()

    def _extend(self, like: PlannedStage) -> LoadResults:
        """Add windows while the verdict is open; return what all of them say."""
        results = self.results()
        left = self._profile.max_windows - len(results.windows)
        each = like.planned
        if len(results.latencies) + left * each < P99_REQUIRES:
            return results  # no number of windows would be enough
        while left > 0 and self._open(results):
            count = min(EXTENSION_WINDOWS, left)
            self._say(f"the verdict is open after {len(results.windows)} windows: {count} more")
            self._send([replace(like, start=like.start + i * like.seconds) for i in range(count)])
            self._rest(like)
            left -= count
            results = self.results()
        return results

    def _open(self, results: LoadResults) -> bool:
        if results.wrong_answers or _gone(results):
            return False
        outcomes = [share.decide(last=False) for share in shares(results, self._limits).values()]
        if Outcome.FAILED in outcomes:
            return False
        too_many = not self._limits.allows(results.overall.errors, of=results.overall.sent)
        return Outcome.INCONCLUSIVE in outcomes or (too_many and results.refused_at_once)

    def _burst(self, results: LoadResults) -> None:
        if not self._profile.burst_seconds:
            return
        for _ in range(BURSTS):
            stage = self._stage(Part.BURST, seconds=self._profile.burst_seconds, rate=0.0, connections=BURST_CALLERS)
            with self._service.closely():
                self._send([stage])
                time.sleep(0.1)  # a last look
            found = self._service.growths(rate_per_s=self._rate, memory_mb=self._limits.memory_mb).values()
            if not any(_open_yet(one) for one in found):
                break
        for _ in range(RECOVERY_WINDOWS):
            brief = min(MAX_RECOVERY_SECONDS, self._profile.window_seconds)
            rate = max(self._rate, RECOVERY_PER_S)
            seconds = min(MAX_WAIT_SECONDS, max(brief, 1.05 * RECOVERY_REQUIRES / rate))
            found_again = self._send([self._stage(Part.RECOVERY, seconds=seconds, rate=rate)])
            latencies = [effective_ms(sample, self._timeout_ms) for sample in found_again]
            if recovered(latencies, results, self._limits) is Outcome.PASSED:
                break
        self._host.rest()

    def _search(self, results: LoadResults) -> None:
        verdicts = {share.decide(last=True) for share in shares(results, self._limits).values()}
        if not self._profile.capacity_seconds or verdicts != {Outcome.PASSED} or results.wrong_answers:
            return
        left = self._profile.capacity_seconds
        while (rate := capacity.next_rate(self._rate, self.course.steps)) is not None:
            seconds = min(MAX_STEP_SECONDS, max(capacity.STEP_SECONDS, P99_REQUIRES / rate))
            if seconds > left:
                return
            left -= seconds
            stage = self._stage(Part.CAPACITY, seconds=seconds, rate=rate)
            self.course.steps.append(_step(self._send([stage]), self.course.stages[-1], self._limits, self._timeout_ms))

    def _stage(self, part: Part, *, seconds: float, rate: float, connections: int = 0) -> PlannedStage:
        return PlannedStage(
            index=0, start=0.0, seconds=seconds, rate_per_s=rate, judged=False, part=part, connections=connections
        )


def _open_yet(found: Growth) -> bool:
    """Tell whether another burst could say more; of a service that tells nothing of itself none can."""
    return found.rising or (found.outcome is Outcome.INCONCLUSIVE and found.points > 0)


def _gone(results: LoadResults) -> bool:
    """Tell whether the service does not answer any more: nothing further is to be learnt from it."""
    last = results.windows[-1] if results.windows else None
    return last is not None and last.n > 0 and last.errors / last.n > DEAD_SHARE


def _step(samples: Sequence[Sample], stage: PlannedStage, limits: Limits, timeout_ms: float) -> capacity.Step:
    judged = replace(stage, part=Part.STAGE, judged=True)
    found = results_of(samples, [judged], timeout_ms=timeout_ms)
    run = found.overall
    late = (run.lag_p99 or 0.0) > limits.lag_ms or run.achieved_share < MIN_SENT
    fast = all(one is not None and one.value <= limit
               for one, limit in ((run.p95, limits.p95_ms), (run.p99, limits.p99_ms)))  # fmt: skip
    return capacity.Step(
        rate_per_s=stage.rate_per_s,
        n=run.sent,
        p95_ms=None if run.p95 is None else run.p95.value,
        p99_ms=None if run.p99 is None else run.p99.value,
        held=fast and not run.errors and not late and not capacity.queue_grows(found.latencies),
        limited=late and fast,
        errors=run.errors,
    )


def most_seconds(profile: LoadProfile, timeout_s: float) -> float:
    """Return how long a test may take at most, with everything that can be added."""
    windows = 2 * max(profile.seconds, profile.max_windows * profile.window_seconds)
    after = BURSTS * profile.burst_seconds + RECOVERY_WINDOWS * MAX_WAIT_SECONDS + profile.capacity_seconds
    stretches = 4 * (profile.max_windows + len(profile.stages))  # each may have to wait for its last answers
    return CHAMPION_WARM_SECONDS + windows + after + stretches * (timeout_s + 2)
