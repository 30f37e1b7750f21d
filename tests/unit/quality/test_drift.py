import pytest

from slipway.core.verdict import Outcome
from slipway.quality.drift import NAMES, drift_measurements, find_drift


@pytest.fixture
def drifted(toy):
    def run(change, *, seed=11, rows=(600, 400), **drift):
        before = {"train": toy.frame(600, 1), "holdout": toy.frame(400, 2)}
        now = {"train": change(toy.frame(rows[0], seed)), "holdout": change(toy.frame(rows[1], seed + 1))}
        spec = toy.spec(drift=drift)
        found = find_drift(before, now, spec)
        return found, {m.name: m for m in drift_measurements(found, before, now, spec)}

    return run


GROSS = {
    "another unit": (lambda f: f.assign(size=f["size"] / 10), "drift.distribution"),
    "an age band is absent": (lambda f: f[f["age"] < 72], "drift.share"),
    "a third of the rows repeated": (lambda f: f.iloc[[*range(len(f)), *range(len(f) // 3)]], "drift.share"),
    "half is missing": (lambda f: f.assign(size=f["size"].where(f.index % 2 == 0)), "drift.missing"),
    "the label is turned round": (lambda f: f.assign(malignant=1 - f["malignant"]), "drift.relation"),
    "hardly any positive": (lambda f: f[(f["malignant"] == 0) | (f.index % 5 == 0)], "drift.share"),
}


@pytest.mark.parametrize(("change", "name"), GROSS.values(), ids=GROSS)
def test_a_gross_shift_stops(drifted, change, name):
    found, measured = drifted(change)
    assert measured[name].outcome is Outcome.FAILED
    assert measured[name].note.startswith(found[0].columns[0]) or any(d.gross for d in found)


SMALL = {
    "nothing": lambda f: f,
    "a twentieth of the sizes a little larger": lambda f: f.assign(size=f["size"] + 0.4),
    "a few values missing": lambda f: f.assign(size=f["size"].where(f.index % 10 != 0)),
    "older patients": lambda f: f.assign(age=(f["age"] + 4).clip(20, 90)),
}


@pytest.mark.parametrize("change", SMALL.values(), ids=SMALL)
def test_a_small_shift_is_let_through(drifted, change):
    _, measured = drifted(change)
    assert {m.outcome for m in measured.values()} <= {Outcome.PASSED, None}


def test_many_rows_make_a_small_shift_sure_and_it_still_does_not_stop(drifted):
    found, measured = drifted(lambda f: f.assign(size=f["size"] + 1.2), rows=(20_000, 20_000))
    assert any(d.sure and "size" in d.columns for d in found)
    assert measured["drift.distribution"].outcome is Outcome.PASSED
    assert "size" in measured["drift.warnings"].note or measured["drift.warnings"].value == 0


def test_the_snapshots_of_honest_retrains_are_let_through(drifted):
    blocked = 0
    for seed in range(20, 100, 2):
        _, measured = drifted(lambda f: f, seed=seed, rows=(150, 100))
        blocked += any(m.outcome is Outcome.FAILED for m in measured.values())
    assert blocked == 0


def test_an_intended_shift_is_recorded_and_does_not_stop(drifted):
    found, measured = drifted(lambda f: f.assign(size=f["size"] / 10), intended=["size"])
    assert {m.outcome for m in measured.values()} <= {Outcome.PASSED, None}
    assert "size in train" in measured["drift.warnings"].note
    assert "(intended)" in found[0].sentence()


def test_with_the_severity_warn_nothing_stops(drifted):
    _, measured = drifted(lambda f: f.assign(size=f["size"] / 10), severity="warn")
    assert {m.outcome for m in measured.values()} == {None}
    assert measured["drift.distribution"].value > 0.9
    assert measured["drift.warnings"].value >= 2


def test_few_rows_tell_nothing(drifted):
    _, measured = drifted(lambda f: f.head(20))
    assert measured["drift.distribution"].outcome is Outcome.INCONCLUSIVE


@pytest.fixture
def beside(toy):
    def run(of_champion, **drift):
        frames = {"train": of_champion(toy.frame(300, 1))}, {"train": toy.frame(300, 2)}
        found = find_drift(*frames, toy.spec(drift=drift))
        return {m.name: m for m in drift_measurements(found, *frames, toy.spec(drift=drift))}, found

    return run


def test_a_new_input_beside_others_is_passed_over_and_named(beside):
    measured, found = beside(lambda f: f.drop(columns="age"))
    assert all("age" not in d.columns for d in found)
    assert {m.outcome for m in measured.values()} == {Outcome.PASSED, None}
    for name in NAMES:
        assert measured[f"drift.{name}"].outcome is Outcome.PASSED
        assert measured[f"drift.{name}"].note == "nothing beyond chance; not compared: age"


RENAMED = {"size": "Size", "weight": "Weight", "age": "Age"}


def test_where_every_input_is_new_nothing_is_told(beside):
    measured, _ = beside(lambda f: f.rename(columns=RENAMED))
    for name in NAMES:
        told = measured[f"drift.{name}"]
        assert (told.outcome, told.value, told.n) == (Outcome.INCONCLUSIVE, None, 0)
        assert told.note == "no input to compare; not compared: size, weight, age"
    warned, _ = beside(lambda f: f.rename(columns=RENAMED), severity="warn")
    assert {m.outcome for m in warned.values()} == {None}


def test_the_label_alone_does_not_stand_for_new_inputs_and_still_stops(beside):
    def all_positive(frame):
        return frame.rename(columns=RENAMED).assign(malignant=1)

    measured, _ = beside(all_positive)
    assert measured["drift.distribution"].outcome is Outcome.FAILED
    assert measured["drift.missing"].outcome is Outcome.INCONCLUSIVE


def test_what_the_shared_inputs_cannot_show_is_not_judged(beside):
    measured, _ = beside(lambda f: f[["age", "malignant"]].astype({"age": str}))
    told = measured["drift.distribution"]
    assert (told.outcome, told.value) == (None, None)
    assert told.note == "no input to compare; not compared: size, weight"
    assert measured["drift.missing"].outcome is Outcome.PASSED


def test_an_intended_column_must_be_declared(toy):
    with pytest.raises(ValueError, match="wieght is neither an input nor the label"):
        toy.spec(drift={"intended": ["wieght"]})
