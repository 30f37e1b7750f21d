import re
from collections import Counter
from pathlib import Path

import pytest

import bench.gates
from bench.gates.case import GOOD
from bench.gates.catalog import CatalogueError, load, select

SHIPPED = load()
GROUPS = {
    "data",
    "preprocessing",
    "scores",
    "latency",
    "resources",
    "robustness",
    "quality",
    "supply_chain",
    "good",
}
ONE = """
from bench.gates.case import Case
CASE = Case(name="{name}", group="good", model="m_one", why="a good one that looks odd", make=lambda context: 1)
"""


def test_there_are_thirty_faulty_and_ten_good_cases_over_both_models():
    faulty, good = [c for c in SHIPPED if c.faulty], [c for c in SHIPPED if not c.faulty]
    assert len(faulty) >= 30
    assert len(good) >= 10
    for cases in (faulty, good):
        assert set(Counter(c.model for c in cases)) == {"tumor_malignancy", "diabetes_progression"}


def test_every_place_where_a_fault_can_live_has_cases():
    assert set(Counter(c.group for c in SHIPPED)) == GROUPS


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: case.id)
def test_every_case_says_what_is_wrong_and_who_could_know(case):
    assert case.why.endswith(".")
    assert (case.group == GOOD) == (case.stopped_by is None)
    assert callable(case.make)


def test_the_cheap_cases_come_first():
    costs = [case.cost for case in SHIPPED]
    assert costs == sorted(costs)
    assert SHIPPED[0].stopped_by == "validate_data"
    assert not SHIPPED[-1].faulty


def test_no_reason_is_given_twice():
    assert [why for why, n in Counter(c.why for c in SHIPPED).items() if n > 1] == []


SELECTED = {
    "a group": (["data"], lambda c: c.group == "data"),
    "a name": (["stall"], lambda c: c.name == "stall"),
    "an id's pattern": (["good/s*"], lambda c: c.id.startswith("good/s")),
    "two patterns": (["data", "stall"], lambda c: c.group == "data" or c.name == "stall"),
    "nothing": ([], lambda c: True),
}


@pytest.mark.parametrize(("patterns", "wanted"), SELECTED.values(), ids=SELECTED)
def test_cases_are_selected_by(patterns, wanted):
    found = select(SHIPPED, patterns)
    assert found
    assert list(found) == [c for c in SHIPPED if wanted(c)]


def test_a_misspelt_pattern_is_an_error_and_not_a_good_result():
    with pytest.raises(CatalogueError, match="'latncy'"):
        select(SHIPPED, ["data", "latncy"])


def test_a_folder_of_anybodys_cases_is_a_catalogue(tmp_path):
    (tmp_path / "one.py").write_text(ONE.format(name="in_a_file"))
    (tmp_path / "_helpers.py").write_text("raise RuntimeError")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "case.py").write_text(ONE.format(name="in_a_folder"))
    assert [case.id for case in load(tmp_path)] == ["good/in_a_file", "good/in_a_folder"]


BAD = {
    "an empty folder": ({}, "holds no case"),
    "a case there twice": ({"a.py": ONE.format(name="same"), "b.py": ONE.format(name="same")}, "declared twice"),
    "a file without a case": ({"a.py": "CASES = ()"}, "declares neither"),
    "a file that is not Python": ({"a.py": "CASES = ("}, "SyntaxError"),
    "a case that does not hold": ({"a.py": ONE.format(name="Wrong Name")}, "lower-case"),
}


@pytest.mark.parametrize(("files", "said"), BAD.values(), ids=BAD)
def test_a_catalogue_that_cannot_be_used_says_why(tmp_path, files, said):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(CatalogueError, match=said):
        load(tmp_path)


def test_the_readmes_example_is_a_catalogue(tmp_path):
    readme = (Path(bench.gates.__file__).parent / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    assert [case.stopped_by for case in load(tmp_path)] == ["validate_data", "run_scenarios", None]
