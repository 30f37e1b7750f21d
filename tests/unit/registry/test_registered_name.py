"""A real store holds the model under another name than its own: the workbench's registry translates, both ways."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from slipway.core.evidence import Check, Evidence
from slipway.core.verdict import Outcome
from slipway.errors import SpecError, VersionNotFound
from slipway.ledger import EntryKind
from slipway.registry.mlflow_registry import Registry
from slipway.settings import Settings
from slipway.workflows.inventory import inventory
from slipway.workflows.release import Release
from slipway.workflows.release_report import publish_release_report
from slipway.workflows.standing import put_alias_right, standing
from slipway.workflows.workbench import Workbench
from tests.fakes.specs import declared

MODEL = "a_model"  # what the store's versions are registered as
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def bench(store, tmp_path):
    """A workbench with nothing in memory; two versions of churn are registered."""
    folder = tmp_path / "include" / "models" / "churn"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(declared(registered_model=MODEL)))
    store.register(), store.register(value=2.0)
    settings = Settings.load({"SLIPWAY_ROOT": str(tmp_path), "SLIPWAY_TRACKING_URI": store.uri})
    return Workbench(settings, say=lambda line: None)


def aliases(store):
    return {name: int(version) for name, version in store.client.get_registered_model(MODEL).aliases.items()}


def test_files_are_the_registered_models_and_their_subject_has_the_models_own_name(store, bench):
    plain = Registry(store.uri, cache=bench.settings.var / "other").files(MODEL, 2)
    files = bench.registry.files("churn", 2)
    assert (files.subject.model, files.subject.version, files.run_id) == ("churn", 2, plain.run_id)
    assert files.subject.artifact_sha256 == plain.subject.artifact_sha256
    assert bench.registry.artifact_digest("churn", 2) == plain.subject.artifact_sha256


def test_the_newest_version_of_a_release_is_the_registered_models(bench):
    release = Release(id="r1", model="churn", requester="ada")
    assert (bench.version(release), bench.files(release).subject.model) == (2, "churn")
    assert [found.version for found in bench.registry.versions("churn")] == [1, 2]


def test_aliases_and_tags_are_set_on_the_registered_model(store, bench):
    bench.registry.set_alias("churn", "champion", 1)
    bench.registry.set_tags("churn", 1, {"slipway.release": "r1"})
    assert (aliases(store), bench.registry.alias("churn", "champion")) == ({"champion": 1}, 1)
    assert store.client.get_model_version(MODEL, "1").tags == {"slipway.release": "r1"}
    bench.registry.delete_alias("churn", "champion")
    assert aliases(store) == {}


def test_the_registered_name_is_no_models_name_here(bench):
    with pytest.raises(SpecError, match="there is no model 'a_model'"):
        bench.registry.latest_version(MODEL)


def test_a_version_that_is_not_there_is_not_found(bench):
    with pytest.raises(VersionNotFound):
        bench.registry.files("churn", 9)


@pytest.fixture
def promoted(bench):
    subject = bench.registry.files("churn", 1).subject
    payload = {"release": "r1", "subject": subject.to_json(), "before": None}
    bench.ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)
    bench.registry.set_alias("churn", "champion", 1)
    return subject


def test_ledger_and_registry_agree_and_an_alias_that_was_moved_is_put_back(store, bench, promoted):
    assert standing(bench, "churn").artifact_sha256 == promoted.artifact_sha256
    store.client.set_registered_model_alias(MODEL, "champion", "2")
    put_alias_right(bench, "churn", actor="ada")
    assert aliases(store) == {"champion": 1}


def test_the_inventory_has_the_registered_models_champion_and_newest_version(bench, promoted):
    (line,) = inventory(bench)
    assert (line["name"], line["champion"], line["newest"], line["problem"]) == ("churn", 1, 2, None)


def test_the_page_of_a_release_is_stored_with_the_version(store, bench, promoted):
    item = Evidence(
        check=Check.EVALUATE,
        outcome=Outcome.INCONCLUSIVE,
        subject=promoted,
        runtime="process",
        measurements=(),
        reports=(),
        started_at=AT,
        ended_at=AT,
        release="r1",
        reasons=("it was stopped",),
    )
    begun = {"release": "r1", "subject": promoted.to_json(), "load_profile": "smoke", "reason": ""}
    bench.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=1, actor="ada", payload=begun)
    bench.ledger.append(EntryKind.EVIDENCE, model="churn", version=1, actor="ada", payload=item.to_json())
    page = publish_release_report(bench, "churn", release="r1")
    stored = store.artifacts_of(1) / "slipway" / "r1" / "release.html"
    assert stored.read_bytes() == page.read_bytes()
