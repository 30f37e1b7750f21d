"""What a model declares to happen when drift is confirmed: nothing, a retraining, a rollback. Others do it.

Rules
-----
1. An alert is confirmed when it is open and a page. A check that the declaration does not name reacts to nothing.
2. Each alert is reacted to once. Alerts confirmed together make one reaction.
3. An alert that speaks of a version that is no longer champion waits: a reaction would hit another version. It is
   reacted to when it is confirmed on the champion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from slipway.core.operations_spec import Act
from slipway.monitoring.alerts import Alert, AlertState
from slipway.monitoring.values import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRule:
    """The declared reaction.

    Attributes
    ----------
    act : Act
    dag : str
        The DAG to trigger, for ``retrain``.
    checks : tuple of str
        The checks whose confirmed alerts count.
    """

    act: Act = Act.NONE
    dag: str = ""
    checks: tuple[str, ...] = ("drift", "prediction_drift", "performance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What is to be done, why, and on which alerts' behalf.

    ``key`` is the same however often it is decided: whoever acts uses it as the run's id.
    """

    act: Act
    model: str
    version: int
    alerts: tuple[str, ...]
    reason: str
    dag: str = ""

    @property
    def key(self) -> str:
        """What it goes by: the first alert's key."""
        return f"{self.act.value}:{self.alerts[0]}"


def decide_reaction(
    standing: Iterable[Alert], rule: ReactionRule, *, reacted: Collection[str], champion: int
) -> Reaction | None:
    """Return what the open alerts ask for; None if there is nothing new to react to.

    Parameters
    ----------
    standing : iterable of Alert
        A model's open alerts, after the night.
    rule : ReactionRule
    reacted : collection of str
        Keys of the alerts that were reacted to before.
    champion : int
        The version that serves now.
    """
    confirmed = sorted(
        (a for a in standing if _confirmed(a, rule) and a.version == champion and a.key not in reacted),
        key=lambda a: (a.first_seen, a.cause),
    )
    if not confirmed:
        return None
    return Reaction(
        act=rule.act,
        model=confirmed[0].model,
        version=champion,
        alerts=tuple(a.key for a in confirmed),
        reason=f"confirmed: {', '.join(a.cause for a in confirmed)}; declared: {rule.act.value}",
        dag=rule.dag,
    )


def _confirmed(alert: Alert, rule: ReactionRule) -> bool:
    return alert.state is AlertState.OPEN and alert.severity is Severity.PAGE and alert.check in rule.checks
