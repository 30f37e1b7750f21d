"""Do what was declared for a confirmed drift, once: trigger a retraining, or put the previous champion back.

Rules
-----
1. A reaction speaks of one version. If another one is champion by now, nothing is done, and that is recorded.
2. Done again after a crash it is the same reaction: the run that it starts carries its key, and a rollback of one key
   happens once.
3. What was done is in the ledger before the reaction counts as done.
"""

from __future__ import annotations

from collections.abc import Callable

from slipway.core.operations_spec import Act
from slipway.ledger.entries import EntryKind
from slipway.monitoring.reaction import Reaction
from slipway.workflows.monitor import open_store
from slipway.workflows.release import folder_name
from slipway.workflows.rollback import rollback
from slipway.workflows.scoring_run import answering_now
from slipway.workflows.workbench import Workbench

ACTOR = "slipway monitor"
Trigger = Callable[[str, str, str], None]
"""Starts a run of a DAG: its id, the run's id, the reason. A run of that id that is there already is fine."""


def react(bench: Workbench, model: str, *, trigger: Trigger) -> list[str]:
    """Carry out the reactions that were decided and not done yet; return what was done, a line each."""
    store, done = open_store(bench), []
    for reaction in store.pending_reactions(model):
        said = _carried_out(bench, reaction, trigger)
        payload = {
            "release": "",
            "key": reaction.key,
            "act": reaction.act.value,
            "dag": reaction.dag,
            "alerts": list(reaction.alerts),
            "reason": reaction.reason,
            "said": said,
        }
        bench.ledger.append(EntryKind.REACTION, model=model, version=reaction.version, actor=ACTOR, payload=payload)
        store.reaction_done(reaction)
        bench.say(said)
        done.append(said)
    return done


def _carried_out(bench: Workbench, reaction: Reaction, trigger: Trigger) -> str:
    run_id = folder_name(reaction.key)
    if reaction.act is Act.RETRAIN:
        trigger(reaction.dag, run_id, reaction.reason)
        return f"{reaction.dag} was triggered, run {run_id}: {reaction.reason}"
    serving = answering_now(bench, reaction.model).subject.version
    rolled_back = any(
        entry.payload["release"] == run_id
        for entry in bench.ledger.entries(model=reaction.model, kinds=[EntryKind.ROLLBACK])
    )
    if serving != reaction.version and not rolled_back:
        return f"version {serving} serves by now, not {reaction.version}: nothing was rolled back"
    deployment = rollback(bench, reaction.model, actor=ACTOR, reason=reaction.reason, run_id=run_id)
    return f"{deployment.handle.name} serves again: {reaction.reason}"
