"""Ways around the gates: each is tried on a model of its own, and must change nothing and be in the ledger with why.

An attempt counts as refused if it ended with an error or a refusal, no approval, promotion, deployment or rollback was
written by it, and the champion's alias is where it was or where the ledger has it; and only if an entry written by it
names the reason that this very case must be refused for. The same stage without the fault must be promoted: a stage
on which everything is refused would prove nothing.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.governance.bypass_answers import ANSWERS
from bench.governance.bypass_evidence import EVIDENCE, Case
from bench.governance.bypass_routes import ROUTES
from bench.governance.stage import CANDIDATE, DIRECTOR, OFFICER, Stage
from bench.results import Claim
from slipway.core.verdict import Outcome
from slipway.errors import SlipwayError
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.promote import promote

CASES: dict[str, Case] = {**EVIDENCE, **ANSWERS, **ROUTES}
GONE_THROUGH = (EntryKind.APPROVAL, EntryKind.PROMOTION, EntryKind.DEPLOYMENT, EntryKind.ROLLBACK)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an attempt; ``problem`` is empty if it was refused and recorded."""

    case: str
    route: str
    problem: str
    reason: str


def measure(*, quick: bool = False, say: Callable[[str], None] = print) -> list[Claim]:
    """Try every way, and return the share that was refused and recorded."""
    cases = dict(list(CASES.items())[:: 10 if quick else 1])
    honest()
    tried = [attempt(name, case) for name, case in cases.items()]
    for one in tried:
        if one.problem:
            say(f"{one.case} ({one.route}): {one.problem}")
    refused = sum(not one.problem for one in tried)
    routes = ", ".join(f"{n} by {route}" for route, n in sorted(Counter(one.route for one in tried).items()))
    return [
        Claim(
            name="governance.bypass_attempts_refused_rate",
            value=refused / len(tried),
            unit="",
            n=len(tried),
            against=f"every one refused and in the ledger with its reason ({routes})",
        )
    ]


def honest() -> None:
    """Promote an honest candidate on each kind of stage; raises where it is refused."""
    for tier in ("low", "medium", "high"):
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(Path(folder), tier=tier)
            release = stage.release()
            stage.gates(release)
            stage.approve(release, *(OFFICER, DIRECTOR)[: 2 if tier == "high" else 1])
            promote(stage, release)
            if stage.seen().champion != CANDIDATE:
                raise AssertionError(f"an honest release of the {tier} tier is not champion: nothing is shown")


def attempt(name: str, case: Case) -> Tried:
    """Try one way on a stage of its own."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), tier=case.tier, approval=case.approval)
        case.arrange(stage)
        before = stage.seen()
        try:
            case.attempt(stage)
        except (SlipwayError, *case.errors):
            pass
        after = stage.seen()
        written = stage.ledger.entries(since_seq=before.seq)
    through = [entry.kind.value for entry in written if entry.kind in GONE_THROUGH]
    reasons = [str(entry.payload.get("reason")) for entry in written if _tells(entry)]
    if through:
        problem = f"it went through: {', '.join(through)}"
    elif after.champion != before.champion or after.alias not in (before.alias, before.champion):
        problem = f"it moved the champion: {before} became {after}"
    elif not any(re.search(case.why, reason) for reason in reasons):
        problem = f"the ledger does not say {case.why!r}: {reasons or 'it says nothing'}"
    else:
        problem = ""
    return Tried(name, case.route, problem, reasons[0] if reasons else "")


def _tells(entry: Entry) -> bool:
    ended = entry.kind is EntryKind.RELEASE_ENDED and entry.payload["outcome"] != Outcome.PASSED.value
    return ended or entry.kind in (EntryKind.ATTEMPT, EntryKind.REFUSAL, EntryKind.REJECTION)
