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
    "after a rollback, the one that was rolled back": ([(D, 1), (D, 2), (R, 1)], 2),
}


@pytest.mark.parametrize(("history", "version"), CASES.values(), ids=CASES)
def test_a_rollback_goes_to(bench, history, version):
    served(bench, *history)
    assert previous_deployment(bench, "churn", run_id="now").version == version


@pytest.mark.parametrize(("history", "says"), [([], "never deployed"), ([(D, 1)], "no other champion")])
def test_there_may_be_nothing_to_go_back_to(bench, history, says):
    served(bench, *history)
    with pytest.raises(EvidenceError, match=says):
        previous_deployment(bench, "churn", run_id="now")
