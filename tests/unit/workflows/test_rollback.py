"""Which version a rollback goes back to, and what keeps it from going there."""

import pytest

from slipway.errors import EvidenceError
from slipway.ledger import EntryKind
from slipway.workflows.rollback import previous_deployment


def served(bench, *history):
    for kind, version in history:
        bench.ledger.append(kind, model="churn", version=version, actor="ada", payload={"release": "earlier"})


D, R = EntryKind.DEPLOYMENT, EntryKind.ROLLBACK
CASES = {
    "the one before": ([(D, 1), (D, 2)], 1),
    "the latest of those before": ([(D, 1), (D, 2), (D, 3)], 2),
    "deployed twice is still one": ([(D, 1), (D, 2), (D, 2)], 1),
    "a second rollback goes further back": ([(D, 1), (D, 2), (D, 3), (R, 2)], 1),
    "what came after a rollback": ([(D, 1), (D, 2), (R, 1), (D, 3)], 1),
    "one that was released again": ([(D, 1), (D, 2), (D, 1)], 2),
    "put back by a start after a rollback": ([(D, 1), (D, 2), (D, 3), (R, 2), (D, 2)], 1),
}


@pytest.mark.parametrize(("history", "version"), CASES.values(), ids=CASES)
def test_a_rollback_goes_to(bench, history, version):
    served(bench, *history)
    assert previous_deployment(bench, "churn", run_id="now").version == version


NOTHING = {
    "never deployed": ([], "never deployed"),
    "one only": ([(D, 1)], "no other champion"),
    "rolled back already": ([(D, 1), (D, 2), (R, 1)], "no other champion"),
}


@pytest.mark.parametrize(("history", "says"), NOTHING.values(), ids=NOTHING)
def test_there_may_be_nothing_to_go_back_to(bench, history, says):
    served(bench, *history)
    with pytest.raises(EvidenceError, match=says):
        previous_deployment(bench, "churn", run_id="now")
