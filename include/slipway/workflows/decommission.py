"""Decommission: a model stops serving, and stays stopped; its evidence and its versions stay for their period.

Rules
-----
1. The ledger first: from then on nothing of the model is released, promoted, deployed, rolled back to, scored with or
   put back by a start. A run that is killed after that is run again and finishes.
2. Then its traffic, its services, its aliases. What fails there is told after the rest was tried.
3. Nothing is deleted: versions and evidence go the way that retention says.
4. To lift it says only that the model may be released again; what serves then has passed every gate anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from slipway.errors import EvidenceError, SlipwayError, SpecError
from slipway.ledger.entries import EntryKind
from slipway.workflows.retirement import retirement
from slipway.workflows.standing import CHALLENGER, CHAMPION, PREVIOUS
from slipway.workflows.workbench import Workbench

_DEPLOYMENT_SECONDS = 120


def decommission(bench: Workbench, model: str, *, actor: str, reason: str) -> None:
    """Stop a model for good; done already, it only finishes what is left.

    Raises
    ------
    SpecError
        If no reason is given.
    SlipwayError
        The first thing that did not work, after everything else was tried.
    """
    spec, said = bench.spec(model), _said(reason)
    if retirement(bench, model) is None:
        days = spec.retention.evidence_days
        payload = {"reason": said, "lifted": False, "evidence_days": days}
        bench.ledger.append(EntryKind.RETIREMENT, model=model, version=None, actor=actor, payload=payload)
        bench.say(f"{model} is decommissioned: {said}; its evidence is kept for {days} days")
    failures: list[SlipwayError] = []
    with bench.gateway.deploying(model, timeout_s=_DEPLOYMENT_SECONDS):  # one that is under way ends first
        for step in (_take_traffic, _stop_services, _take_aliases):
            _tried(step, bench, model, failures)
    if failures:
        raise failures[0]
    bench.say(f"{model} serves no more: no route, no service, no alias")


def commission(bench: Workbench, model: str, *, actor: str, reason: str) -> None:
    """Let a decommissioned model be released again; EvidenceError if it is not decommissioned."""
    bench.spec(model)
    said = _said(reason)
    if retirement(bench, model) is None:
        raise EvidenceError(f"{model} is not decommissioned", remedy="release a version of it as usual")
    payload = {"reason": said, "lifted": True}
    bench.ledger.append(EntryKind.RETIREMENT, model=model, version=None, actor=actor, payload=payload)
    bench.say(f"{model} may be released again: {said}")


def _said(reason: str) -> str:
    if not reason.strip():
        raise SpecError("a model is decommissioned for a reason, and so is that lifted", remedy="give one: --reason")
    return reason.strip()


def _tried(step: Callable[[Workbench, str], None], bench: Workbench, model: str, failures: list[SlipwayError]) -> None:
    try:
        step(bench, model)
    except SlipwayError as error:
        bench.say(f"not done yet: {error}")
        failures.append(error)


def _take_traffic(bench: Workbench, model: str) -> None:
    route = bench.gateway.route(model)
    if route is None:
        return
    bench.gateway.remove_route(model)
    for backend in route.backends:
        bench.gateway.drain(model, backend)
    bench.say(f"the gateway sends nothing to {model} any more")


def _stop_services(bench: Workbench, model: str) -> None:
    ours = re.compile(rf"slipway-{re.escape(model)}-v\d+(-.*)?")
    for handle in bench.runtime.list():
        if ours.fullmatch(handle.name):
            bench.runtime.stop(handle)
            bench.say(f"stopped {handle.name}")


def _take_aliases(bench: Workbench, model: str) -> None:
    for alias in (CHAMPION, PREVIOUS, CHALLENGER):
        bench.registry.delete_alias(model, alias)
