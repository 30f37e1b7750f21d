"""Services that exist in numbers only: the conductor asks them, in no time, with the generator's own plan."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, field, replace

from slipway.core.loadprofile import load_profile
from slipway.core.spec import Objectives
from slipway.core.verdict import Outcome, decide
from slipway.loadtest.conduct import Conductor, Terms
from slipway.loadtest.growth import Point, growth_of
from slipway.loadtest.host import HostNoise
from slipway.loadtest.judge import measure
from slipway.loadtest.limits import Limits
from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import Part, Target, plan_arrivals
from slipway.loadtest.summary import beyond_of, summarise
from slipway.loadtest.watch import FLOORS

QUIET = HostNoise(cpus=2, steal_share=0.01, load_before=0.1, load_max=1, running_max=2, calibration_ms=(1.0, 1.1))
TIMEOUT_MS = 3000.0
ROWS = 250


class Host:
    """A host that is as quiet as it says."""

    def __init__(self, noise=QUIET):
        self._noise = noise

    def rest(self):
        """Nothing to look at."""

    def noise(self):
        return self._noise


@dataclass
class Simulated:
    """A service with ``workers`` that take requests in turn.

    ``seconds`` says how long a request takes: of (its number, the second in which it starts, its row, the chance). Who
    would wait longer than ``patience`` seconds is refused.
    """

    seconds: object
    workers: int = 1
    memory: object = lambda answered: 100.0
    patience: float = float("inf")
    answered: int = 0
    free: list = field(default_factory=list)

    def ask(self, at, row, chance):
        """Return the seconds after ``at`` at which the answer is there; None if it is refused."""
        self.free = self.free or [0.0] * self.workers
        worker = min(range(self.workers), key=lambda i: self.free[i])
        start = max(at, self.free[worker])
        if start - at > self.patience:
            return None
        self.answered += 1
        self.free[worker] = start + self.seconds(self.answered, start, row, chance)
        return self.free[worker] - at


class Sender:
    """Sends to simulated services; between two runs a tenth of a second passes, and queues drain."""

    def __init__(self, candidate, champion=None, *, seed=0, noise=lambda at: 0.0):
        self.services = {Target.CANDIDATE: candidate, Target.CHAMPION: champion}
        self.chance, self.seed, self.noise = random.Random(seed), seed, noise
        self.zero, self.clock, self.runs = 0.0, 0.0, 0
        self.points = []

    def run(self, stages):
        self.runs += 1
        begin = self.clock + 0.1
        placed = [replace(stage, start=stage.start - stages[0].start + begin) for stage in stages]
        if placed[0].part is Part.BURST:
            samples = self._burst(placed[0])
        else:
            by_index = {stage.index: stage for stage in placed}
            plan = plan_arrivals(tuple(placed), rows=ROWS, seed=self.seed * 1000 + self.runs)
            samples = [self._one(by_index[arrival.stage], arrival.at, arrival.row) for arrival in plan]
        self.clock = max([placed[-1].end, *(s.intended_s + s.latency_ms / 1000 for s in samples)])
        return placed, samples

    def _burst(self, stage):
        callers, samples = [stage.start] * stage.connections, []
        while min(callers) < stage.end and len(samples) < 2000:
            caller = callers.index(min(callers))
            samples.append(self._one(stage, callers[caller], len(samples) % ROWS))
            callers[caller] += max(1e-4, samples[-1].latency_ms / 1000)
        return samples

    def _one(self, stage, at, row):
        service = self.services[stage.target]
        seconds = service.ask(at, row, self.chance)
        if seconds is None:
            return Sample(at, at, 1.0, 429, None, stage.index, "HTTP 429", row, refused=True)
        latency = (seconds + self.noise(at)) * 1000
        if stage.target is Target.CANDIDATE and service.answered % 10 == 0:
            self.points.append(Point(float(service.answered), service.memory(service.answered), at))
        correct = True if stage.target is Target.CANDIDATE else None
        if latency > TIMEOUT_MS:
            return Sample(at, at, TIMEOUT_MS, 0, None, stage.index, "timeout", row)
        return Sample(at, at, latency, 200, correct, stage.index, "", row)


class Watch:
    """Tells what a simulated service uses."""

    def __init__(self, sender):
        self._sender = sender

    @contextlib.contextmanager
    def closely(self):
        yield

    def growths(self, *, rate_per_s, memory_mb):
        points = self._sender.points[:: max(1, len(self._sender.points) // 100)]
        found = growth_of(points, limit=memory_mb, floor=FLOORS["memory"], rate_per_s=rate_per_s)
        return {"memory": found}

    def peak_memory_mb(self):
        return max((point.value for point in self._sender.points), default=None)


def lead(candidate, champion=None, *, seed=0, profile="smoke", noise=lambda at: 0.0, host=QUIET, **declared):
    """Lead a whole load test for a model that declares these objectives; return its course, results, measurements."""
    objectives = Objectives(**declared)
    rate, limits = objectives.arrival_rate_per_s, Limits.of(objectives, load_profile(profile))
    sender = Sender(candidate, champion, seed=seed, noise=noise)
    terms = Terms(
        profile=load_profile(profile),
        limits=limits,
        rate_per_s=rate,
        timeout_ms=TIMEOUT_MS,
        champion=champion is not None,
    )
    watch = Watch(sender)
    course = Conductor(sender, terms, host=Host(host), service=watch).run()
    results = summarise(course, host, zero=0.0, timeout_ms=TIMEOUT_MS)
    beyond = beyond_of(course, results, watch=watch, limits=limits, rate_per_s=rate)
    return course, results, measure(results, limits, host, beyond)


def outcomes(make, *, runs, **more):
    """Return how often each verdict comes out over ``runs`` seeds of a service that ``make`` makes."""
    found = dict.fromkeys(Outcome, 0)
    for seed in range(runs):
        *_, measurements = lead(make(), seed=seed, **more)
        found[decide(measurements).outcome] += 1
    return found
