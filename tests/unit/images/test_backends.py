"""Choosing a backend: what is asked of the environment, what becomes of its answer, and what without one."""

import json
import stat
import sys

import pytest

from slipway.core.golden import Tolerance
from slipway.core.verdict import Outcome, decide
from slipway.images.backends import EVIDENCE, Candidates, Choice, choose_in_folder, measurements, place
from slipway.images.backends_report import backends_section

ONE = {"rows": 0, "mismatches": 0, "largest_difference": None, "row": None, "reason": "", "us_1000": 5.0}
NATIVE = {**ONE, "name": "pyfunc", "outcome": "native", "us_1": 900.0, "native_answer": None, "answer": None}
FAST = {**NATIVE, "name": "onnx", "outcome": "same", "us_1": 20.0, "rows": 100, "largest_difference": 1e-17}
WRONG = FAST | {
    "outcome": "refused",
    "reason": "1 of 100 rows beyond the tolerance",
    "mismatches": 1,
    "row": {"a<b": 1.5},
    "native_answer": 0.25,
    "answer": 0.75,
}
FILES = {"onnx.onnx": b"graph", "trees.npz": b"trees", "trees.so": b"kernel"}
TREES = FAST | {"name": "trees", "us_1": 4.0}
TOLERANCE = {"absolute": 1e-9, "relative": 1e-6}


def evidence(*candidates, chosen):
    return {"chosen": chosen, "tolerance": TOLERANCE, "rows": 100, "seconds": 1.0, "candidates": list(candidates)}


@pytest.fixture
def candidates(tmp_path):
    folder = tmp_path / "candidates"
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps({"signature": {"inputs": []}}))
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return Candidates(
        folder=folder,
        rows=("known_rows.npz",),
        compiled={"onnx": ("onnx.onnx",), "trees": ("trees.npz", "trees.so")},
        coverage={"splits": 10, "placed": 9},
        tolerance=Tolerance(**TOLERANCE),
    )


@pytest.fixture
def interpreter(tmp_path):
    """A program in place of the environment's interpreter: it answers as told, and counts how often it is asked."""

    def interpreter(answer):
        path = tmp_path / "python"
        path.write_text(
            f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\n"
            f"count = Path({str(tmp_path / 'count')!r})\n"
            "count.write_text(count.read_text() + 'x' if count.exists() else 'x')\n"
            f"answer = {answer!r}\n"
            "if answer is None: sys.exit('no module named numpy')\n"
            f"(Path(sys.argv[3]) / {EVIDENCE!r}).write_text(answer)\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return interpreter


def test_a_compiled_model_that_qualified_goes_into_the_image(candidates, interpreter, tmp_path):
    python = interpreter(json.dumps(evidence(NATIVE, FAST, TREES, chosen="trees")))
    choice = choose_in_folder(candidates, context=tmp_path, python=python)
    assert choice.backend == "trees"
    place(choice, tmp_path / "backends")
    assert {name: (tmp_path / "backends" / name).read_bytes() for name in FILES} == FILES
    assert json.loads((tmp_path / "backends" / EVIDENCE).read_text())["chosen"] == "trees"
    found = measurements(choice, candidates)
    assert decide(found).outcome is Outcome.PASSED
    by_name = {m.name: m.value for m in found}
    assert (by_name["backends.rows_compared"], by_name["backends.splits_with_rows"]) == (100, 0.9)


def test_one_that_was_refused_stays_out_and_the_report_shows_the_row(candidates, interpreter, tmp_path):
    python = interpreter(json.dumps(evidence(NATIVE, WRONG, TREES, chosen="trees")))
    choice = choose_in_folder(candidates, context=tmp_path, python=python)
    assert choice.backend == "trees"
    place(choice, tmp_path / "backends")
    assert sorted(path.name for path in (tmp_path / "backends").iterdir()) == [EVIDENCE, "trees.npz", "trees.so"]
    html = backends_section(choice)
    assert "a&lt;b = 1.5" in html
    assert "the native model says 0.25, onnx says 0.75" in html
    assert decide(measurements(choice, candidates)).outcome is Outcome.PASSED


def test_the_same_question_is_asked_once(candidates, interpreter, tmp_path):
    python = interpreter(json.dumps(evidence(NATIVE, FAST, chosen="onnx")))
    first = choose_in_folder(candidates, context=tmp_path, python=python)
    assert choose_in_folder(candidates, context=tmp_path, python=python) == first
    assert (tmp_path / "count").read_text() == "x"


def test_without_an_answer_the_server_finds_out_by_itself(candidates, interpreter, tmp_path):
    choice = choose_in_folder(candidates, context=tmp_path, python=interpreter(None))
    assert (choice.backend, choice.compiled) == (None, ())
    assert "no module named numpy" in choice.evidence["reason"]
    assert "finds out by itself" in backends_section(choice)
    (found,) = measurements(choice, candidates)
    assert (found.name, found.value) == ("backends.compared", 0)
    assert choose_in_folder(candidates, context=tmp_path, python=interpreter(None)) == choice
    assert (tmp_path / "count").read_text() == "xx"  # what failed is tried again


def test_without_candidates_the_report_says_so():
    assert "nothing was compared" in backends_section(Choice())


def test_what_the_image_keeps_does_not_depend_on_how_fast_the_host_was(tmp_path):
    written = []
    for name, us in (("quiet", 20.0), ("busy", 90.0)):
        told = evidence(NATIVE, FAST | {"us_1": us, "us_1000": 50 * us}, chosen="onnx") | {"seconds": us}
        place(Choice(backend="onnx", evidence=told), tmp_path / name)
        written.append((tmp_path / name / EVIDENCE).read_bytes())
    assert written[0] == written[1]
    assert json.loads(written[0])["candidates"][1]["largest_difference"] == 1e-17
