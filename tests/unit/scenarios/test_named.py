import pytest
import yaml

from slipway.errors import SpecError
from slipway.scenarios.named import named_cases, parse_scenarios


def parse(tiny, text):
    return parse_scenarios(yaml.safe_load(text), tiny.signature, tiny.base)


def test_what_a_row_leaves_out_comes_from_the_base_row(tiny):
    [case] = parse(tiny, "cases: [{name: n, row: {a: 3.0, c: null}, expect: {answer: reference, flags: [c]}, why: w}]")
    assert case.rows == ({**tiny.base, "a": 3.0, "c": None},)
    assert case.columns == ("a", "c")


def test_limits_are_kept(tiny):
    [case] = parse(tiny, "cases: [{name: n, row: {}, expect: {above: -3}, why: w}]")
    assert (case.limits.above, case.limits.below) == (-3.0, None)


def test_a_folder_without_the_file_has_no_named_cases(tiny):
    assert named_cases(tiny.folder, tiny.signature, tiny.base) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("[]", "valid dictionary", id="not-a-mapping"),
        pytest.param("cases: [{name: n, row: {}, expect: {answer: reference}}]", "cases.0.why", id="no-why"),
        pytest.param("cases: [{name: n, row: {}, expect: {}, why: w}]", "give one of", id="no-expectation"),
        pytest.param(
            "cases: [{name: n, row: {}, expect: {below: 1, above: 0}, why: w}]", "give one of", id="two-expectations"
        ),
        pytest.param("cases: [{name: n, row: {a: [1]}, expect: {below: 1}, why: w}]", "cases.0.row.a", id="a-list"),
        pytest.param(
            "cases: [{name: n, row: {}, expect: {rejected: true, flags: [a]}, why: w}]", "flags go with", id="flags"
        ),
        pytest.param(
            "cases: [{name: n, row: {}, expect: {below: 1}, why: w}, {name: n, row: {}, expect: {below: 1}, why: w}]",
            "named twice: n",
            id="a-name-twice",
        ),
        pytest.param(
            "cases: [{name: n, row: {A: 1}, expect: {below: 1}, why: w}]",
            "cases.0 (n): row: there is no input A",
            id="typo",
        ),
        pytest.param(
            "cases: [{name: n, row: {b: 9}, expect: {below: 1}, why: w}]",
            "policies reject b",
            id="answer-of-a-rejection",
        ),
        pytest.param(
            "cases: [{name: n, row: {a: 99}, expect: {rejected: true}, why: w}]",
            "let the row through",
            id="rejection-of-an-answer",
        ),
        pytest.param(
            "cases: [{name: n, row: {a: 99}, expect: {answer: reference, flags: []}, why: w}]",
            "flag ['a'], not []",
            id="other-flags",
        ),
    ],
)
def test_a_file_that_does_not_hold_says_where(tiny, text, problem):
    with pytest.raises(SpecError) as caught:
        parse(tiny, text)
    assert problem in str(caught.value)


def test_every_contradiction_is_listed_at_once(tiny):
    text = """
    cases:
      - {name: one, row: {A: 1}, expect: {below: 1}, why: w}
      - {name: two, row: {b: 9}, expect: {below: 1}, why: w}
    """
    with pytest.raises(SpecError) as caught:
        parse(tiny, text)
    assert "(one)" in caught.value.reason
    assert "(two)" in caught.value.reason
