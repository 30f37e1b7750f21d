"""An expectation suite as it is declared, and what each severity means.

Rules
-----
1. ``fail``: when the expectation does not hold, the gate FAILS.
2. ``quarantine``: each row that breaks it is set aside with the reason, whatever ``mostly`` says; the gate fails only
   when more than a set share of a file is set aside. It needs an expectation that judges row by row.
3. ``warn``: recorded, never blocks, not even when the expectation could not be evaluated.
4. An expectation that raised, or that had no value to judge, is an error: it has no verdict, so it never passes.
5. No expectation at all, or one without a known severity, is an error of configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from slipway.errors import GateConfigurationError

SUITE_FILE = "suite.json"


class Severity(StrEnum):
    """What follows when an expectation does not hold."""

    FAIL = "fail"
    QUARANTINE = "quarantine"
    WARN = "warn"


class Status(StrEnum):
    """What became of one expectation on one file."""

    HELD = "held"
    BROKEN = "broken"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One declared expectation: its place in the suite, GX type and arguments, severity and reason for being."""

    number: int
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    why: str = ""

    @property
    def column(self) -> str:
        """The column or columns that it is about; ``(table)`` for the table as a whole."""
        kwargs = self.kwargs
        names = [kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs] or kwargs.get("column_list", [])
        return ", ".join(map(str, names)) or "(table)"

    @property
    def sentence(self) -> str:
        """The expectation in words, for instance ``radius: values to be between (min_value=0, max_value=60)``."""
        about = ("column", "column_A", "column_B", "column_list")
        words = self.type.removeprefix("expect_").replace("_", " ").removeprefix("column ")
        given = ", ".join(f"{k}={v!r}" for k, v in self.kwargs.items() if k not in about)
        return f"{self.column}: {words}" + (f" ({given})" if given else "")


@dataclass(frozen=True, slots=True)
class Suite:
    """A named, non-empty list of rules."""

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        """Refuse a suite that checks nothing."""
        if not self.rules:
            raise GateConfigurationError(
                f"expectation suite {self.name!r} is empty", remedy="declare at least one expectation in suite.json"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What one rule said about one file.

    Attributes
    ----------
    file : str
        "train" or "holdout".
    unexpected : int
        Number of values that break the rule; 0 for an aggregate.
    rows : tuple of int
        Their row positions, from 0; empty for an aggregate.
    observed, message : str
        What was seen; why there is no verdict.
    examples : tuple of str
        A few of the values that break it.
    """

    file: str
    rule: Rule
    status: Status
    judged: int = 0
    unexpected: int = 0
    rows: tuple[int, ...] = field(default=(), repr=False)
    observed: str = ""
    message: str = ""
    examples: tuple[str, ...] = ()


def load_suite(folder: Path) -> Suite:
    """Return the suite in ``folder/suite.json``.

    Raises
    ------
    GateConfigurationError
        If the file is missing or malformed, the suite is empty, or a severity is missing or unknown; every problem
        is named at once.
    """
    path = folder / SUITE_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GateConfigurationError(f"{path} is missing", remedy="write the dataset's expectation suite") from error
    except (OSError, ValueError) as error:
        raise GateConfigurationError(f"{path} is not JSON: {error}", remedy="correct the file") from error
    return parse_suite(data)


def parse_suite(data: object) -> Suite:
    """Return the suite in JSON values; see :func:`load_suite` for what is refused."""
    if not isinstance(data, Mapping) or not isinstance(data.get("expectations"), list):
        raise GateConfigurationError(
            "the suite has no list `expectations`", remedy='write {"name": ..., "expectations": [...]}'
        )
    problems: list[str] = []
    rules = []
    for number, item in enumerate(data["expectations"]):
        problem = _problem(item)
        if problem:
            problems.append(f"expectation {number}: {problem}")
            continue
        meta = item["meta"]
        rules.append(
            Rule(
                number=number,
                type=item["type"],
                kwargs=dict(item.get("kwargs") or {}),
                severity=Severity(meta["severity"]),
                why=str(meta.get("why", "")),
            )
        )
    if problems:
        raise GateConfigurationError("; ".join(problems), remedy="correct them in suite.json")
    return Suite(str(data.get("name") or "suite"), tuple(rules))


def _problem(item: object) -> str:
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        return "has no type"
    if not isinstance(item.get("kwargs") or {}, Mapping):
        return f"{item['type']} has kwargs that are not a mapping"
    meta = item.get("meta")
    severity = meta.get("severity") if isinstance(meta, Mapping) else None
    known = [s.value for s in Severity]
    return "" if severity in known else f"{item['type']} has severity {severity!r}, not one of {', '.join(known)}"
