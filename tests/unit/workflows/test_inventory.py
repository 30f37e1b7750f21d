"""The inventory: every onboarded model, trained or not."""

import pytest

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
            "problem": None,
        }
    ]


BROKEN = {
    "a field that does not hold": ("bad_one", "name: bad_one\nrisk_tier: huge\n", "risk_tier"),
    "no YAML": ("bad_one", "name: [", "is not YAML"),
    "a date that is none": ("bad_one", "purpose: 2024-13-45\n", "is not YAML"),
    "no text": ("bad_one", b"\xff\xfe\xff", "is not YAML"),
    "a folder that is no model name": ("Bad One", "name: Bad One\n", "is not a model name"),
    "the name of another": ("other_one", None, "is for 'churn'"),
}


@pytest.mark.parametrize(("folder", "text", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_declaration_is_listed_with_its_problem_and_hides_no_other(bench, folder, text, says):
    own = bench.settings.models / "churn" / "model.yaml"
    target = bench.settings.models / folder / "model.yaml"
    target.parent.mkdir()
    target.write_bytes(own.read_bytes() if text is None else text if isinstance(text, bytes) else text.encode())
    lines = {line["name"]: line for line in inventory(bench)}
    assert (lines["churn"]["newest"], lines["churn"]["problem"]) == (1, None)
    assert says in lines[folder]["problem"]
    assert lines[folder].keys() == lines["churn"].keys()


def test_a_model_that_was_never_trained_does_not_hide_the_others(bench, project):
    project(registered_model="not_yet")
    (line,) = inventory(bench)
    assert (line["champion"], line["newest"], line["last_release"]) == (None, None, None)
