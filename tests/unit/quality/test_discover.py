import numpy as np
import pandas as pd
import pytest

from slipway.quality.discover import Harm, search
from slipway.quality.parts import parts_of

COLUMNS = ["bmi", "age", "bp", "sex"]


def patients(seed, rows=155):
    """Rows, labels and what a fair model answers; the noise is as large as that of the diabetes example."""
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(0, 1, rows) for name in ("bmi", "age", "bp")}
    frame = pd.DataFrame(numbers).assign(sex=np.where(rng.random(rows) < 0.5, "F", "M"))
    fair = 150 + 40 * frame["bmi"].to_numpy()
    return frame, fair + rng.normal(0, 55, rows), fair


def asked(seed, change, *, champion=True, rows=155):
    frame, truth, fair = patients(seed, rows)
    wobble = np.random.default_rng(seed + 1).normal(0, 6, (2, rows))
    answers, rival = fair + wobble[0] + change(frame), fair + wobble[1]
    return search(frame, truth, answers, champion=rival if champion else None, columns=COLUMNS, chances=False)


def harmful(found):
    return [f for f in found.found if f.harmful]


BIASED = {
    "one condition": lambda f: np.where(f["bmi"] > 0.7, -45.0, 0.0),
    "a group": lambda f: np.where(f["sex"] == "F", 40.0, 0.0),
    "two conditions": lambda f: np.where((f["sex"] == "M") & (f["age"] > 0), 55.0, 0.0),
}


@pytest.mark.parametrize("change", BIASED.values(), ids=BIASED)
def test_a_bias_on_a_part_that_nobody_declared_is_found(change):
    found = [bool(harmful(asked(seed, change))) for seed in range(0, 40, 2)]
    assert sum(found) >= 16


def test_the_part_that_is_named_is_the_biased_one():
    found = asked(0, BIASED["a group"])
    assert "sex = F" in harmful(found)[0].label
    assert harmful(found)[0].value > 25 > abs(harmful(found)[0].rival)


GOOD = {
    "another seed": lambda f: np.zeros(len(f)),
    "answers nearer to the mean": lambda f: -10.0 * f["bmi"].to_numpy(),
    "a little high everywhere": lambda f: np.full(len(f), 8.0),
    "a little low on a part": lambda f: np.where(f["bmi"] > 0.5, -10.0, 0.0),
}


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_a_good_version_is_let_through(change):
    assert sum(bool(harmful(asked(seed, change))) for seed in range(0, 60, 2)) == 0


def test_a_first_release_is_let_through_or_stopped_by_its_own_errors():
    calm = sum(bool(harmful(asked(seed, GOOD["another seed"], champion=False))) for seed in range(0, 80, 2))
    biased = sum(
        bool(harmful(asked(seed, lambda f: np.where(f["sex"] == "F", 60.0, 0.0), champion=False)))
        for seed in range(0, 40, 2)
    )
    assert calm <= 1
    assert biased >= 18


def test_answers_that_are_noise_on_a_part_are_found_by_their_loss():
    def noisy(frame):
        return np.where(frame["age"] > 0.3, np.random.default_rng(7).normal(0, 110, len(frame)), 0.0)

    found = [harmful(asked(seed, noisy, rows=300)) for seed in range(0, 20, 2)]
    assert sum(any(f.harm is Harm.LOSS for f in one) for one in found) >= 8


def test_the_stated_power_is_true():
    stated = asked(0, GOOD["another seed"]).detectable
    hits = 0
    for seed in range(0, 80, 2):
        edge = np.quantile(patients(seed)[0]["bmi"], 0.8)
        hits += bool(harmful(asked(seed, lambda f, edge=edge: np.where(f["bmi"] >= edge, stated, 0.0))))
    assert hits >= 0.75 * 40


def tumours(seed, change, *, rows=170, temper=1.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(0, 1, rows) for name in ("bmi", "age", "bp")}).assign(sex="F")
    score = 3 * frame["bmi"].to_numpy()
    truth = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(float)
    own, rival = (1 / (1 + np.exp(-score * t - rng.normal(0, 0.4, rows))) for t in (temper, 1.0))
    answers = np.clip(change(frame, own), 0, 1)
    return search(frame, truth, answers, champion=rival, columns=COLUMNS[:3], chances=True)


@pytest.mark.parametrize("temper", [0.6, 1.0, 2.0], ids=["unsure", "fair", "too sure"])
def test_honest_probabilities_are_let_through(temper):
    assert sum(bool(harmful(tumours(s, lambda f, p: p, temper=temper))) for s in range(30)) <= 1


def test_probabilities_that_are_wrong_on_a_part_are_found():
    found = [bool(harmful(tumours(s, lambda f, p: np.where(f["age"] > 0.5, 0.3 * p, p), rows=300))) for s in range(20)]
    assert sum(found) >= 15


def test_few_rows_are_not_searched():
    found = asked(0, GOOD["another seed"], rows=40)
    assert (found.parts, found.found, found.detectable) == (0, (), None)


def test_a_part_has_enough_rows_and_is_there_once():
    frame = patients(0)[0].assign(copy=lambda f: f["bmi"])
    parts = list(parts_of(frame, [*COLUMNS, "copy", "gone"], support=25, weight=np.ones(155)))
    assert all(25 <= part.rows.sum() <= 130 for part in parts)
    assert len({part.rows.tobytes() for part in parts}) == len(parts)


def test_missing_values_are_a_part():
    frame = patients(0)[0].assign(bp=lambda f: f["bp"].where(f.index % 4 != 0))
    assert "bp missing" in {part.label for part in parts_of(frame, COLUMNS, support=25, weight=np.ones(155))}
