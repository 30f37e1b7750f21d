"""Evidently's own report, built by Evidently: one test, since its import alone takes seconds."""

import numpy as np
import pytest

from slipway.drift.evidently_report import evidently_report
from slipway.drift.tables import FrameTable, Kind


@pytest.mark.slow
def test_the_report_shows_what_both_tables_have_and_loads_nothing(tmp_path, rows_of, kinds):
    current = rows_of(400, 2).assign(amount=np.nan)
    current["age"] += 20
    asked = {**kinds, "gone": Kind.NUMBER}
    out = evidently_report(FrameTable(rows_of(400, 1)), FrameTable(current), asked, tmp_path / "in" / "evidently.html")
    text = out.read_text(encoding="utf-8")
    assert "Dataset Drift" in text
    assert "place" in text
    assert "<script src" not in text
    assert "<link" not in text
