"""The inventory: every onboarded model, trained or not."""

from slipway.ledger import EntryKind
from slipway.workflows.inventory import inventory


def test_a_model_is_listed_with_its_champion_and_its_last_release(bench):
    bench.registry.add("churn", 2, b"newer")
    bench.registry.set_alias("churn", "champion", 1)
    ended = bench.ledger.append(
        EntryKind.RELEASE_ENDED, model="churn", version=2, actor="ada", payload={"outcome": "FAILED"}
    )
    assert inventory(bench) == [
        {
            "name": "churn",
            "purpose": "Tells who will leave.",
            "owner": "growth",
            "risk_tier": "low",
            "champion": 1,
            "newest": 2,
            "last_release": ended.at.isoformat(),
            "last_outcome": "FAILED",
        }
    ]


def test_a_model_that_was_never_trained_does_not_hide_the_others(bench, project):
    project(registered_model="not_yet")
    (line,) = inventory(bench)
    assert (line["champion"], line["newest"], line["last_release"]) == (None, None, None)
