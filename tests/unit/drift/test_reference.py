import numpy as np
import pandas as pd
import pytest

from slipway.drift.reference import SHIFTS, fit_reference
from slipway.drift.tables import FrameTable, Kind

FRAME = pd.DataFrame({"x": np.arange(100.0), "name": ["a", "b"] * 50})
KINDS = {"x": Kind.NUMBER, "name": Kind.CATEGORY}


def test_all_rows_are_counted_and_each_day_by_itself():
    days = np.repeat([0, 1, 2, 3], 25)
    reference = fit_reference(FrameTable(FRAME), KINDS, days=days)
    for profile in reference.columns.values():
        assert profile.counts.sum() == 100
        np.testing.assert_array_equal(profile.by_day.sum(axis=0), profile.counts)
        np.testing.assert_array_equal(profile.by_day.sum(axis=1), [25, 25, 25, 25])
    assert reference.days == 4


def test_columns_that_cannot_be_read_as_declared_are_named():
    reference = fit_reference(FrameTable(FRAME), {**KINDS, "name": Kind.NUMBER, "gone": Kind.NUMBER})
    assert reference.unread == ("name", "gone")
    assert set(reference.columns) == {"x"}


CHANGES = {
    "a value": (FRAME.assign(x=FRAME["x"].where(FRAME["x"] != 5, 77.0)), None),
    "fewer rows": (FRAME.head(99), None),
    "the days": (FRAME, np.repeat([0, 1], 50)),
}


@pytest.mark.parametrize(("frame", "days"), CHANGES.values(), ids=CHANGES)
def test_the_digest_changes_with(frame, days):
    assert fit_reference(FrameTable(frame), KINDS, days=days).digest != fit_reference(FrameTable(FRAME), KINDS).digest


def test_the_digest_is_the_same_for_the_same_data_however_many_work_on_it():
    one, two = (fit_reference(FrameTable(FRAME), KINDS, workers=workers).digest for workers in (1, 2))
    assert one == two


def test_the_mean_loss_is_over_labelled_rows_and_of_each_day():
    loss = np.full(100, np.nan)
    loss[:10], loss[50:60] = 1.0, 3.0
    reference = fit_reference(FrameTable(FRAME), KINDS, days=np.repeat([0, 1, 2, 3], 25), loss=loss)
    assert reference.loss.mean == 2.0
    assert reference.loss.rows == 20
    np.testing.assert_array_equal(reference.loss.day_means, [1.0, np.nan, 3.0, np.nan])


def test_labels_that_never_came_leave_no_loss():
    assert fit_reference(FrameTable(FRAME), KINDS, loss=np.full(100, np.nan)).loss is None


def test_shifted_shares_are_told_of_numbers_that_vary_only():
    frame = FRAME.assign(constant=1.0)
    columns = fit_reference(FrameTable(frame), {**KINDS, "constant": Kind.NUMBER}).columns
    assert columns["x"].shifted.shape[:2] == (2, len(SHIFTS))
    np.testing.assert_allclose(columns["x"].shifted.sum(axis=2), 1.0)
    assert columns["constant"].shifted.shape[1] == columns["name"].shifted.shape[1] == 0
