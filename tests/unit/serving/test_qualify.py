"""Which backend is served: by rule, from answers compared row by row; and one that was made wrong is refused."""

import numpy as np
import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving import qualify as module
from slipway.serving.backends.compare import Answers, compare
from slipway.serving.backends.trial import answers, chunks
from slipway.serving.faults import ModelCrashed
from slipway.serving.predictor import Predictor
from slipway.serving.qualify import Candidate, choose, qualify

SIGNATURE = Signature(
    inputs=(
        Column(name="a", dtype=DType.FLOAT, min=0, max=1),
        Column(name="n", dtype=DType.INT, min=0, max=9, nullable=True, on_missing=Policy.parse("flag")),
        Column(name="w", dtype=DType.STRING, on_missing=Policy.parse({"impute": "none"})),
    ),
    output=Output(name="y"),
)
ROWS = {
    "a": np.array([0.0, 0.25, 1.0]),
    "n": np.array([1.0, np.nan, 3.0]),
    "w": np.array(["x", None, "yy"], dtype=object),
}


def save(path, table):
    arrays = {}
    for name, values in table.items():
        if values.dtype != object:
            arrays[f"number:{name}"] = values
        else:
            missing = np.array([value is None for value in values])
            arrays |= {f"missing:{name}": missing, f"text:{name}": np.where(missing, "", values).astype(str)}
    np.savez(path, **arrays)


def model(answer, name="native"):
    return Predictor(name, answer, SIGNATURE.output)


def right(columns):
    gaps = np.isnan(columns["n"].astype(float))
    return columns["a"] + np.where(gaps, 10.0, columns["n"].astype(float)) + [len(word) for word in columns["w"]]


def crashes_on_a_gap(columns):
    if np.isnan(columns["n"].astype(float)).any():
        raise ValueError("NaN")
    return right(columns)


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Compare backends, given as calls, with a native one."""
    save(tmp_path / "rows.npz", ROWS)
    many = {name: np.resize(values, 30_000) for name, values in ROWS.items()}
    save(tmp_path / "more.npz", many)

    def ask(native=right, *, seconds=60.0, problems=(), **others):
        found = [model(native, "pyfunc"), *(model(call, name) for name, call in others.items())]
        monkeypatch.setattr(module, "load_each", lambda folder, signature, compiled: (found, dict(problems)))
        request = {
            "signature": SIGNATURE.to_json(),
            "tolerance": {"absolute": 0.0, "relative": 1e-6},
            "model": "model",
            "rows": ["rows.npz"],
            "more_rows": ["more.npz"],
            "compiled": {},
            "reasons": {"onnx": "no converter for it", "trees": "it has none"},
            "seconds": seconds,
        }
        evidence = qualify(request, tmp_path)
        return evidence, {one["name"]: one for one in evidence["candidates"]}

    return ask


def test_rows_go_through_the_same_policies_as_a_request(ask):
    part = next(iter(chunks(iter([ROWS]), SIGNATURE)))
    assert part.columns["w"].tolist() == ["x", "none", "yy"]
    assert np.isnan(part.columns["n"][1])
    assert answers(model(right), part).values.tolist() == [2.0, 14.25, 6.0]


def test_a_backend_that_answers_the_same_is_compared_on_all_rows(ask):
    evidence, by_name = ask(array=right)
    assert by_name["array"]["outcome"] == "same"
    assert by_name["array"]["rows"] == evidence["rows"] == 30_003
    assert by_name["onnx"] == by_name["onnx"] | {"outcome": "absent", "reason": "no converter for it"}
    assert by_name["trees"] == by_name["trees"] | {"outcome": "absent", "reason": "it has none"}


@pytest.mark.parametrize(("times_slower", "whole"), [(1.05, True), (4.0, False)])
def test_one_that_may_be_chosen_is_compared_on_all_rows_however_fast_another_is(ask, monkeypatch, times_slower, whole):
    times = {"pyfunc": 100.0, "frame": 10.0, "array": 10.0 * times_slower}
    monkeypatch.setattr(module, "microseconds", lambda predictor, *_, **__: times[predictor.backend])
    _, by_name = ask(frame=right, array=right)
    assert by_name["frame"]["rows"] == 30_003
    assert (by_name["array"]["rows"] == 30_003) is whole


WRONG = {
    "a_value": lambda c: right(c) + (c["a"] == 0.25) * 1e-3,
    "missing_treated_as_zero": lambda c: right({**c, "n": np.nan_to_num(c["n"].astype(float))}),
    "an_error_for_one_row": crashes_on_a_gap,
    "nonsense_for_one_row": lambda c: np.where(c["a"] == 0.25, np.nan, right(c)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_backend_that_differs_in_one_row_is_refused_with_the_row(ask, monkeypatch, wrong):
    monkeypatch.setattr(module, "_load", lambda path: ROWS)
    _, by_name = ask(array=wrong)
    found = by_name["array"]
    assert found["outcome"] == "refused"
    assert found["mismatches"] == 2  # once in either file
    assert found["row"] == {"a": 0.25, "n": None, "w": "none"}
    assert found["native_answer"] == 14.25


def test_rows_on_which_both_fail_are_the_same(ask, monkeypatch):
    monkeypatch.setattr(module, "_load", lambda path: ROWS)
    _, by_name = ask(crashes_on_a_gap, array=lambda c: np.where(np.isnan(c["n"].astype(float)), np.nan, right(c)))
    assert by_name["array"]["outcome"] == "same"


def test_a_backend_that_answers_next_to_nothing_is_refused(ask):
    def few(columns):
        if columns["a"][0] in (0.0, 1.0) and len(columns["a"]) in (1, 1000):  # those it is timed with
            return right(columns)
        raise ModelCrashed("no", remedy="none")

    _, by_name = ask(array=few)
    assert by_name["array"]["outcome"] == "refused"
    assert "without an answer" in by_name["array"]["reason"]


def test_out_of_time_before_the_rows_that_must_be_compared_is_no_pass(ask, monkeypatch):
    monkeypatch.setattr("slipway.serving.backends.trial.CHUNK", 2)
    _, by_name = ask(seconds=-1.0, array=right)
    assert by_name["array"]["outcome"] == "refused"
    assert "no more time" in by_name["array"]["reason"]


def test_out_of_time_after_them_is_told_by_the_count(ask):
    _, by_name = ask(seconds=-1.0, array=right)
    assert (by_name["array"]["outcome"], by_name["array"]["rows"]) == ("same", 3)


CHOICES = {
    "the_fastest": ({"pyfunc": 900, "array": 100, "onnx": 20}, {}, "onnx"),
    "not_one_that_differs": ({"pyfunc": 900, "array": 100, "onnx": 20}, {"onnx": "refused"}, "array"),
    "the_simpler_of_equals": ({"pyfunc": 900, "frame": 102, "array": 100}, {}, "frame"),
    "machine_code": ({"pyfunc": 900, "array": 100, "onnx": 20, "trees": 4}, {}, "trees"),
    "not_machine_code_that_differs": ({"pyfunc": 900, "onnx": 20, "trees": 4}, {"trees": "refused"}, "onnx"),
    "the_graph_where_machine_code_is_no_faster": ({"pyfunc": 900, "onnx": 20, "trees": 19}, {}, "onnx"),
    "the_fallback": ({"pyfunc": 900}, {}, "pyfunc"),
    "pyfunc_where_nothing_is_faster": ({"pyfunc": 100, "unwrapped": 95}, {}, "pyfunc"),
}


@pytest.mark.parametrize(("times", "outcomes", "chosen"), CHOICES.values(), ids=CHOICES)
def test_the_choice_follows_its_rule(times, outcomes, chosen):
    found = [Candidate(name=n, outcome=outcomes.get(n, "same"), us_1=float(us)) for n, us in times.items()]
    assert choose(found) == chosen


def test_labels_must_be_equal():
    none = np.zeros(2, dtype=bool)
    one = Answers(np.array(["a", "b"], dtype=object), none)
    found = compare(one, Answers(np.array(["a", "c"], dtype=object), none), absolute=1.0, relative=1.0)
    assert (found.mismatches, found.worst, found.native, found.answer) == (1, 1, "b", "c")


def test_the_worst_row_is_the_one_furthest_beyond_the_tolerance():
    none = np.zeros(2, dtype=bool)
    one, other = np.array([1e6, 1e-6]), np.array([1e6 + 0.5, 3e-6])
    found = compare(Answers(one, none), Answers(other, none), absolute=0.0, relative=1e-6)
    assert (found.mismatches, found.worst) == (1, 1)
    assert found.largest == 0.5


def test_no_rows_at_all_are_no_pass(ask, monkeypatch):
    monkeypatch.setattr(module, "_chunks", lambda folder, names, signature: [])
    evidence, by_name = ask(array=right)
    assert by_name["array"]["outcome"] == "refused"
    assert evidence["chosen"] == "pyfunc"
