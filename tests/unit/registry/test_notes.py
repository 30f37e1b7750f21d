"""The ledger's text in MLflow: one run of its own keeps the newest, whatever became of it in between."""

import pytest

from slipway.errors import RegistryUnreachable
from slipway.registry.mlflow_registry import Registry
from slipway.registry.notes import EXPERIMENT, MAX_CHARACTERS, TAG


def test_there_is_none_before_one_is_kept(registry):
    assert registry.ledger_note() is None


def test_the_newest_is_read_back_with_its_place(registry, store):
    where = registry.set_ledger_note("first")
    assert registry.ledger_note() == ("first", where)
    assert registry.set_ledger_note("x" * MAX_CHARACTERS) == where, "the same run again"
    assert registry.ledger_note() == ("x" * MAX_CHARACTERS, where)
    experiment = store.client.get_experiment_by_name(EXPERIMENT)
    assert len(store.client.search_runs([experiment.experiment_id])) == 1


def test_a_text_that_does_not_fit_is_refused_before_anything_is_made(registry, store):
    with pytest.raises(ValueError, match="do not fit"):
        registry.set_ledger_note("x" * (MAX_CHARACTERS + 1))
    assert store.client.get_experiment_by_name(EXPERIMENT) is None


def test_a_run_without_its_tag_holds_none_and_takes_the_next(registry, store):
    registry.set_ledger_note("first")
    experiment = store.client.get_experiment_by_name(EXPERIMENT)
    (run,) = store.client.search_runs([experiment.experiment_id])
    store.client.delete_tag(run.info.run_id, TAG)
    assert registry.ledger_note() is None
    registry.set_ledger_note("second")
    assert registry.ledger_note()[0] == "second"


@pytest.mark.parametrize("what", ["run", "experiment"])
def test_what_was_deleted_is_missed_and_made_again(registry, store, what):
    registry.set_ledger_note("first")
    experiment = store.client.get_experiment_by_name(EXPERIMENT)
    if what == "run":
        (run,) = store.client.search_runs([experiment.experiment_id])
        store.client.delete_run(run.info.run_id)
    else:
        store.client.delete_experiment(experiment.experiment_id)
    assert registry.ledger_note() is None
    registry.set_ledger_note("second")
    assert registry.ledger_note()[0] == "second"


def test_a_registry_that_is_not_there_is_told(tmp_path):
    away = Registry(f"sqlite:///{tmp_path}/none.db", cache=tmp_path / "cache")
    with pytest.raises(RegistryUnreachable):
        away.ledger_note()
