"""What holds for each folder in include/models."""

from __future__ import annotations

import ast
import sys

import numpy as np
import pandas as pd
import pytest

from slipway.core.signature import Action, DType
from slipway.core.spec import Task
from slipway.scenarios.named import parse_scenarios
from slipway.scenarios.suite import CaseClass
from slipway.scenarios.treat import treat
from slipway.settings import Settings
from slipway.specs import load_model, model_names, read_yaml

REFERENCE_MAY_IMPORT = {*sys.stdlib_module_names, "numpy"}
WAYS_ROUND_AN_IMPORT = {"importlib", "subprocess", "runpy", "pickle", "ctypes", "imp", "pkgutil"}
PACKAGES_TO_SERVE = {"mlflow", "scikit-learn", "numpy", "pandas", "scipy", "skops"}


def test_the_declaration_is_about_what_the_training_makes(model):
    assert [c.name for c in model.spec.signature.inputs] == list(model.inputs(model.train_rows).columns)
    assert model.spec.quality.label == model.train.LABEL
    assert (model.spec.name, model.spec.registered_model) == (model.folder.name, model.train.MODEL)
    assert {c.name for c in model.spec.signature.inputs if c.nullable} == set(model.train.NULLABLE)
    assert model.spec.reference.entry_point == "reference.py:score"


def test_every_row_of_the_data_keeps_to_the_declared_types_and_ranges(model):
    signature = model.spec.to_signature()
    off = {}
    for row in model.json_rows(model.all_rows):
        off |= {c.name: row[c.name] for c in signature.inputs if not c.holds(row[c.name])}
    assert off == {}


def test_every_column_has_a_unit_and_a_description(model):
    assert [c.name for c in model.spec.signature.inputs if not (c.unit and c.description)] == []


def test_ranges_leave_room_around_the_data_unless_at_zero(model):
    tight = [
        c.name
        for c in model.spec.signature.inputs
        if c.dtype.is_numeric
        and not ((c.min < model.all_rows[c.name].min() or c.min == 0) and model.all_rows[c.name].max() < c.max)
    ]
    assert tight == []


def test_the_reference_agrees_with_the_trained_pipeline_on_every_row(model, reference):
    rows = model.all_rows
    difference = np.abs(np.array(reference(model.json_rows(rows))) - model.answers(rows))
    assert difference.max() < 1e-9


def test_the_reference_agrees_where_values_are_missing_and_values_repeat(model, reference):
    random = np.random.default_rng(0)
    rows = model.all_rows.sample(5000, replace=True, random_state=0).reset_index(drop=True)
    for name in model.train.NULLABLE:
        rows[name] = rows[name].astype(float).mask(random.random(len(rows)) < 0.3)
    assert rows[list(model.train.NULLABLE)].isna().all(axis=1).any(), "some rows lack all of them"
    difference = np.abs(np.array(reference(model.json_rows(rows))) - model.answers(rows))
    assert difference.max() < 1e-9


def test_the_reference_agrees_at_the_corners_of_the_declared_ranges(model, reference):
    random = np.random.default_rng(1)
    numbers = [c for c in model.spec.signature.inputs if c.dtype.is_numeric]
    rows = model.all_rows.sample(2000, replace=True, random_state=1).reset_index(drop=True)
    for column in numbers:
        ends = random.choice([column.min, column.max], len(rows))
        rows[column.name] = ends.astype(int) if column.dtype is DType.INT else ends
    difference = np.abs(np.array(reference(model.json_rows(rows))) - model.answers(rows))
    assert difference.max() < 1e-9


def test_the_reference_sees_two_swapped_features(model, reference):
    """Ground truth that did not notice a swap would be worth nothing."""
    one, other = [c.name for c in model.spec.signature.inputs if c.dtype is DType.FLOAT][-2:]
    rows = model.all_rows
    swapped = rows.assign(**{one: rows[other], other: rows[one]})
    difference = np.abs(np.array(reference(model.json_rows(rows))) - model.answers(swapped))
    assert difference.max() > 1e-3


def test_the_reference_does_not_care_how_rows_are_grouped_or_keys_ordered(model, reference):
    rows = model.json_rows(model.holdout_rows)[:20]
    backwards = [dict(reversed(row.items())) for row in rows]
    assert reference(rows) == [reference([row])[0] for row in backwards]


def test_the_reference_imports_neither_the_estimator_nor_us(model):
    tree = ast.parse((model.folder / "reference.py").read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or "."] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert imported <= REFERENCE_MAY_IMPORT - WAYS_ROUND_AN_IMPORT
    assert not called & {"__import__", "exec", "eval"}


def test_training_imports_nothing_of_ours(model):
    tree = ast.parse((model.folder / "train.py").read_text())
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    names += [node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if name.split(".")[0] in ("slipway", "slipway_airflow", "airflow", ".")]


def test_the_scenarios_are_well_formed_and_true(model, reference):
    """Each named case holds for the reference: what it says about the answer is not just a wish."""
    signature = model.spec.to_signature()
    base = model.json_rows(model.holdout_rows)[0]
    cases = parse_scenarios(read_yaml(model.folder / "scenarios.yaml"), signature, base)
    assert len(cases) >= 8
    assert {case.kind for case in cases} == {CaseClass.NAMED}
    outcomes = set()
    for case in cases:
        treated = treat(case.rows[0], signature)
        outcomes.add("rejected" if treated.rejected else "flagged" if treated.flags else "plain")
        if treated.rejected:
            continue
        (answer,) = reference([dict(treated.row)])
        assert case.limits.below is None or answer < case.limits.below, case.name
        assert case.limits.above is None or answer > case.limits.above, case.name
        frame = pd.DataFrame([treated.row]).assign(**{model.label: 0})
        frame = frame.astype(dict.fromkeys(model.train.NULLABLE, float))
        assert model.answers(frame)[0] == pytest.approx(answer, abs=1e-9), case.name
    assert outcomes == {"rejected", "flagged", "plain"}


def test_the_default_training_meets_its_own_quality_thresholds_with_other_seeds_too(model):
    for seed in (0, 1, 2):
        pipeline = model.train.build_pipeline(model.train.DEFAULTS | {"seed": seed})
        pipeline.fit(model.inputs(model.train_rows), model.train_rows[model.label])
        measured = model.train.evaluate(pipeline, model.holdout_rows)
        for metric in model.spec.quality.metrics:
            value = measured[metric.name.value]
            good = value >= metric.threshold if metric.name.higher_is_better else value <= metric.threshold
            assert good, f"{metric.name} {value} against {metric.threshold} with seed {seed}"


def test_the_card_says_what_the_model_is_for_and_where_it_ends(model):
    card = (model.folder / "card.md").read_text()
    for heading in ("## Intended use", "## Limits", "## Ethics"):
        assert len(card.split(heading)[1].split("##")[0].split()) > 20, heading
    assert "Not written yet" not in card
    assert model.spec.signature.output.name in card


def test_the_examples_use_every_policy_and_every_type_that_json_has_for_them():
    settings = Settings.load({})
    specs = [load_model(settings, name) for name in model_names(settings)]
    columns = [column for spec in specs for column in spec.signature.inputs]
    assert {c.on_missing.action for c in columns} == {Action.REJECT, Action.IMPUTE, Action.FLAG}
    assert {c.on_out_of_range.action for c in columns} == set(Action)
    assert {c.dtype for c in columns} >= {DType.FLOAT, DType.INT, DType.STRING}
    assert {spec.task for spec in specs} == set(Task)
