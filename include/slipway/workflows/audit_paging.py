"""Tell people what an audit found: whoever hears of the model's pages, and always the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from slipway.core.finding import Finding, Severity
from slipway.errors import SlipwayError
from slipway.monitoring import values
from slipway.monitoring.deliver import channels_for
from slipway.monitoring.notices import Notice, Turn
from slipway.monitoring.rules import Route, RouteKind
from slipway.workflows.monitor import rules_of
from slipway.workflows.workbench import Workbench

_log = logging.getLogger("slipway.audit")


def page_people(bench: Workbench, findings: Sequence[Finding]) -> None:
    """Say each finding that fails; a route that does not take it is logged and stops nobody."""
    for finding in findings:
        if finding.severity is not Severity.FAIL:
            continue
        _log.error("%s\nWhat to do: %s.", finding.what, finding.remedy)
        routes = [r for r in _routes(bench, finding.model) if r.kind is not RouteKind.LOG]
        for name, channel in channels_for(routes).items():
            try:
                channel(_notice(bench, finding))
            except SlipwayError as error:
                _log.warning("%s could not be told over %s: %s", finding.cause, name, error)


def _routes(bench: Workbench, model: str) -> Sequence[Route]:
    try:
        monitoring = bench.spec(model).monitoring
    except SlipwayError:  # the fleet's own, and a declaration that does not hold, have none
        return ()
    return () if monitoring is None else rules_of(monitoring).routes


def _notice(bench: Workbench, finding: Finding) -> Notice:
    day = bench.now().date().isoformat()
    return Notice(
        alert=finding.cause,
        number=1,
        turn=Turn.OPENED,
        severity=values.Severity.PAGE,
        model=finding.model,
        version=finding.version or 0,
        cause=finding.kind.value,
        first_seen=day,
        last_seen=day,
        said=finding.what,
        next_step=finding.remedy,
    )
