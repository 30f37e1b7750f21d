"""How a model is watched, as it is declared: when alerts are raised, who hears of them, what follows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from slipway.core.operations_spec import Act
from slipway.errors import SpecError
from slipway.monitoring.alerts import AlertRule
from slipway.monitoring.reaction import ReactionRule
from slipway.monitoring.values import Severity

_Kind = TypeVar("_Kind", bound=StrEnum)


class RouteKind(StrEnum):
    """How somebody is told."""

    LOG = "log"
    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who hears of alerts of ``severity`` and worse.

    ``target`` is the webhook's URL, or the addresses of an e-mail, separated by commas; empty for the log.
    """

    kind: RouteKind
    severity: Severity = Severity.NOTE
    target: str = ""

    @property
    def name(self) -> str:
        """What the store calls it. The target is no part of it: a webhook's URL is often a secret.

        >>> Route(kind=RouteKind.EMAIL, target="ada@example.org").name
        'email-cfe00dde'
        """
        digest = hashlib.sha256(self.target.encode()).hexdigest()[:8]
        return f"{self.kind.value}-{digest}" if self.target else self.kind.value


LABELS_AFTER_DAYS = 14
LOG_ALONE = (Route(kind=RouteKind.LOG),)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRules:
    """All of it.

    Attributes
    ----------
    alerts : AlertRule
    routes : tuple of Route
    reaction : ReactionRule
    labels_after_days : int
        Days after which labels that have not come are worth a note.
    """

    alerts: AlertRule = field(default_factory=AlertRule)
    routes: tuple[Route, ...] = LOG_ALONE
    reaction: ReactionRule = field(default_factory=ReactionRule)
    labels_after_days: int = LABELS_AFTER_DAYS


def parse_rules(data: object, *, source: str = "monitoring") -> WatchRules:
    """Return the rules in a mapping, all of whose keys are optional; SpecError lists every problem with its path.

    >>> rules = parse_rules({"routes": [{"to": "webhook", "url": "https://example.org/hook", "severity": "page"}],
    ...                      "reaction": {"do": "retrain", "dag": "churn.train"}})
    >>> rules.routes[0].severity.value, rules.reaction.act.value, rules.alerts.confirm_days
    ('page', 'retrain', 2)
    """
    reader = _Reader()
    declared = reader.mapping(data, source, {"alerts", "routes", "reaction", "labels_after_days"})
    routes = reader.items(declared.get("routes"), f"{source}.routes")
    rules = WatchRules(
        alerts=_alerts(reader, declared.get("alerts"), f"{source}.alerts"),
        routes=tuple(_route(reader, item, f"{source}.routes.{at}") for at, item in enumerate(routes)) or LOG_ALONE,
        reaction=_reaction(reader, declared.get("reaction"), f"{source}.reaction"),
        labels_after_days=int(reader.number(declared, "labels_after_days", LABELS_AFTER_DAYS, source, whole=True)),
    )
    names = [route.name for route in rules.routes]
    for name in sorted({n for n in names if names.count(n) > 1}):
        reader.problem(f"{source}.routes", f"{name} is declared twice")
    if reader.problems:
        raise SpecError(f"{source} does not hold:\n" + "\n".join(reader.problems), remedy="correct these fields")
    return rules


def _alerts(reader: _Reader, data: object, path: str) -> AlertRule:
    defaults = AlertRule()
    declared = reader.mapping(data, path, {part.name for part in fields(AlertRule)})
    values: dict[str, Any] = {}
    for part in fields(AlertRule):
        default = getattr(defaults, part.name)
        number = reader.number(declared, part.name, default, path, whole=isinstance(default, int))
        values[part.name] = type(default)(number)
    if values["far"] <= 1:
        reader.problem(f"{path}.far", "must be above 1: it is a multiple of the threshold")
    return AlertRule(**values)


def _route(reader: _Reader, data: object, path: str) -> Route:
    declared = reader.mapping(data, path, {"to", "severity", "url", "addresses"})
    kind = reader.one_of(RouteKind, declared.get("to"), f"{path}.to")
    severity = reader.one_of(Severity, declared.get("severity", Severity.NOTE), f"{path}.severity")
    target, wanted = "", {RouteKind.WEBHOOK: "url", RouteKind.EMAIL: "addresses"}.get(kind or RouteKind.LOG)
    for key in sorted({"url", "addresses"} & set(declared)):
        if key != wanted and kind is not None:
            reader.problem(f"{path}.{key}", f"does not go with {kind.value}")
    if wanted == "url":
        target = reader.checked(declared.get("url"), f"{path}.url", _is_url, "must be an http or https URL")
    elif wanted == "addresses":
        addresses = reader.items(declared.get("addresses"), f"{path}.addresses")
        bad = [a for a in addresses if not isinstance(a, str) or "@" not in a or "," in a]
        if bad or not addresses:
            reader.problem(f"{path}.addresses", f"must be a list of e-mail addresses{f', not {bad!r}' if bad else ''}")
        target = ",".join(str(a) for a in addresses)
    return Route(kind=kind or RouteKind.LOG, severity=severity or Severity.NOTE, target=target)


def _reaction(reader: _Reader, data: object, path: str) -> ReactionRule:
    declared = reader.mapping(data, path, {"do", "dag", "checks"})
    act = reader.one_of(Act, declared.get("do", Act.NONE), f"{path}.do") or Act.NONE
    dag = declared.get("dag", "")
    if (act is Act.RETRAIN) != bool(dag):
        reader.problem(f"{path}.dag", "goes with do: retrain, and only with it")
    checks = tuple(str(name) for name in reader.items(declared.get("checks"), f"{path}.checks"))
    return ReactionRule(act=act, dag=str(dag), checks=checks or ReactionRule().checks)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Reader:
    """Reads untyped values and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def problem(self, path: str, said: str) -> None:
        self.problems.append(f"  {path}: {said}")

    def mapping(self, data: object, path: str, allowed: set[str]) -> Mapping[str, Any]:
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.problem(path, "must be a mapping")
            return {}
        for key in sorted(set(map(str, data)) - allowed):
            self.problem(f"{path}.{key}", f"is not known; known are {', '.join(sorted(allowed))}")
        return data

    def items(self, data: object, path: str) -> list[Any]:
        if data is None or isinstance(data, list | tuple):
            return list(data or ())
        self.problem(path, "must be a list")
        return []

    def number(self, data: Mapping[str, Any], key: str, default: float, path: str, *, whole: bool) -> float:
        value = data.get(key, default)
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value) or value < 1:
            self.problem(f"{path}.{key}", f"must be {'a whole number' if whole else 'a number'} of 1 or more")
            return default
        return float(value)

    def one_of(self, kinds: type[_Kind], value: object, path: str) -> _Kind | None:
        try:
            return kinds(str(value))
        except ValueError:
            self.problem(path, f"must be one of {', '.join(kind.value for kind in kinds)}")
            return None

    def checked(self, value: object, path: str, holds: Callable[[str], bool], said: str) -> str:
        if isinstance(value, str) and holds(value):
            return value
        self.problem(path, said)
        return ""
