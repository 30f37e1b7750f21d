"""What is said about an alert, to whom: one notice for each turn of an alert, with a key that is its own for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from slipway.monitoring.alerts import Alert, AlertDecision
from slipway.monitoring.rules import Route
from slipway.monitoring.values import Severity


class Turn(StrEnum):
    """What happened to the alert."""

    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One turn of one alert, as it is sent.

    ``alert`` is the alert's key, ``number`` counts its turns from 1. Days are ISO dates.
    """

    alert: str
    number: int
    turn: Turn
    severity: Severity
    model: str
    version: int
    cause: str
    first_seen: str
    last_seen: str
    said: str
    next_step: str

    @property
    def key(self) -> str:
        """What it goes by for ever: a receiver that gets it twice can tell."""
        return f"{self.alert}/{self.number}-{self.turn.value}"

    @property
    def subject(self) -> str:
        """One line: how loud, whose, what, which turn."""
        return f"[{self.severity.value}] {self.model} version {self.version}: {self.cause} {self.turn.value}"

    @property
    def text(self) -> str:
        """The whole, for a person."""
        over = self.turn is Turn.CLOSED
        lines = [
            self.subject,
            f"First seen {self.first_seen}, last seen {self.last_seen}{'; it is over' if over else ''}.",
            self.said,
            "" if over else f"What to do: {self.next_step}.",
        ]
        return "\n".join(line for line in lines if line)

    def to_json(self) -> dict[str, Any]:
        """Return the notice as JSON values."""
        return {"key": self.key, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Notice:
        """Read what :meth:`to_json` wrote."""
        fields = {name: value for name, value in data.items() if name != "key"}
        return cls(**{**fields, "turn": Turn(data["turn"]), "severity": Severity(data["severity"])})


def notices_of(decision: AlertDecision, routes: Iterable[Route]) -> Iterator[tuple[Route, Notice]]:
    """Yield what a decision has to say, and over which routes."""
    told = ((Turn.OPENED, decision.opened), (Turn.ESCALATED, decision.escalated), (Turn.CLOSED, decision.closed))
    everyone = list(routes)
    for turn, alerts in told:
        for alert in alerts:
            for route in everyone:
                if route.severity.covers(alert.severity):
                    yield route, notice_of(alert, turn)


def notice_of(alert: Alert, turn: Turn) -> Notice:
    """Return one turn of an alert as it is sent, its first."""
    return Notice(
        alert=alert.key,
        number=1,
        turn=turn,
        severity=alert.severity,
        model=alert.model,
        version=alert.version,
        cause=alert.cause,
        first_seen=alert.first_seen.isoformat(),
        last_seen=alert.last_seen.isoformat(),
        said=alert.said,
        next_step=alert.next_step,
    )
