"""Each dataset's suite, run by Great Expectations itself on the real data, and on data broken on purpose."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml

from slipway.settings import Settings

SEVERITIES = {"fail", "quarantine", "warn"}


def suite_of(model) -> dict:
    return json.loads((Settings.load({}).expectations / model.spec.dataset / "suite.json").read_text())


def broken(model, frame: pd.DataFrame) -> set[tuple[str, str]]:
    """Validate; return the severity and type of each expectation that did not hold."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("d").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    suite = suite_of(model)
    declared = gx.ExpectationSuite(**suite)
    assert len(declared.expectations) == len(suite["expectations"]), "one was not understood, or is there twice"
    result = batch.get_batch({"dataframe": frame}).validate(declared)
    return {(r.expectation_config.meta["severity"], r.expectation_config.type) for r in result.results if not r.success}


@pytest.mark.parametrize("part", ["train_rows", "holdout_rows", "all_rows"])
def test_the_real_data_meet_their_suite(model, part):
    assert broken(model, getattr(model, part)) == set()


def test_a_column_in_another_unit_is_set_aside_and_warned_about(model):
    column = next(c.name for c in model.spec.signature.inputs if c.dtype == "float" and not c.nullable)
    frame = model.all_rows.assign(**{column: model.all_rows[column] * 1000})
    found = broken(model, frame)
    assert ("quarantine", "expect_column_values_to_be_between") in found
    assert ("warn", "expect_column_mean_to_be_between") in found


def test_a_column_that_is_gone_fails(model):
    column = model.spec.signature.inputs[0].name
    assert ("fail", "expect_column_to_exist") in broken(model, model.all_rows.drop(columns=column))


def test_labels_that_are_missing_fail(model):
    frame = model.all_rows.astype({model.label: float})
    frame.loc[:20, model.label] = None
    assert ("fail", "expect_column_values_to_not_be_null") in broken(model, frame)


def test_a_row_without_a_required_value_and_a_row_that_is_there_twice_are_set_aside(model):
    column = next(c.name for c in model.spec.signature.inputs if c.dtype == "float" and not c.nullable)
    frame = pd.concat([model.all_rows, model.all_rows.head(1)], ignore_index=True)
    frame.loc[5, column] = None
    assert broken(model, frame) >= {
        ("quarantine", "expect_column_values_to_not_be_null"),
        ("quarantine", "expect_compound_columns_to_be_unique"),
    }


def test_the_suite_covers_every_column_and_says_why(model):
    expectations = suite_of(model)["expectations"]
    assert {e["meta"]["severity"] for e in expectations} == SEVERITIES
    assert all(e["meta"]["why"] for e in expectations)
    named = {e["kwargs"].get("column") for e in expectations if e["type"] == "expect_column_to_exist"}
    assert named == set(model.all_rows.columns)


def test_the_contract_promises_what_the_model_declares(model):
    path = Settings.load({}).expectations / model.spec.dataset / "contract.yaml"
    contract = yaml.safe_load(path.read_text())
    assert {"owner", "purpose", "source", "schema", "freshness", "retention"} <= set(contract)
    promised = {c["name"]: c for c in contract["schema"]}
    assert list(promised) == list(model.all_rows.columns)
    for column in model.spec.signature.inputs:
        found = promised[column.name]
        assert (found["dtype"], found["unit"], found["nullable"]) == (column.dtype, column.unit, column.nullable)
