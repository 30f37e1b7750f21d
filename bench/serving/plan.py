"""How long each thing is measured, and on what; the default and the quick run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.serving import models
from bench.serving.systems import ECHO, PEERS, SLIPWAY

MAIN_MODEL = "gbm100"
"""The model that is measured at every rate, and that the claims without a model's name are about."""

OVERLOAD = 3.0
"""How many times the rate that a server sustains is offered to see what it does then."""

OVERLOADED = ("pyfunc",)
"""Models that it is done to: their requests wait in a queue. A compiled one answers more than one core can send."""

CLAIMED = (MAIN_MODEL, "pyfunc")
NAMES = (*models.NAMES, *PEERS, SLIPWAY, ECHO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run measures.

    Attributes
    ----------
    models, systems : tuple of str
    rounds : int
        In each, every system is started afresh, in another order. Models that no claim of the project rests on have one
        round less.
    turns : int
        How often, in a round, the systems that are up take their turns at one row, so that a slow moment of the host
        does not meet one of them alone.
    warm_s, saturation_s, batch_s : float
        Closed loop: warming up; one row at 1 and 16 connections, in a turn; 100 rows. Whole seconds.
    rates : tuple of (float, float)
        Open loop: arrivals a second, and for how long in a turn; for the main model.
    rate_turns : int
        How many turns each system has at the rates in a round: many short ones, for the reason above, and because a p99
        needs hundreds of requests.
    large_s, large_least, large_most : float, int, int
        Requests of 10,000 rows, one after the other: seconds, and bounds on how many.
    overload_s : float
        How long three times the sustained rate is offered.
    compared_rows : int
        Rows on which each backend's answers are compared with the native model's.
    cold_starts : int
    every_setup : bool
        Whether all set-ups of the peers are tried; else the first one is taken.
    """

    models: tuple[str, ...] = models.NAMES
    systems: tuple[str, ...] = (*PEERS, SLIPWAY, ECHO)
    rounds: int = 3
    turns: int = 3
    warm_s: int = 1
    saturation_s: int = 1
    batch_s: int = 1
    rates: tuple[tuple[float, float], ...] = ((10, 6.0), (100, 2.0), (1000, 1.0))
    rate_turns: int = 8
    large_s: float = 1.0
    large_least: int = 3
    large_most: int = 60
    overload_s: float = 5.0
    compared_rows: int = 100_000
    cold_starts: int = 5
    every_setup: bool = True

    def only(self, names: Sequence[str]) -> Plan:
        """Return the plan for these models and systems; naming no model, or no system, means all of that kind.

        Raises
        ------
        SystemExit
            For a name that is neither.
        """
        unknown = sorted(set(names) - set(NAMES))
        if unknown:
            raise SystemExit(f"{', '.join(unknown)}: no such model or system. There are: {', '.join(NAMES)}")
        chosen_models = tuple(name for name in self.models if name in names) or self.models
        chosen_systems = tuple(name for name in self.systems if name in names) or self.systems
        return replace(self, models=chosen_models, systems=chosen_systems)

    def rates_for(self, model: str) -> tuple[tuple[float, float], ...]:
        """Return the rates at which a model is measured."""
        return self.rates if model == MAIN_MODEL else ()

    def rounds_for(self, model: str, system: str) -> int:
        """Return how many rounds a system gets on a model; a backend that is not served gets one on most models."""
        if ":" in system and model != MAIN_MODEL:
            return 1
        return self.rounds if model in CLAIMED else max(1, self.rounds - 1)

    def order(self, number: int) -> tuple[str, ...]:
        """Return the systems in the order of one round, so that none always comes first."""
        return tuple(rotated(self.systems, number))


def rotated(names: Sequence[str], by: int) -> Sequence[str]:
    """Return them in an order that begins elsewhere for each number.

    >>> rotated(["a", "b", "c"], 4)
    ['b', 'c', 'a']
    """
    shift = by % len(names) if names else 0
    return [*names[shift:], *names[:shift]]


QUICK = Plan(
    models=(MAIN_MODEL, "pyfunc"),
    rounds=1,
    turns=2,
    rates=((10, 2.0), (100, 1.0), (1000, 1.0)),
    rate_turns=2,
    large_s=0.5,
    large_least=2,
    large_most=10,
    cold_starts=2,
    every_setup=False,
)
