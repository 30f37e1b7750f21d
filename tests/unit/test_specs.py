"""model.yaml: every problem at once, each with its path."""

import pytest

from slipway.errors import IdentityError, SpecError
from slipway.settings import Settings
from slipway.specs import load_model, model_folder, parse_model
from tests.fakes.specs import a_spec, declared


def test_a_valid_declaration_is_read():
    spec = a_spec()
    assert spec.to_signature().names == ("tenure", "spend")
    assert spec.objectives.p95_ms == 200


def test_every_problem_is_listed_with_its_path():
    broken = declared(risk_tier="mild", owner={"team": "growth"}, surprise=1)
    broken["signature"] = {"inputs": [{"name": "x", "dtype": "decimal"}], "output": {"name": "y"}}
    with pytest.raises(SpecError) as caught:
        parse_model(broken)
    for path in ("risk_tier", "owner.contact", "surprise", "signature.inputs.0.dtype"):
        assert path in caught.value.reason


def column(**fields):
    return {"inputs": [{"name": "x", "dtype": "float", **fields}], "output": {"name": "y"}}


WRONG = {
    "a name that is no folder": ({"name": "Churn Model"}, "not a model name"),
    "p99 below p95": ({"objectives": {"p95_ms": 300, "p99_ms": 200}}, "below p95_ms"),
    "min above max": ({"signature": column(min=2, max=1)}, "not below max"),
    "an unknown policy": ({"signature": column(on_missing="drop")}, "not a policy"),
    "a label among the inputs": (
        {"signature": {"inputs": [{"name": "left", "dtype": "float"}], "output": {"name": "y"}}},
        "also an input",
    ),
    "a metric of another task": ({"task": "regression"}, "is for classification"),
    "canary without steps": ({"deployment": {"strategy": "canary"}}, "canary_steps"),
    "falling canary steps": ({"deployment": {"strategy": "canary", "canary_steps": [50, 10]}}, "must rise"),
    "a reference outside the folder": ({"reference": {"entry_point": "../x.py:score"}}, "entry_point"),
    "no metric": ({"quality": {"label": "l", "metrics": [], "champion_metric": "roc_auc"}}, "metrics"),
    "not a mapping": (None, "model.yaml"),
}


@pytest.mark.parametrize(("changes", "says"), WRONG.values(), ids=WRONG)
def test_a_declaration_is_refused_for(changes, says):
    with pytest.raises(SpecError, match=says):
        parse_model(None if changes is None else declared(**changes))


@pytest.mark.parametrize("name", ["../churn", "/etc", "", "Churn", ".", "churn/../churn"])
def test_a_name_that_is_no_model_name_never_becomes_a_path(tmp_path, name):
    (tmp_path / "include" / "models" / "churn").mkdir(parents=True)
    (tmp_path / "include" / "models" / "churn" / "model.yaml").write_text("name: churn")
    settings = Settings.load({"SLIPWAY_ROOT": str(tmp_path)})
    assert model_folder(settings, "churn").name == "churn"
    with pytest.raises(IdentityError, match="not a model name"):
        model_folder(settings, name)


def test_a_declaration_that_is_a_folder_is_an_error_of_the_declaration(tmp_path):
    (tmp_path / "include" / "models" / "churn" / "model.yaml").mkdir(parents=True)
    with pytest.raises(SpecError):
        load_model(Settings.load({"SLIPWAY_ROOT": str(tmp_path)}), "churn")
