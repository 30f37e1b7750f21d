import json

import pytest

from slipway.errors import SettingsError
from slipway.serving.config import Limits, ServingConfig, backend_wanted, profiling_wanted
from tests.unit.serving.samples import SIGNATURE, SUBJECT

DATA = {"model": "clinic", "version": 3, "artifact_sha256": SUBJECT.artifact_sha256, "signature": SIGNATURE.to_json()}


def test_a_configuration_reads_back_as_it_was_written(tmp_path):
    path = tmp_path / "serving.json"
    path.write_text(json.dumps(DATA))
    config = ServingConfig.load(path)
    assert (config.subject, config.signature) == (SUBJECT, SIGNATURE)


BROKEN = {
    "not_json": "{",
    "not_an_object": "[]",
    "no_signature": json.dumps({key: value for key, value in DATA.items() if key != "signature"}),
    "no_inputs": json.dumps(DATA | {"signature": {"inputs": [], "output": {"name": "y"}}}),
    "wrong_dtype": json.dumps(DATA | {"signature": {"inputs": [{"name": "x", "dtype": "date"}], "output": {}}}),
    "no_digest": json.dumps(DATA | {"artifact_sha256": "abc"}),
    "version_zero": json.dumps(DATA | {"version": 0}),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_configuration_that_does_not_hold_is_refused(tmp_path, text):
    path = tmp_path / "serving.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"serving\.json cannot be used"):
        ServingConfig.load(path)


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be used"):
        ServingConfig.load(tmp_path / "serving.json")


def test_limits_come_from_the_environment_or_are_the_defaults():
    limits = Limits.from_env({"SLIPWAY_SERVING_MAX_ROWS": "7", "SLIPWAY_SERVING_DRAIN_SECONDS": "0.5"})
    assert limits == Limits(max_bytes=16_777_216, max_rows=7, max_inflight=1024, drain_seconds=0.5)


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan", "inf", "0.5"])
def test_a_limit_that_is_not_a_number_of_at_least_one_is_refused(text):
    with pytest.raises(SettingsError, match="SLIPWAY_SERVING_MAX_INFLIGHT"):
        Limits.from_env({"SLIPWAY_SERVING_MAX_INFLIGHT": text})


def test_profiling_is_off_unless_asked_for():
    assert [profiling_wanted({"SLIPWAY_SERVING_PROFILE": text}) for text in ("1", "0", "")] == [True, False, False]
    assert not profiling_wanted({})


@pytest.fixture
def wanted(tmp_path):
    """Ask for a backend in an image that chose ONNX, and where an array took the rows just as right."""
    path = tmp_path / "evidence.json"
    outcomes = {"pyfunc": "native", "array": "same", "onnx": "same", "frame": "differs"}
    path.write_text(json.dumps({"candidates": [{"name": n, "outcome": o} for n, o in outcomes.items()]}))
    config = tmp_path / "serving.json"
    config.write_text(json.dumps(DATA | {"backend": "onnx"}))

    def ask(name, evidence=path):
        env = {} if name is None else {"SLIPWAY_SERVING_BACKEND": name}
        return backend_wanted(ServingConfig.load(config), evidence, env)

    return ask


@pytest.mark.parametrize(
    ("name", "served"),
    [(None, "onnx"), ("", "onnx"), ("onnx", "onnx"), ("array", "array"), ("pyfunc", "pyfunc")],
)
def test_the_images_choice_is_served_unless_another_that_qualified_is_asked_for(wanted, name, served):
    assert wanted(name) == served


@pytest.mark.parametrize("name", ["frame", "tensorrt"])
def test_a_backend_that_did_not_qualify_is_refused_with_those_that_did(wanted, name):
    with pytest.raises(SettingsError, match=r"did not qualify .* use one of pyfunc, array, onnx"):
        wanted(name)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"candidates": [{}]}'], ids=["gone", "cut off", "a list", "empty"])
def test_without_the_images_evidence_no_other_backend_is_served(wanted, tmp_path, text):
    path = tmp_path / "other.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"did not qualify .*leave it out"):
        wanted("array", evidence=path)
    assert wanted("onnx", evidence=path) == "onnx"
