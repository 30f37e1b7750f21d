"""What other programs say, read; what people get to see, written."""

import json

import pytest
from rich.console import Console

from bench.serving.figures import Cell, Cells
from bench.serving.load import parse_wrk
from bench.serving.plot import draw
from bench.serving.report import show
from bench.serving.run import Failure
from bench.serving.slipway_side import phase_seconds, qualified


def test_only_good_answers_count_as_throughput():
    said = 'Running 2s test\nRESULT {"requests":100,"seconds":2,"status":20,"socket":1,"p50_ms":1,"p99_ms":2}\n'
    found = parse_wrk(said)
    assert (found.per_second, found.answered, found.errors) == (40.0, 80, 21)


def test_a_generator_that_said_nothing_is_stopped():
    with pytest.raises(ValueError, match="no result"):
        parse_wrk("unable to connect")


def test_the_phases_are_read_from_the_metrics():
    text = '# HELP x\nslipway_phase_seconds_sum{phase="validate"} 0.25\nslipway_phase_seconds_sum{phase="predict"} 1e-3'
    assert phase_seconds(text) == {"validate": 0.25, "predict": 0.001}


@pytest.fixture
def cells():
    known = {}
    for system, speed in (("mlflow", 400.0), ("slipway", 20_000.0), ("echo", 30_000.0)):
        known["gbm100", system, "throughput_c16"] = Cell("1/s", {0: speed, 1: speed * 1.1}, 100)
        known["gbm100", system, "p99_ms_at_10"] = Cell("ms", {0: 1.0}, 100)
    known["gbm100", "mlflow", "p99_ms_at_1000"] = Cell("ms", {0: float("inf")}, 100, errors=90)
    return Cells(known)


def test_a_system_that_failed_is_in_the_table_with_its_reason(cells):
    console = Console(width=160, record=True)
    show(
        console,
        cells,
        ["gbm100"],
        [Failure("bentoml", "gbm100", "it ended: no module named x")],
        setups={("slipway", "gbm100"): "onnx"},
    )
    said = console.export_text()
    assert "BentoML" in said
    assert "it ended: no module named x" in said
    assert "21,000" in said
    assert "Slipway (onnx)" in said


def test_the_picture_is_drawn_though_a_figure_is_infinite(cells, tmp_path):
    path = draw(cells, ["gbm100"], rates=[10, 1000], out=tmp_path / "p.svg")
    assert path.read_text().startswith("<?xml")


def test_backends_that_did_not_qualify_are_not_measured(tmp_path):
    (tmp_path / "backends").mkdir()
    (tmp_path / "serving.json").write_text(json.dumps({"backend": "array"}))
    outcomes = {"pyfunc": "native", "onnx": "refused", "array": "same", "unwrapped": "absent"}
    candidates = [{"name": name, "outcome": outcome} for name, outcome in outcomes.items()]
    (tmp_path / "backends" / "evidence.json").write_text(json.dumps({"candidates": candidates}))
    assert qualified(tmp_path) == ("array", "pyfunc")


def test_an_image_without_a_choice_is_measured_as_it_is(tmp_path):
    (tmp_path / "serving.json").write_text("{}")
    assert qualified(tmp_path) == ()
