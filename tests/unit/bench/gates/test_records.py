from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from bench.gates.records import Cell, Record, Verdict, cells, verdict_at
from slipway.core.evidence import Check
from slipway.core.verdict import Outcome
from slipway.orchestrator.records import TaskState

T = datetime(2026, 1, 2, tzinfo=UTC)
VERDICTS = {
    "stopped where it had to be": ({"stop": "run_scenarios"}, Verdict.CAUGHT),
    "stopped before": ({"stop": "evaluate"}, Verdict.CAUGHT),
    "stopped without a finding": ({"stop": "evaluate", "cell": Cell.INCONCLUSIVE}, Verdict.CAUGHT),
    "stopped after": ({"stop": "load_test"}, Verdict.LATE),
    "not stopped": ({}, Verdict.MISSED),
    "a good one that went through": ({"expected": ""}, Verdict.RELEASED),
    "a good one that was stopped": ({"expected": "", "stop": "load_test"}, Verdict.FALSE_BLOCK),
    "tampered with and stopped": ({"stop": "promote", "expected": "promote", "tampered": True}, Verdict.CAUGHT),
    "tampered with and not stopped": ({"expected": "promote", "tampered": True}, Verdict.MISSED),
    "stopped before it was tampered with": (
        {"stop": "load_test", "expected": "promote", "tampered": False},
        Verdict.FALSE_BLOCK,
    ),
    "never tampered with, and released": ({"expected": "promote", "tampered": False}, Verdict.BROKEN),
    "not judged": ({"broken": True, "cells": {}}, Verdict.BROKEN),
}


@pytest.mark.parametrize(("told", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_a_runs_verdict(record, told, verdict):
    assert record(**told).verdict is verdict


def test_a_record_comes_back_as_it_was_written(record):
    one = record("evaluate", cell=Cell.INCONCLUSIVE, tampered=True)
    assert Record.from_json(one.to_json()) == one
    assert one.to_json()["verdict"] == "caught"
    assert one.to_json()["stopped_at"] == "evaluate"


def task(name, state, ended=None):
    return TaskState(task_id=name, state=state, try_number=1, ended=ended)


def evidence(check, outcome, ended=T):
    return SimpleNamespace(check=check, outcome=outcome, ended_at=ended)


def test_evidence_tells_a_gates_cell_and_the_tasks_end_that_of_any_other_step():
    tasks = [
        task("validate_data", "success"),
        task("evaluate", "success"),
        task("build_image", "success"),
        task("start_candidate", "failed"),
        task("run_scenarios", "upstream_failed"),
        task("stop_candidate", "success"),
        task("deploy", ""),
    ]
    found = [evidence(Check.VALIDATE_DATA, Outcome.PASSED), evidence(Check.EVALUATE, Outcome.PASSED)]
    assert cells(tasks, found) == {
        "validate_data": Cell.PASSED,
        "evaluate": Cell.PASSED,
        "build_image": Cell.PASSED,
        "start_candidate": Cell.FAILED,
        "run_scenarios": Cell.NOT_REACHED,
        "deploy": Cell.NOT_REACHED,
    }


ENDS = {
    "failed": (Outcome.FAILED, Cell.FAILED),
    "inconclusive": (Outcome.INCONCLUSIVE, Cell.INCONCLUSIVE),
    "passed, and then the task failed": (Outcome.PASSED, Cell.FAILED),
}


@pytest.mark.parametrize(("outcome", "cell"), ENDS.values(), ids=ENDS)
def test_a_failed_task_is_what_its_evidence_says(outcome, cell):
    found = cells([task("evaluate", "failed")], [evidence(Check.EVALUATE, outcome)])
    assert found == {"evaluate": cell}


def test_a_verdict_is_known_with_its_evidence_and_else_when_the_task_ends():
    later = T + timedelta(seconds=9)
    tasks = [task("evaluate", "failed", later), task("promote", "failed", later)]
    assert verdict_at("evaluate", tasks, [evidence(Check.EVALUATE, Outcome.FAILED, T)]) == T
    assert verdict_at("promote", tasks, []) == later
    assert verdict_at("deploy", tasks, []) is None
