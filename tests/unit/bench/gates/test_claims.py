import pytest

from bench.gates.claims import agree, claims, matrix, quantile, seconds_of_early_faults, steps_of, wilson
from bench.gates.records import Cell


def values(found):
    return {claim.name.removeprefix("gates."): (claim.value, claim.n) for claim in found}


def test_the_claims_count_what_the_records_say(record):
    records = [
        record("run_scenarios", seconds=20.0),
        record("validate_data", "validate_data", seconds=10.0),
        record("load_test", "run_scenarios", seconds=99.0),
        record("load_test", "load_test", seconds=120.0),
        record(expected="promote", tampered=True),
        record(expected=""),
        record("load_test", expected=""),
        record(expected=""),
        record("profile_serving", expected="promote", tampered=False),
        record(broken=True, cells={}),
    ]
    assert values(claims(records, [True] * 99 + [False])) == {
        "catch_rate": (3 / 5, 5),
        "false_block_rate": (2 / 4, 4),
        "seconds_to_verdict_p95": (20.0, 2),
        "power_at_half_percent": (0.99, 100),
    }


def test_what_was_not_measured_is_not_claimed(record):
    assert claims([], []) == []
    assert [c.name for c in claims([record(expected="")])] == ["gates.false_block_rate"]


def test_what_the_image_took_counts_only_beside_it_and_where_the_release_got_that_far(record):
    early = [record("validate_data", seconds=10.0), record("run_scenarios", seconds=40.0)]
    records = [record(r.stopped_at, seconds=r.seconds, image_seconds=30.0) for r in early]
    assert seconds_of_early_faults(records) == [10.0, 40.0]
    assert seconds_of_early_faults(records, image=True) == [10.0, 70.0]


def test_a_rate_stands_beside_its_counts_and_its_interval(record):
    (claim,) = claims([record("run_scenarios", seconds=None)] * 30)
    assert "30 of 30" in claim.against
    assert "interval 0.886 to 1.000" in claim.against


def test_the_matrix_holds_every_run_of_every_case(record):
    found = matrix(
        [record("run_scenarios"), record("load_test", repeat=2), record("validate_data", case="data/two", repeat=1)]
    )
    assert [(c["case"], len(c["runs"]), c["agree"]) for c in found["cases"]] == [
        ("scores/one", 2, False),
        ("data/two", 1, True),
    ]
    assert found["cases"][0]["runs"][1]["cells"]["load_test"] == "failed"
    assert found["summary"]["verdicts"]["caught_too_late"] == 1
    assert found["summary"]["caught_at"] == {"validate_data": 1, "run_scenarios": 1}
    assert found["summary"]["repeated_cases_that_agree"] == 0


def test_cases_are_shown_group_by_group_and_good_ones_last(record):
    ids = ["data/one", "scores/two", "good/three", "data/four"]
    found = matrix([record(case=case, expected="" if "good" in case else "evaluate") for case in ids])
    assert [c["case"] for c in found["cases"]] == ["data/one", "data/four", "scores/two", "good/three"]


def test_an_inconclusive_catch_is_told_apart(record):
    found = matrix([record("evaluate", cell=Cell.INCONCLUSIVE), record("evaluate")])
    assert found["summary"]["caught_inconclusive"] == 1


def test_a_run_that_broke_does_not_speak_against_the_others(record):
    assert agree([record("evaluate"), record(broken=True, cells={}), record("evaluate")])
    assert not agree([record("evaluate"), record()])


def test_the_steps_are_those_that_the_releases_had(record):
    assert steps_of([record(cells={"deploy": Cell.PASSED, "evaluate": Cell.PASSED})]) == ["evaluate", "deploy"]


INTERVALS = {(50, 50): (0.929, 1.0), (0, 50): (0.0, 0.071), (95, 100): (0.888, 0.978)}


@pytest.mark.parametrize(("counts", "ends"), INTERVALS.items(), ids=str)
def test_the_interval_is_wilsons(counts, ends):
    assert wilson(*counts) == pytest.approx(ends, abs=1e-3)


def test_a_quantile_is_one_of_the_values():
    assert quantile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert quantile(list(map(float, range(1, 101))), 0.95) == 95.0
