"""A model's train.py runs in a process of its own and says what it registered."""

import json

import pytest

from slipway.errors import CommandError, SpecError
from slipway.workflows.train import train
from tests.unit.workflows.conftest import REGISTERED

SAYS = "import argparse, os, json\nparser = argparse.ArgumentParser()\n"
SAYS += (
    "parser.add_argument('--registered-model'); parser.add_argument('--seed', type=int)\nargs = parser.parse_args()\n"
)
GOOD = {"model": "churn", "version": 3, "run_id": "abc", "metrics": {"roc_auc": 0.9}}


@pytest.fixture
def script(bench):
    def write(text):
        (bench.settings.models / "churn" / "train.py").write_text(SAYS + text)
        return bench.settings

    return write


def test_it_is_told_the_model_the_seed_and_the_registry(script):
    told = "{'version': args.seed, 'run_id': args.registered_model + ' in ' + os.environ['MLFLOW_TRACKING_URI'],"
    settings = script(f"print('training'); print(json.dumps({told} 'metrics': {{'rmse': 1}}}}))")
    made = train(settings, "churn", seed=7)
    place = f"{REGISTERED} in {settings.tracking_uri}"
    assert made == {"model": "churn", "version": 7, "run_id": place, "metrics": {"rmse": 1.0}}


def test_a_model_without_train_py_says_what_to_do(bench):
    with pytest.raises(SpecError, match=r"has no train\.py"):
        train(bench.settings, "churn")


def test_a_crash_shows_its_last_words(script):
    with pytest.raises(CommandError, match="no such column"):
        train(script("raise SystemExit('no such column')"), "churn")


NONSENSE = {
    "nothing": "",
    "no JSON": "print('done')",
    "a JSON list": "print([])",
    "a JSON word": "print('null')",
    "no version": f"print({json.dumps(json.dumps({**GOOD, 'version': None}))})",
    "metrics that are a list": f"print({json.dumps(json.dumps({**GOOD, 'metrics': [1]}))})",
    "a metric that is not finite": f"print({json.dumps(json.dumps({**GOOD, 'metrics': {'rmse': float('nan')}}))})",
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE)
def test_it_is_an_error_when_its_last_line_is(script, text):
    with pytest.raises(SpecError, match="did not end with its JSON line"):
        train(script(text), "churn")
