"""What holds a run back: counts, shares, ranges, and a distribution that has moved."""

import numpy as np
import pytest

from slipway.core.signature import DType, Output
from slipway.core.verdict import Outcome, decide
from slipway.errors import SpecError
from slipway.scoring import Counts, Limits, Summary, pooled, run_measurements
from slipway.scoring.checks import FALSE_ALARM, difference, rows_needed, shift_measurement
from slipway.scoring.summary import summarise

BOUNDED = Output(name="p", min=0, max=1)
OPEN = Output(name="amount")
LABEL = Output(name="word", dtype=DType.STRING)


def drawn(rows, *, seed, mean=0.0):
    return summarise(np.random.default_rng(seed).normal(mean, 1, rows), OPEN)


def named(measurements):
    return {m.name: m for m in measurements}


GOOD = Counts(read=100, written=98, set_aside=2)
CASES = {
    "everything reconciles": (GOOD, {}, Outcome.PASSED),
    "a row was lost": (Counts(read=100, written=97, set_aside=2), {}, Outcome.FAILED),
    "a row was doubled": (Counts(read=100, written=99, set_aside=2), {}, Outcome.FAILED),
    "one lost, one doubled": (Counts(read=100, written=99, set_aside=1), {}, Outcome.FAILED),
    "too many were set aside": (GOOD, {"max_set_aside": 0.01}, Outcome.FAILED),
}


@pytest.mark.parametrize(("counts", "limits", "expected"), CASES.values(), ids=CASES.keys())
def test_rows_reconcile_exactly_and_few_are_set_aside(counts, limits, expected):
    summary = summarise(np.full(98, 0.5), BOUNDED)
    found = run_measurements(counts, summary, BOUNDED, limits=Limits(**limits))
    judged = [m for m in found if m.name != "answers.shift"]
    assert decide(judged).outcome is expected


def test_an_answer_out_of_range_is_found_and_the_ends_are_in():
    counts = Counts(read=3, written=3, set_aside=0)
    for values, expected in (([0.0, 0.5, 1.0], Outcome.PASSED), ([0.0, 0.5, 1.1], Outcome.FAILED)):
        found = run_measurements(counts, summarise(np.array(values), BOUNDED), BOUNDED, limits=Limits())
        assert named(found)["answers.outside"].outcome is expected


def test_no_rows_at_all_are_inconclusive_and_not_a_pass():
    found = run_measurements(Counts(read=0, written=0, set_aside=0), Summary(), BOUNDED, limits=Limits())
    assert named(found)["rows.set_aside"].outcome is Outcome.INCONCLUSIVE


def test_quiet_runs_raise_no_alarm():
    history = [drawn(1000, seed=seed) for seed in range(5)]
    outcomes = {shift_measurement(drawn(500, seed=100 + n), history, OPEN, max_shift=0.2).outcome for n in range(200)}
    assert outcomes == {Outcome.PASSED}


def test_a_shift_of_twice_the_limit_is_found():
    history = [drawn(1000, seed=seed) for seed in range(5)]
    moved = [shift_measurement(drawn(500, seed=n, mean=1.1), history, OPEN, max_shift=0.2) for n in range(50)]
    assert {m.outcome for m in moved} == {Outcome.FAILED}


FEW = {
    "no run before": ([], 1000),
    "two runs before": ([1000, 1000], 1000),
    "few rows today": ([1000] * 3, 50),
    "few rows before": ([10] * 3, 1000),
}


@pytest.mark.parametrize(("before", "today"), FEW.values(), ids=FEW.keys())
def test_too_little_to_tell_is_inconclusive_even_for_a_large_shift(before, today):
    history = [drawn(rows, seed=seed) for seed, rows in enumerate(before)]
    found = shift_measurement(drawn(today, seed=9, mean=5), history, OPEN, max_shift=0.2)
    assert found.outcome is Outcome.INCONCLUSIVE


def test_the_rows_asked_for_keep_the_stated_error_rate():
    for limit in (0.05, 0.2, 0.5):
        assert 2 * np.exp(-2 * limit**2 * rows_needed(limit)) <= FALSE_ALARM
        assert 2**7 * np.exp(-2 * limit**2 * rows_needed(limit, labels=7)) <= FALSE_ALARM


def test_labels_are_compared_by_their_shares():
    one = summarise(np.array(["a"] * 50 + ["b"] * 50, dtype=object), LABEL)
    other = summarise(np.array(["a"] * 80 + ["b"] * 20, dtype=object), LABEL)
    assert difference(one, other, ordered=False) == pytest.approx(0.3)
    assert difference(one, one, ordered=False) == 0


@pytest.mark.parametrize("output", [OPEN, Output(name="p", min=-10, max=10)], ids=["open", "bounded"])
def test_the_difference_is_kolmogorovs(output):
    one, other = (np.random.default_rng(n).normal(n / 2, 1, 5000) for n in (0, 1))
    places = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(values), places, side="right") / 5000 for values in (one, other)]
    exact = np.abs(shares[0] - shares[1]).max()
    found = difference(summarise(one, output), summarise(other, output), ordered=True)
    assert found == pytest.approx(exact, abs=0.02)
    assert found <= exact + 1e-12


def test_parts_and_the_whole_have_the_same_summary():
    values = np.random.default_rng(3).normal(0, 1, 1000)
    parts = pooled(summarise(part, OPEN) for part in np.array_split(values, 7))
    whole = summarise(values, OPEN)
    assert parts.bins == whole.bins
    assert (parts.rows, parts.low, parts.high) == (whole.rows, whole.low, whole.high)
    assert parts.mean == pytest.approx(whole.mean)


@pytest.mark.parametrize(
    "values", [np.array([-1.0, 0.5, 2.0]), np.array(["a", "b", "a"], dtype=object)], ids=["numbers", "labels"]
)
def test_a_summary_survives_the_way_through_json(values):
    output = LABEL if values.dtype == object else BOUNDED
    summary = summarise(values, output)
    assert Summary.from_json(summary.to_json()) == summary


@pytest.mark.parametrize(
    "wrong", [{"max_set_aside": 2}, {"max_outside": -1}, {"max_shift": 0}], ids=lambda one: next(iter(one))
)
def test_what_is_no_share_is_refused(wrong):
    with pytest.raises(SpecError):
        Limits(**wrong)
