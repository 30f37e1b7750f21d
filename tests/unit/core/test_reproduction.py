"""Answers are compared to the last bit, and what was not looked at has not passed."""

import json
import math

import pytest

from slipway.core.identity import Subject, digest_bytes
from slipway.core.reproduction import (
    ContentCompared,
    Reproduction,
    compare_answers,
    pick,
    same_bits,
)
from slipway.core.verdict import Outcome

DIGEST, OTHER = digest_bytes(b"one"), digest_bytes(b"other")
SUBJECT = Subject(model="churn", version=1, artifact_sha256=DIGEST, image_digest=DIGEST)
SAME = ContentCompared(before=DIGEST, after=DIGEST, by="a record", changed=0)
UNCHANGED = compare_answers([0.1, "a"], [0.1, "a"])


def made(**changes):
    given = {"content": SAME, "answers": UNCHANGED, "rebuilt": True, **changes}
    return Reproduction(subject=SUBJECT, runtime="docker", **given)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (0.5, 0.5, True),
        (0.5, math.nextafter(0.5, 1), False),
        (0.0, -0.0, False),
        (math.nan, math.nan, True),
        (1, 1.0, False),
        (True, 1, False),
        ("yes", "yes", True),
        ("yes", "no", False),
        (None, None, True),
    ],
)
def test_two_answers_are_the_same_only_to_the_last_bit(one, other, same):
    assert same_bits(one, other) is same


def test_one_unit_in_the_last_place_is_told_as_such():
    before = [0.25, 152.13348416289594, 3.0]
    found = compare_answers(before, [0.25, math.nextafter(before[1], 1e9), 3.0])
    assert (found.rows, found.changed, found.max_ulps) == (3, 1, 1)
    (one,) = found.examples
    assert (one.row, one.ulps, one.before) == (1, 1, before[1])
    assert found.max_difference == pytest.approx(2.8e-14, rel=0.05)
    assert found.max_relative == pytest.approx(found.max_difference / before[1])


def test_a_label_that_changed_has_no_distance():
    found = compare_answers(["benign", 0.5], ["malignant", math.nan])
    assert (found.changed, found.max_ulps, found.max_difference) == (2, 0, 0.0)
    assert [one.ulps for one in found.examples] == [None, None]


def test_what_is_no_number_any_more_is_kept_as_strict_json():
    (one,) = compare_answers([0.5], [math.nan]).to_json()["examples"]
    assert (one["before"], one["after"], one["ulps"]) == (0.5, "nan", None)
    assert json.dumps(one, allow_nan=False)


def test_many_changed_rows_are_counted_and_a_few_shown():
    found = compare_answers([1.0] * 200, [2.0] * 200)
    assert (found.changed, len(found.examples)) == (200, 10)


def test_fewer_answers_than_rows_are_no_comparison():
    with pytest.raises(ValueError, match="shorter"):
        compare_answers([1.0, 2.0], [1.0])


CASES = {
    "all the same": ({}, Outcome.PASSED),
    "not rebuilt": ({"rebuilt": False, "content": None, "answers": None, "problem": "no wheel"}, Outcome.FAILED),
    "another content": ({"content": ContentCompared(before=DIGEST, after=OTHER, changed=1)}, Outcome.FAILED),
    "content not known": ({"content": ContentCompared(before=None, after=OTHER)}, Outcome.INCONCLUSIVE),
    "no content": ({"content": None}, Outcome.INCONCLUSIVE),
    "another base": (
        {"content": ContentCompared(before=DIGEST, after=OTHER, changed=9, other_base="debian:next")},
        Outcome.PASSED,
    ),
    "another base, other answers": (
        {
            "content": ContentCompared(before=DIGEST, after=OTHER, changed=9, other_base="debian:next"),
            "answers": compare_answers([1.0], [math.nextafter(1.0, 2)]),
        },
        Outcome.FAILED,
    ),
    "one answer by one unit": ({"answers": compare_answers([1.0], [math.nextafter(1.0, 2)])}, Outcome.FAILED),
    "answers not compared": ({"answers": None, "problem": "golden.json was altered"}, Outcome.INCONCLUSIVE),
    "no golden rows": ({"answers": compare_answers([], [])}, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("changes", "outcome"), CASES.values(), ids=CASES)
def test_the_verdict_follows_from_the_three_questions(changes, outcome):
    assert made(**changes).verdict.outcome is outcome


def test_what_the_ledger_keeps_names_what_differs():
    paths = ("srv/model/data/weights.txt: other bytes",)
    kept = made(content=ContentCompared(before=DIGEST, after=OTHER, changed=1, paths=paths)).to_json()
    assert kept["outcome"] == "FAILED"
    assert kept["content"]["paths"] == list(paths)
    assert paths[0] in kept["reasons"][0]
    assert kept["answers"] == {
        "rows": 2,
        "changed": 0,
        "max_difference": 0.0,
        "max_relative": 0.0,
        "max_ulps": 0,
        "examples": [],
    }


def test_a_seed_draws_the_same_versions_each_time_and_another_seed_others():
    fleet = [("m" + str(n % 7), n) for n in range(1, 60)]
    drawn = {pick(fleet, count=5, seed=seed) for seed in range(30)}
    assert pick(fleet, count=5, seed=3) == pick(list(reversed(fleet)), count=5, seed=3)
    assert all(len(set(one)) == 5 for one in drawn)
    assert len(drawn) > 20
    assert pick(fleet[:2], count=5, seed=3) == tuple(sorted(fleet[:2]))
