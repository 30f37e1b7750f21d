"""One run of the benchmark: prepare, compare answers, then measure in rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.serving import data, environments, models
from bench.serving.bring_up import Workshop, split_name
from bench.serving.claims import NATIVE
from bench.serving.figures import Sample, quantile
from bench.serving.hard_rows import rows_to_compare
from bench.serving.load import Generator
from bench.serving.models import BenchModel
from bench.serving.plan import MAIN_MODEL, Plan, rotated
from bench.serving.processes import DidNotStart
from bench.serving.session import CHECKED_AT_ONCE, LARGE, Session, WrongAnswers, request
from bench.serving.slipway_side import build
from bench.serving.systems import ECHO, PEERS, SLIPWAY, variants
from bench.serving.tails import Turn
from bench.serving.truth import Native, count_mismatches
from slipway.errors import SlipwayError

_EXPECTED = (DidNotStart, WrongAnswers, SlipwayError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Failure:
    """A system that could not be measured for a model, and why."""

    system: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A backend's answers, held against the native model's."""

    model: str
    system: str
    rows: int
    mismatches: int
    splits: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """The state of one run: what was prepared, what was found, what failed."""

    plan: Plan
    workshop: Workshop
    generator: Generator
    say: Callable[[str], None]
    models: dict[str, BenchModel] = field(default_factory=dict)
    chosen: dict[tuple[str, str], str] = field(default_factory=dict)
    tried: list[dict[str, Any]] = field(default_factory=list)
    forms: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    tails: dict[tuple[str, float], list[Turn]] = field(default_factory=dict)  # of the main model
    compared: list[Compared] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def prepare(self) -> None:
        """Install peers, train models, build images. What cannot be had is a failure of its system."""
        for peer in self._wanted(*PEERS):
            try:
                self.workshop.pythons[peer] = environments.provide(
                    peer, folder=self.workshop.folder / "peers", say=self.say
                )
            except _EXPECTED as error:
                self._failed(peer, "all", error)
        for name in self.plan.models:
            self.models[name] = models.provide(name, folder=self.workshop.folder / "models", say=self.say)
            if self._wanted(SLIPWAY):
                try:
                    self.workshop.images[name] = build(self.models[name], self.workshop.settings, self.say)
                except _EXPECTED as error:
                    self._failed(SLIPWAY, name, error)

    def compare(self) -> None:
        """Hold every system's answers against the native model's, and choose each peer's fastest set-up."""
        # the main model first: its peers' set-ups are taken for the others
        for model in sorted(self.models.values(), key=lambda one: one.name != MAIN_MODEL):
            rows = data.rows(CHECKED_AT_ONCE, seed=17)
            native = self._native(model)
            truth = native.answers(rows)
            for system in self._available(model, *PEERS):
                self._choose(system, model, rows, truth)
            if self._available(model, SLIPWAY):
                self._compare_backends(model, native, rows, truth)

    def measure(self) -> None:
        """Take the figures: in each round of a model, the systems in turns, then each backend that is not served."""
        for number in range(self.plan.rounds):
            for model in self.models.values():
                systems = list(self._in_order(number, model))
                self._together(number, model, [system for system in systems if ":" not in system])
                for system in systems:
                    if ":" in system:
                        self._apart(number, model, system)

    def systems_of(self, model: BenchModel) -> list[str]:
        """Return what is measured for a model: the peers, Slipway as built and with each other backend, the echo."""
        found = [peer for peer in self._available(model, *PEERS) if (peer, model.name) in self.chosen]
        image = self.workshop.images.get(model.name)
        if image is not None and not self._has_failed(SLIPWAY, model.name):
            others = (f"{SLIPWAY}:{backend}" for backend in image.backends[1:])
            found += [SLIPWAY, *(name for name in others if not self._has_failed(name, model.name))]
        return [*found, *self._wanted(ECHO)]

    def _in_order(self, number: int, model: BenchModel) -> Iterator[str]:
        available = self.systems_of(model)
        for system in self.plan.order(number):
            mine = (name for name in available if split_name(name)[0] == system)
            yield from (name for name in mine if number < self.plan.rounds_for(model.name, name))

    def _together(self, number: int, model: BenchModel, systems: list[str]) -> None:
        """Measure systems that are up together, of which one is busy at a time."""
        self.say(f"round {number + 1}/{self.plan.rounds}: {model.name}, {', '.join(systems)}")
        with ExitStack() as up:
            sessions: dict[str, Session] = {}
            for system in systems:
                with self._noted(system, model):
                    sessions[system] = self._session(up, number, model, system)
            for turn in range(self.plan.turns):
                for system in rotated(list(sessions), turn):
                    self._measured(sessions, model, system, partial(Session.saturation, turn=turn))
            for turn in range(self.plan.rate_turns if self.plan.rates_for(model.name) else 0):
                for system in rotated(list(sessions), turn):
                    self._measured(sessions, model, system, partial(Session.offered, number=turn))
            for system, session in list(sessions.items()):
                self._measured(sessions, model, system, Session.at_rates)
                for rate, told in session.told.items():
                    self.tails.setdefault((system, rate), []).extend(told.turns)
                self._measured(sessions, model, system, Session.batches)
            if sessions and number < self.plan.rounds_for(model.name, NATIVE):
                self._native_round(number, model)

    def _apart(self, number: int, model: BenchModel, system: str) -> None:
        self.say(f"round {number + 1}/{self.plan.rounds}: {model.name}, {system}")
        with self._noted(system, model), ExitStack() as up:
            session = self._session(up, number, model, system)
            self.samples += [*session.saturation(), *session.large()]

    def _session(self, up: ExitStack, number: int, model: BenchModel, system: str) -> Session:
        variant = self.chosen.get((system, model.name), "default")
        session = Session(
            up.enter_context(self.workshop.running(system, model, variant)), self.generator, self.plan, number
        )
        session.warm()
        return session

    def _measured(
        self, sessions: dict[str, Session], model: BenchModel, system: str, what: Callable[[Session], Iterator[Sample]]
    ) -> None:
        """Take figures; a system that fails gets no further turn."""
        session = sessions.get(system)
        if session is None:
            return
        with self._noted(system, model):
            self.samples += what(session)
            return
        del sessions[system]

    @contextmanager
    def _noted(self, system: str, model: BenchModel) -> Iterator[None]:
        try:
            yield
        except _EXPECTED as error:
            self._failed(system, model.name, error)

    def _native_round(self, number: int, model: BenchModel) -> None:
        times = self._native(model).latencies_ms(
            data.rows(LARGE, seed=LARGE), seconds=self.plan.large_s, least=self.plan.large_least
        )
        value = LARGE / quantile(times, 0.5) * 1e3
        self.samples.append(
            Sample(
                model=model.name,
                system=NATIVE,
                measure="rows10k",
                unit="rows/s",
                round=number,
                value=value,
                n=len(times),
            )
        )

    def _choose(self, system: str, model: BenchModel, rows: pd.DataFrame, truth: np.ndarray) -> None:
        best, problem = 0.0, None
        for variant in self._candidates(system, model):
            self.say(f"{model.name}: {system}, {variant}: answers and set-up")
            try:
                with self.workshop.running(system, model, variant) as running:
                    running.check(rows, truth)
                    Session(running, self.generator, self.plan, 0).warm()
                    one = request(running.form, 1)
                    done = self.generator.saturate(running.target, one, connections=16, seconds=self.plan.warm_s)
            except _EXPECTED as error:
                problem = error
                self._tried(system, model, variant, problem=str(error))
                continue
            self._tried(system, model, variant, per_second=done.per_second, form=running.form.value)
            if done.per_second > best:
                best, self.chosen[system, model.name] = done.per_second, variant
        if problem is not None and (system, model.name) not in self.chosen:
            self._failed(system, model.name, problem)

    def _candidates(self, system: str, model: BenchModel) -> tuple[str, ...]:
        """Return the set-ups to try: what won on one scikit-learn model is taken for the others."""
        known = variants(system, model)
        known = known if self.plan.every_setup else known[:1]
        won = self.chosen.get((system, MAIN_MODEL))
        return (won,) if won in known and model.joblib is not None and model.name != MAIN_MODEL else known

    def _tried(self, system: str, model: BenchModel, variant: str, **found: Any) -> None:
        self.tried.append({"system": system, "model": model.name, "variant": variant, **found})

    def _compare_backends(self, model: BenchModel, native: Native, rows: pd.DataFrame, truth: np.ndarray) -> None:
        image = self.workshop.images[model.name]
        hard, coverage = rows_to_compare(model, self.plan.compared_rows)
        expected = native.answers(hard)
        for system in (SLIPWAY, *(f"{SLIPWAY}:{backend}" for backend in image.backends[1:])):
            self.say(f"{model.name}: {system}: answers to {len(hard):,} rows")
            try:
                with self.workshop.running(system, model, "default") as running:
                    running.check(rows, truth)
                    wrong = count_mismatches(running, hard, expected)
            except _EXPECTED as error:
                self._failed(system, model.name, error)
                continue
            self.compared.append(Compared(model.name, system, len(hard), wrong, coverage))

    def _native(self, model: BenchModel) -> Native:
        return Native(model, self.workshop.python_of(model.name), self.workshop.cores.server)

    def _wanted(self, *names: str) -> list[str]:
        return [name for name in names if name in self.plan.systems]

    def _available(self, model: BenchModel, *names: str) -> list[str]:
        return [
            n for n in self._wanted(*names) if not self._has_failed(n, "all") and not self._has_failed(n, model.name)
        ]

    def _has_failed(self, system: str, model: str) -> bool:
        return any((failure.system, failure.model) == (system, model) for failure in self.failures)

    def _failed(self, system: str, model: str, error: Exception) -> None:
        self.failures.append(Failure(system, model, str(error)))
        self.say(f"FAILED: {system}, {model}: {error}")
