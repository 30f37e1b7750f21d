import json
from pathlib import Path

import pytest

from slipway.errors import ReferenceFailed
from slipway.scenarios.reference import Reference, entry_point


@pytest.fixture
def ask(tiny):
    def run(text, rows=({"x": 1.0},), **options):
        (tiny.folder / "reference.py").write_text(text)
        file, function = entry_point(tiny.spec, tiny.folder)
        with Reference(file, function, output="risk", parameters=tiny.files.reference, **options) as reference:
            return reference.score(list(rows))

    return run


def test_each_row_gets_its_answer_in_order(ask):
    text = "def score(rows): return [{'risk': row['x'] * 2} for row in rows]"
    assert ask(text, [{"x": float(i)} for i in range(2500)]) == [2.0 * i for i in range(2500)]


def test_numpy_numbers_and_labels_are_answers(ask):
    text = "import numpy as np\ndef score(rows): return [{'risk': np.float32(0.5)}, {'risk': 'high'}]"
    assert ask(text, [{"x": 1.0}, {"x": 2.0}]) == [0.5, "high"]


def test_what_it_prints_does_not_disturb_its_answers(ask):
    text = "import os\nprint('hello')\ndef score(rows):\n    os.system('echo loud')\n    return [{'risk': 1.0}]"
    assert ask(text) == [1.0]


def test_it_sees_its_parameters_and_nothing_of_our_environment(ask, tiny, monkeypatch):
    monkeypatch.setenv("SLIPWAY_SECRET", "hidden")
    text = "import os, json\ndef score(rows): return [{'risk': json.dumps(dict(os.environ))}]"
    seen = json.loads(ask(text)[0])
    assert "SLIPWAY_SECRET" not in seen
    assert Path(seen["REFERENCE_DIR"]).samefile(tiny.files.reference)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "import sklearn.tree\ndef score(rows): ...", "not independent: it imports sklearn", id="estimator"
        ),
        pytest.param("from slipway.core import spec\ndef score(rows): ...", "imports slipway", id="slipway"),
        pytest.param("def score(rows):\n    import mlflow", "imports mlflow", id="inside-a-function"),
        pytest.param("def other(rows): ...", "no function `score`", id="no-function"),
        pytest.param("def score(rows:", "not Python", id="no-syntax"),
        pytest.param(
            "def score(rows): return __import__('sklearn.tree')", "may not import sklearn", id="an-import-in-disguise"
        ),
        pytest.param(
            "def score(rows): raise NotImplementedError('later')", "NotImplementedError: later", id="not-written"
        ),
        pytest.param("def score(rows): return rows[0]['y']", "KeyError: 'y'", id="a-crash"),
        pytest.param("def score(rows): return [{'risk': float('nan')}]", "nan", id="nan"),
        pytest.param("def score(rows): return [{'other': 1.0}]", "{'other': 1.0}", id="another-output"),
        pytest.param("def score(rows): return []", "answered 1 rows with 0 answers", id="too-few"),
        pytest.param("def score(rows): return 7", "with int", id="not-a-list"),
        pytest.param("import os\ndef score(rows): os._exit(3)", "ended with code 3", id="an-exit"),
        pytest.param(
            "def score(rows): return [{'risk': len(bytearray(8 << 30))}]", "MemoryError", id="too-much-memory"
        ),
    ],
)
def test_a_reference_that_is_none_is_refused_with_its_reason(ask, text, reason):
    with pytest.raises(ReferenceFailed) as caught:
        ask(text)
    assert reason in str(caught.value)
    assert caught.value.remedy


def test_a_reference_that_hangs_is_ended(ask):
    with pytest.raises(ReferenceFailed, match="did not answer 1 rows within 1 s"):
        ask("def score(rows):\n    while True: pass", timeout_s=1)


def test_it_still_answers_after_a_crash(tiny):
    (tiny.folder / "reference.py").write_text("def score(rows): return [{'risk': 1 / row['x']} for row in rows]")
    file, function = entry_point(tiny.spec, tiny.folder)
    with Reference(file, function, output="risk", parameters=tiny.files.reference) as reference:
        with pytest.raises(ReferenceFailed, match="ZeroDivisionError"):
            reference.score([{"x": 0}])
        assert reference.score([{"x": 4}]) == [0.25]


def test_a_missing_file_says_what_to_write(tiny):
    (tiny.folder / "reference.py").unlink()
    with pytest.raises(ReferenceFailed) as caught:
        entry_point(tiny.spec, tiny.folder)
    assert "write reference.py" in caught.value.remedy
