"""The faults are really there, where the cases say they are, and nowhere else: real versions in a real registry."""

import importlib.util
import json
import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.gates.catalog import load
from bench.gates.context import Context, Fault, told_params
from bench.gates.honest import ROOT, honest
from bench.gates.tamper import move_champion_alias

CASES = {case.id: case for case in load()}
TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Make a case's version once, and hand out what is in the registry."""
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    folder = tmp_path_factory.mktemp("registry")
    uri, made = f"sqlite:///{folder}/mlflow.db", {}

    def make(case_id):
        if case_id not in made:
            case = CASES[case_id]
            context = Context(case.model, uri)
            version = case.make(context)
            run = context.client.get_model_version(case.model, str(version)).run_id
            place = folder / case.model / str(version)
            place.mkdir(parents=True)
            snapshot, reference = (
                mlflow.artifacts.download_artifacts(
                    run_id=run, artifact_path=part, tracking_uri=uri, dst_path=str(place)
                )
                for part in ("snapshot", "reference")
            )
            made[case_id] = SimpleNamespace(
                model=mlflow.pyfunc.load_model(f"models:/{case.model}/{version}"),
                train=pd.read_parquet(f"{snapshot}/train.parquet"),
                holdout=pd.read_parquet(f"{snapshot}/holdout.parquet"),
                reference=reference,
                honest=honest(case.model),
            )
        return made[case_id]

    return make


def served(version, rows):
    """What the version answers; the probability of class 1 in a classification."""
    answers = np.asarray(version.model.predict(rows[version.model.metadata.get_input_schema().input_names()]))
    return answers[:, 1] if answers.ndim == 2 else answers


def right(version, rows):
    """What the model's own reference answers, with the parameters that the version carries."""
    model = version.honest.model
    path = ROOT / "include" / "models" / model / "reference.py"
    spec = importlib.util.spec_from_file_location(f"reference_{model}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REFERENCE_DIR", version.reference)
        records = json.loads(rows.to_json(orient="records", double_precision=15))
        return np.array([next(iter(answer.values())) for answer in module.score(records)])


def differing(version, rows):
    """Which rows the version answers otherwise than the reference."""
    return ~np.isclose(served(version, rows), right(version, rows), rtol=1e-6, atol=1e-9)


def complete(version):
    return version.honest.holdout.drop(columns=version.honest.label)


def with_gaps(version):
    rows = complete(version)
    for i, name in enumerate(version.honest.module.NULLABLE):
        rows.loc[rows.index[i::7], name] = np.nan
    return rows


ONLY_ON = {
    "preprocessing/missing_scaler": lambda rows: np.ones(len(rows), bool),
    "preprocessing/clipped_on_the_way": lambda rows: (rows["bmi"] > 35).to_numpy(),
    "scores/nan_swallowed": lambda rows: rows.isna().any(axis=1).to_numpy(),
    "preprocessing/means_for_medians": lambda rows: rows.isna().any(axis=1).to_numpy(),
}


@pytest.mark.parametrize("case_id", ONLY_ON)
def test_answers_are_wrong_on_these_rows_and_right_elsewhere(registry, case_id):
    version = registry(case_id)
    rows = with_gaps(version)
    wrong, touched = differing(version, rows), ONLY_ON[case_id](rows)
    assert wrong.any()
    assert not wrong[~touched].any()
    assert wrong[touched].mean() > 0.3  # a tree may well answer the mean and the median alike


GOOD = ("good/extra_trees", "good/histogram_boosting", "good/scorecard")


@pytest.mark.parametrize("case_id", GOOD)
def test_a_good_version_answers_as_the_reference_does(registry, case_id):
    version = registry(case_id)
    assert not differing(version, complete(version)).any()
    assert not differing(version, with_gaps(version)).any()


def test_a_fault_on_half_a_percent_of_the_rows_touches_half_a_percent(registry):
    version = registry("scores/half_percent_of_rows")
    rows = pd.concat([complete(version)] * 20, ignore_index=True)
    rows["bmi"] += np.random.default_rng(1).normal(0, 0.5, len(rows))
    wrong = differing(version, rows)
    assert 0.002 < wrong.mean() < 0.01
    again = differing(version, rows.iloc[::-1])
    assert (again[::-1] == wrong).all()


def test_an_answer_that_depends_on_the_batch_is_right_alone_only(registry):
    version = registry("scores/depends_on_the_batch")
    rows = complete(version).head(3)
    assert differing(version, rows).all()
    assert not any(differing(version, rows.iloc[[i]]).any() for i in range(3))


def test_data_in_another_unit_are_so_in_one_column_of_both_files(registry):
    version = registry("data/unit_change_within_range")
    for found, was in ((version.train, version.honest.train), (version.holdout, version.honest.holdout)):
        assert np.allclose(found["texture_error"], was["texture_error"] * 0.1)
        assert found.drop(columns="texture_error").equals(was.drop(columns="texture_error"))


def test_a_third_of_the_holdout_is_in_the_training_rows(registry):
    version = registry("data/holdout_rows_in_training")
    seen = version.holdout.merge(version.train.drop_duplicates(), how="inner")
    assert len(seen) / len(version.holdout) == pytest.approx(0.33, abs=0.01)
    assert version.holdout.equals(version.honest.holdout)


QUALITY = {
    "quality/worse_than_the_champion": lambda q, c: q["rmse"] > c["rmse"] + 2 and q["rmse"] < 64 and q["mae"] < 52,
    "quality/biased_on_an_undeclared_slice": lambda q, c: q["rmse"] < 64 and q["mae"] < 52 and q["r2"] > 0.33,
}


@pytest.mark.parametrize("case_id", QUALITY)
def test_quality_is_as_bad_as_the_case_says_and_no_worse(registry, case_id):
    version = registry(case_id)
    evaluate, label = version.honest.module.evaluate, version.honest.label
    pipeline = SimpleNamespace(predict=lambda rows: served(version, rows))
    assert QUALITY[case_id](evaluate(pipeline, version.holdout), evaluate(version.honest.pipeline, version.holdout))
    assert version.holdout[label].equals(version.honest.holdout[label])
    assert not differing(version, complete(version)).any()


@pytest.mark.parametrize(("model", "changed"), [("tumor_malignancy", {"max_depth": 5}), ("diabetes_progression", {})])
def test_the_parameters_that_are_logged_are_those_of_the_pipeline(model, changed):
    right = honest(model)
    defaults = right.module.DEFAULTS
    pipeline = right.module.build_pipeline({**defaults, **changed})
    assert told_params(pipeline, defaults) == {**defaults, **changed}


def test_every_fault_in_code_is_code():
    every = [Fault(), Fault(setup="import os", before="if len(rows):\n    pass", after="answers = answers")]
    for fault in every:
        compile(fault.source("predict"), "wrapped.py", "exec")


def test_an_alias_that_was_moved_by_hand_is_put_back():
    calls = []
    context = Context(TUMOR, "sqlite://", champion=1)
    context.client = SimpleNamespace(set_registered_model_alias=lambda *told: calls.append(told))
    move_champion_alias(context, 7)
    context.undo.close()
    assert calls == [(TUMOR, "champion", "7"), (TUMOR, "champion", "1")]
