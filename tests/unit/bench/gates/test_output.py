import json
from datetime import UTC, datetime

import pytest

import bench.gates.__main__ as program
import bench.results
from bench.gates import output
from bench.gates.claims import claims
from bench.gates.picture import page
from bench.gates.power import measure_power, read_power
from bench.gates.store import Store

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def results(tmp_path, monkeypatch):
    folder = tmp_path / "bench" / "results"
    folder.mkdir(parents=True)
    for module in (bench.results, output):
        monkeypatch.setattr(module, "RESULTS", folder)
    return folder


def test_the_results_hold_the_claims_the_whole_matrix_and_a_picture(results, record):
    said = []
    records = [record("run_scenarios"), record(case="scores/two"), record(expected="", case="good/three")]
    output.write_results("gates", records, [True], started_at=NOW, say=said.append)
    document = json.loads((results / "gates.json").read_text())
    assert {claim["name"] for claim in document["claims"]} == {
        "gates.catch_rate",
        "gates.false_block_rate",
        "gates.seconds_to_verdict_p95",
        "gates.power_at_half_percent",
    }
    assert [case["case"] for case in document["matrix"]["cases"]] == ["scores/one", "scores/two", "good/three"]
    assert (results / "gates.png").read_bytes().startswith(b"\x89PNG")
    assert any(line.startswith("missed") and "scores/two" in line for line in said)


def test_a_part_of_the_cases_does_not_pass_for_the_whole(results, record, case, tmp_path, monkeypatch, capsys):
    store = Store(tmp_path / "gates" / "runs")
    monkeypatch.setattr(program, "VAR", tmp_path / "gates")
    monkeypatch.setattr(program, "load", lambda catalog: [case("one"), case("two")])
    store.put(record("run_scenarios"))
    assert program.main(["--report", "--power", "0"]) == 0
    assert "1 of 2 cases have no run yet" in capsys.readouterr().err
    assert {path.stem for path in results.iterdir()} == {"gates-part"}
    store.put(record("run_scenarios", case="scores/two"))
    assert program.main(["--report", "--power", "0"]) == 0
    assert {path.stem for path in results.iterdir()} == {"gates-part", "gates"}


def test_a_report_of_the_whole_measures_nothing(results, record, case, tmp_path, monkeypatch):
    store = Store(tmp_path / "gates" / "runs")
    monkeypatch.setattr(program, "VAR", tmp_path / "gates")
    monkeypatch.setattr(program, "load", lambda catalog: [case("one")])
    monkeypatch.setattr(program, "measure_power", lambda *args, **options: pytest.fail("it was measured"))
    store.put(record("run_scenarios"))
    assert program.main(["--report"]) == 0
    assert (results / "gates.json").is_file()


CATALOGUE = """
from bench.gates.case import Case
WHY = "Some of the answers are wrong, for a reason."
CASES = (Case(name="one", group="scores", model="tumor_malignancy", why=WHY, stopped_by="run_scenarios", make=print),)
"""


def test_two_catalogues_with_a_case_of_one_name_do_not_share_its_record(tmp_path, results, record, monkeypatch):
    monkeypatch.setattr(program, "VAR", tmp_path / "var")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "cases.py").write_text(CATALOGUE)
    Store(tmp_path / "var" / "runs").put(record("run_scenarios"))
    assert program.main(["--catalog", str(theirs), "--report"]) == 1
    Store(tmp_path / "var" / "runs-theirs").put(record("run_scenarios"))
    assert program.main(["--catalog", str(theirs), "--report"]) == 0
    assert (results / "gates-theirs.json").is_file()


def test_without_a_record_nothing_is_written(results):
    output.write_results("gates", [], [], started_at=NOW, say=lambda line: None)
    assert list(results.iterdir()) == []


def test_the_page_needs_nothing_from_elsewhere_and_escapes_what_it_shows(record):
    records = [record("run_scenarios"), record("load_test", repeat=2)]
    text = page(records, claims(records))
    assert "http" not in text
    assert "a &lt; b &amp; c" in text
    assert "too late" in text
    assert "1 of 2" in text
    assert "2, differ" in text


def test_the_cell_that_could_know_last_is_framed(record):
    text = page([record("evaluate", "run_scenarios")], [])
    assert text.count("class=expected") == 2  # one in the legend
    assert "<td class=expected style='background:#f1f3f5' title='run_scenarios: not reached'>" in text


def test_injections_that_were_made_are_not_made_again(tmp_path):
    (tmp_path / "power.json").write_text("[true, false, true]")
    assert measure_power(tmp_path, injections=2, say=print) == [True, False]
    assert read_power(tmp_path / "elsewhere") == []
