"""One system that runs: its answers compared, then its figures taken."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from bench.serving import data
from bench.serving.figures import Sample, quantile
from bench.serving.load import Generator, Target
from bench.serving.payloads import Form, Payload, answers, mismatches, payload
from bench.serving.plan import OVERLOAD, OVERLOADED, Plan
from bench.serving.processes import HOST
from bench.serving.slipway_side import phase_seconds
from bench.serving.tails import Turn, pooled

CHECKED_ONE_BY_ONE, CHECKED_AT_ONCE = 20, 200
LARGE = 10_000
_TIMEOUT_S = 120


class WrongAnswers(Exception):
    """A system answers other than the native model does; it is not timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A system that is up.

    Attributes
    ----------
    system, model : str
    port : int
    path : str
    form : Form
        How it is asked.
    binary_path : str or None
        Where it takes v2 binary tensors, if it does.
    metrics : bool
        Whether it tells its phases at /metrics.
    """

    system: str
    model: str
    port: int
    path: str
    form: Form
    binary_path: str | None = None
    metrics: bool = False

    @property
    def target(self) -> Target:
        """Where its own form goes."""
        return Target(self.port, self.path)

    def ask(self, rows: pd.DataFrame, *, binary: bool = False) -> np.ndarray:
        """Return its answers; WrongAnswers if it does not give one for each row."""
        path, form = (self.binary_path or "", Form.V2_BINARY) if binary else (self.path, self.form)
        sent = payload(form, rows)
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", path, sent.body, dict(sent.headers))
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise WrongAnswers(f"status {response.status}: {body[:300].decode(errors='replace')}")
            return answers(body, {name.lower(): value for name, value in response.getheaders()}, len(rows))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, IndexError) as error:
            raise WrongAnswers(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def check(self, rows: pd.DataFrame, native: np.ndarray) -> None:
        """Compare some answers with the native model's, one by one and at once; WrongAnswers if one differs."""
        alone = [self.ask(rows.iloc[[number]])[0] for number in range(CHECKED_ONE_BY_ONE)]
        found = {"one by one": np.array(alone), "at once": self.ask(rows)}
        if self.binary_path is not None:
            found["in binary"] = self.ask(rows, binary=True)
        for how, ours in found.items():
            wrong = mismatches(ours, native[: len(ours)])
            if len(wrong):
                first = wrong[0]
                raise WrongAnswers(
                    f"{len(wrong)} of {len(ours)} rows {how}: row {first} {ours[first]} != {native[first]}"
                )


@cache
def request(form: Form, count: int) -> Payload:
    """Return the request that is timed: the same rows for every system."""
    return payload(form, data.rows(count, seed=count))


@dataclass(slots=True)
class Told:
    """What a rate came to over the turns of a round."""

    turns: list[Turn] = field(default_factory=list)
    seconds: float = 0.0
    offered: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """Takes the figures of one system in one round.

    Attributes
    ----------
    running : Running
    generator : Generator
    plan : Plan
    round : int
    told : dict
        What each rate came to so far.
    """

    running: Running
    generator: Generator
    plan: Plan
    round: int
    told: dict[float, Told] = field(default_factory=dict)

    def warm(self) -> None:
        """Load it for a moment, so that lazy parts are there and caches are warm."""
        one = request(self.running.form, 1)
        self.generator.saturate(self.running.target, one, connections=4, seconds=self.plan.warm_s)

    def offered(self, number: int) -> Iterator[Sample]:
        """Offer each rate for one turn; what it comes to is kept for :meth:`at_rates`, so nothing is given."""
        for rate, seconds in self.plan.rates_for(self.running.model):
            self._offer(rate, seconds, place=self.round * self.plan.rate_turns + number)
        yield from ()

    def at_rates(self) -> Iterator[Sample]:
        """Give the latencies at each rate, over the turns of the round."""
        for rate, told in self.told.items():
            lost = sum(turn.lost for turn in told.turns)
            for share, name in ((0.5, "p50"), (0.99, "p99")):
                yield self._sample(f"{name}_ms_at_{rate:g}", "ms", pooled(told.turns, share), told.offered, lost)
            answered = sum(len(turn.latencies_ms) for turn in told.turns) / told.seconds
            yield self._sample(f"answered_at_{rate:g}", "1/s", answered, told.offered, lost)

    def batches(self) -> Iterator[Sample]:
        """Give the figures of many rows, and of too many requests."""
        yield from self._hundred()
        yield from self.large()
        if self.running.metrics and self.running.model in OVERLOADED:
            yield from self.overload()

    def saturation(self, turn: int = 0) -> Iterator[Sample]:
        """Give the throughput of single rows at 1 and 16 connections, and what the phases took."""
        one, place = request(self.running.form, 1), self._place(turn)
        for connections in (1, 16):
            before = self._phases()
            done = self.generator.saturate(
                self.running.target, one, connections=connections, seconds=self.plan.saturation_s
            )
            name = f"c{connections}"
            yield self._sample(f"throughput_{name}", "1/s", done.per_second, done.answered, done.errors, at=place)
            yield self._sample(f"p50_ms_{name}", "ms", done.p50_ms, done.answered, done.errors, at=place)
            yield self._sample(f"p99_ms_{name}", "ms", done.p99_ms, done.answered, done.errors, at=place)
            if connections == 1 and before:
                yield from self._phase_figures(before, done.answered, at=place)

    def large(self) -> Iterator[Sample]:
        """Give the rows a second of large requests, in its own form and, where it takes that, in binary."""
        forms = [("rows10k", self.running.target, self.running.form)]
        if self.running.binary_path is not None:
            forms.append(("rows10k_binary", Target(self.running.port, self.running.binary_path), Form.V2_BINARY))
        plan = self.plan
        for measure, target, form in forms:
            told = self.generator.one_by_one(
                target, request(form, LARGE), seconds=plan.large_s, least=plan.large_least, most=plan.large_most
            )
            middle = quantile(told["latencies_ms"], 0.5)
            done = len(told["latencies_ms"])
            yield self._sample(measure, "rows/s", LARGE / middle * 1e3, done, told["errors"] + told["refused"])

    def overload(self) -> Iterator[Sample]:
        """Give what three times the rate that it sustains does: to those who get an answer, and to the rest."""
        one, plan = request(self.running.form, 1), self.plan
        sustained = self.generator.saturate(self.running.target, one, connections=16, seconds=plan.saturation_s)
        rate = OVERLOAD * sustained.per_second
        told = self.generator.at_rate(self.running.target, one, rate=rate, seconds=plan.overload_s, seed=self.round)
        answered, offered = told["latencies_ms"], told["offered"]
        yield self._sample("overload_p99_ms", "ms", quantile(answered, 0.99), len(answered), told["errors"])
        yield self._sample("overload_refused", "1", told["refused"] / offered, offered, told["errors"])
        yield self._sample("overload_lost", "requests", told["errors"], offered, told["errors"])

    def _hundred(self) -> Iterator[Sample]:
        hundred = request(self.running.form, 100)
        done = self.generator.saturate(self.running.target, hundred, connections=1, seconds=self.plan.batch_s)
        yield self._sample("rows100", "rows/s", 100 * done.per_second, done.answered, done.errors)

    def _offer(self, rate: float, seconds: float, *, place: int) -> None:
        # the same arrivals for every system in a turn
        one = request(self.running.form, 1)
        came = self.generator.at_rate(self.running.target, one, rate=rate, seconds=seconds, seed=place)
        told = self.told.setdefault(rate, Told())
        told.turns.append(Turn(place, tuple(came["latencies_ms"]), came["errors"] + came["refused"]))
        told.seconds += came["seconds"]
        told.offered += came["offered"]

    def _place(self, turn: int) -> int:
        """Return the number of a turn among those of all rounds."""
        return self.round * self.plan.turns + turn

    def _phase_figures(self, before: dict[str, float], requests: int, *, at: int) -> Iterator[Sample]:
        after = self._phases()
        spent = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
        total = sum(spent.values())
        if not requests or not total:
            return
        for name, seconds in spent.items():
            yield self._sample(f"phase_{name}_us", "us", seconds / requests * 1e6, requests, at=at)
        yield self._sample("validate_share", "1", spent.get("validate", 0.0) / total, requests, at=at)

    def _phases(self) -> dict[str, float]:
        if not self.running.metrics:
            return {}
        connection = http.client.HTTPConnection(HOST, self.running.port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", "/metrics")
            return phase_seconds(connection.getresponse().read().decode())
        finally:
            connection.close()

    def _sample(
        self, measure: str, unit: str, value: float, n: int, errors: int = 0, *, at: int | None = None
    ) -> Sample:
        running = self.running
        return Sample(
            model=running.model,
            system=running.system,
            measure=measure,
            unit=unit,
            round=self.round if at is None else at,
            value=value,
            n=n,
            errors=errors,
        )
