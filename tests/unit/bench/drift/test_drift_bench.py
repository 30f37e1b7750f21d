"""The benchmark's data is what it says, it counts as it says, and its claims have the names that they are read by."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.drift import wide_data
from bench.drift.claims import night_claims, wide_claims
from bench.drift.days import KINDS, NUMBERS, Source, shifted
from bench.drift.evidently_rule import by_preset, by_tests
from bench.drift.quiet import Counted, Nights, Tally, simulate
from bench.drift.wide import in_child, main
from slipway.drift.tables import Kind


def test_days_are_repeatable_and_differ_from_each_other():
    source = Source(3)
    assert source.day(1, 50).equals(source.day(1, 50))
    assert not source.day(1, 50).equals(source.day(2, 50))
    assert set(KINDS) == set(source.day(1, 50).columns)
    assert len(NUMBERS) == 18


def test_days_have_a_heavy_tail_ties_gaps_and_names():
    day = Source(0).day(0, 5000)
    assert day["c00"].max() > 50 * day["c00"].median()
    assert day["c01"].nunique() < 25
    assert 0.2 < day["c09"].isna().mean() < 0.4
    assert day["c02"].nunique() == 5


def test_a_shift_moves_one_column_by_so_many_standard_deviations():
    day = Source(0).day(0, 1000)
    moved = shifted(day, "c10", 0.5, 4.0)
    np.testing.assert_allclose(moved["c10"] - day["c10"], 2.0)
    assert moved.drop(columns="c10").equals(day.drop(columns="c10"))


def test_the_preset_s_tests_called_directly_say_what_the_preset_says():
    source = Source(1)
    reference, day = source.day(0, 2000), source.day(1, 2000)
    moved = shifted(shifted(day, "c10", 0.5, float(day["c10"].std())), "c15", 0.3, 1.0)
    names = ["c02", "c10", "c15", "c16"]
    kinds = {name: KINDS[name] for name in names}
    found = by_tests(reference[names], moved[names], kinds)
    assert found == by_preset(reference[names], moved[names], kinds)
    assert {"c10", "c15"} <= found
    assert "c16" not in found


def test_nights_are_counted(monkeypatch):
    monkeypatch.setattr("bench.drift.quiet.ROWS", 500)
    monkeypatch.setattr("bench.drift.quiet.REFERENCE_DAYS", 8)
    said = []
    tally = simulate(Nights(models=1, quiet=4, moved=2, evidently=False), said.append)
    assert tally.quiet.nights == 4
    assert tally.found[0.5].nights == 2
    assert len(said) == 1
    assert json.dumps(tally.to_json())


def test_alarms_a_month_are_of_thirty_nights():
    counted = Counted()
    for night in range(60):
        counted.add(night % 20 == 0)
    assert counted.per_month == pytest.approx(1.5)


def test_the_claims_have_the_names_that_are_asked_for():
    ours = {"rows": 3000, "seconds": 2.0, "peak_mb": 500.0, "sampling": {"used": 3000}}
    theirs = {"rows": 300, "seconds": 20.0, "peak_mb": 900.0}
    claims = {claim.name: claim for claim in (*night_claims(Tally(), Tally()), *wide_claims(ours, theirs))}
    assert set(claims) >= {
        "drift.false_alarms_per_model_month",
        "drift.detection_rate_half_sd",
        "drift.wide_seconds",
        "drift.wide_peak_mb",
        "drift.wide_vs_evidently_preset",
    }
    assert claims["drift.wide_vs_evidently_preset"].value == pytest.approx(10.0)
    assert claims["drift.wide_rows_per_second_vs_evidently_preset"].value == pytest.approx(100.0)


def test_without_a_peer_s_figure_there_is_no_ratio():
    ours = {"rows": 3000, "seconds": 2.0, "peak_mb": 500.0, "sampling": {"used": 3000}}
    assert [claim.name for claim in wide_claims(ours, None)] == ["drift.wide_seconds", "drift.wide_peak_mb"]


@pytest.mark.slow
def test_the_wide_table_is_what_it_says_and_both_are_measured_on_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(wide_data, "CHUNK", 700)
    monkeypatch.setattr("bench.drift.wide.resource.setrlimit", lambda *_: None)  # this process goes on afterwards
    wide_data.make(tmp_path, rows=2000, reference_rows=1500, columns=24)
    assert pq.read_metadata(tmp_path / "current.parquet").num_rows == 2000
    assert list(wide_data.kinds(24).values()).count(Kind.CATEGORY) == 1
    for who in ("slipway", "evidently"):
        assert main([who, str(tmp_path), "0.5", "100000"]) == 0
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert found["rows"] == (2000 if who == "slipway" else 1000)
        assert found["peak_mb"] > 50


def test_a_child_that_runs_out_of_time_has_no_figure(tmp_path):
    assert in_child("slipway", tmp_path, limit_s=0.05, limit_mb=1000) is None
