from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from slipway.core.signature import DType
from slipway.errors import SpecError
from slipway.replay.generator import day_frame, day_labels
from slipway.replay.shifts import Shift, ShiftKind

MODELS = ["diabetes", "tumor"]


@pytest.fixture(params=MODELS)
def model(request):
    return request.getfixturevalue(request.param)


def test_a_day_is_the_same_each_time_and_whichever_others_were_made(model, replay_of):
    alone = day_frame(replay_of(model), 5)
    replay = replay_of(model)
    among = {day: day_frame(replay, day) for day in (7, 5, 1)}
    assert_frame_equal(alone, among[5])
    assert not among[7].drop(columns=["row_id", "at"]).equals(among[5].drop(columns=["row_id", "at"]))


def test_another_seed_makes_other_rows(model, replay_of):
    inputs = replay_of(model).spec.to_signature().names
    first, second = (day_frame(replay_of(model, seed=seed), 1)[[*inputs]] for seed in (0, 1))
    assert not first.equals(second)


def test_a_day_has_ids_times_within_it_and_the_inputs_as_declared(model, replay_of):
    replay = replay_of(model)
    frame = day_frame(replay, 3)
    assert tuple(frame.columns) == ("row_id", "at", *replay.spec.to_signature().names)
    assert frame["row_id"].is_unique
    assert not set(frame["row_id"]) & set(day_frame(replay, 4)["row_id"])
    assert frame["at"].is_monotonic_increasing
    assert frame["at"].min() >= datetime(2026, 1, 3, tzinfo=UTC)
    assert frame["at"].max() < datetime(2026, 1, 4, tzinfo=UTC)


EXTREME = (Shift(ShiftKind.MEAN, "age", 5.0), Shift(ShiftKind.VARIANCE, "bmi", 6.0), Shift(ShiftKind.MEAN, "s6", -6.0))


@pytest.mark.parametrize("shifts", [(), EXTREME], ids=["quiet", "extreme"])
def test_values_keep_their_dtype_and_their_declared_range(shifts, diabetes, replay_of):
    replay = replay_of(diabetes, shifts=shifts)
    frame = day_frame(replay, 1)
    for column in replay.spec.to_signature().inputs:
        values = [None if pd.isna(v) else v for v in frame[column.name].tolist()]
        assert all(column.holds(v) for v in values if v is not None), column.name
    assert frame["age"].dtype == np.int64
    assert frame["s6"].dtype == np.float64  # it can be missing


def test_a_quiet_day_looks_like_the_real_rows(model, replay_of):
    replay = replay_of(model, rows_per_day=20_000)
    frame, base = day_frame(replay, 1), replay.base
    numeric = [c.name for c in replay.spec.to_signature().inputs if c.dtype.is_numeric]
    for name in numeric:
        sd = base[name].std()
        assert abs(frame[name].mean() - base[name].mean()) < 0.04 * sd, name
        assert 0.95 < frame[name].std() / sd < 1.05, name
    apart = frame[numeric].corr().to_numpy() - base[numeric].corr().to_numpy()
    assert np.abs(apart).max() < 0.05


def test_rows_are_moved_a_little_and_not_at_all_without_jitter(diabetes, replay_of):
    _, base = diabetes
    jittered, plain = (day_frame(replay_of(diabetes, jitter=j), 1)["bmi"] for j in (0.1, 0.0))
    assert np.isclose(plain.to_numpy()[:, None], base["bmi"].to_numpy()[None, :]).any(axis=1).all()
    assert 0.01 < np.abs(jittered - plain).mean() / base["bmi"].std() < 0.2


def test_a_value_that_many_real_rows_share_is_as_frequent_on_a_quiet_day(diabetes, replay_of):
    replay = replay_of(diabetes, rows_per_day=4000)
    tied = replay.base["s4"].mode()[0]
    before, now = ((values == tied).mean() for values in (replay.base["s4"], day_frame(replay, 1)["s4"]))
    assert before > 0.1
    assert now == pytest.approx(before, abs=0.03)


def test_a_moved_mean_moves_from_its_day_on_and_nothing_else_moves(diabetes, replay_of):
    shift = Shift(ShiftKind.MEAN, "bp", 0.5, from_day=10)
    quiet, moved = replay_of(diabetes), replay_of(diabetes, shifts=(shift,))
    assert_frame_equal(day_frame(quiet, 9), day_frame(moved, 9))
    before, after = day_frame(quiet, 10), day_frame(moved, 10)
    assert_frame_equal(before.drop(columns="bp"), after.drop(columns="bp"))
    assert_frame_equal(day_labels(quiet, 10), day_labels(moved, 10))
    assert (after["bp"] - before["bp"]).mean() / diabetes[1]["bp"].std() == pytest.approx(0.5, abs=0.03)


def test_a_larger_variance_keeps_the_mean(tumor, replay_of):
    frame = day_frame(replay_of(tumor, shifts=(Shift(ShiftKind.VARIANCE, "mean_smoothness", 1.5),)), 1)
    base = tumor[1]["mean_smoothness"]
    assert frame["mean_smoothness"].std() / base.std() == pytest.approx(1.5, rel=0.05)
    assert abs(frame["mean_smoothness"].mean() - base.mean()) < 0.1 * base.std()


def test_a_shifted_mix_draws_more_of_one_category(diabetes, replay_of):
    base = diabetes[1]
    frame = day_frame(replay_of(diabetes, shifts=(Shift(ShiftKind.CATEGORY, "sex", 0.3, category="M"),)), 1)
    assert (frame["sex"] == "M").mean() == pytest.approx((base["sex"] == "M").mean() + 0.3, abs=0.03)
    men = frame["sex"] == "M"
    assert frame.loc[men, "bp"].mean() == pytest.approx(base.loc[base["sex"] == "M", "bp"].mean(), abs=1.5)


MISSING = {"a double": ("bmi", np.float64), "a whole number": ("age", np.float64), "a text": ("sex", object)}


@pytest.mark.parametrize(("column", "dtype"), MISSING.values(), ids=MISSING)
def test_a_share_of_the_values_goes_missing_and_the_type_is_the_same_on_every_day(column, dtype, diabetes, replay_of):
    replay = replay_of(diabetes, shifts=(Shift(ShiftKind.MISSING, column, 0.2, from_day=2),))
    before, after = day_frame(replay, 1)[column], day_frame(replay, 2)[column]
    assert not before.isna().any()
    assert after.isna().mean() == pytest.approx(0.2, abs=0.03)
    assert before.dtype == after.dtype == dtype


def test_a_shifted_prior_keeps_what_the_classes_look_like(tumor, replay_of):
    base = tumor[1]
    replay = replay_of(tumor, shifts=(Shift(ShiftKind.LABEL_PRIOR, "malignant", 0.3),))
    joined = day_frame(replay, 1).merge(day_labels(replay, 1), on="row_id")
    assert joined["malignant"].mean() == pytest.approx(base["malignant"].mean() + 0.3, abs=0.03)
    for label in (0, 1):
        real = base.loc[base["malignant"] == label, "mean_radius"]
        seen = joined.loc[joined["malignant"] == label, "mean_radius"]
        assert abs(seen.mean() - real.mean()) < 0.15 * real.std()


def test_the_prior_of_a_regression_moves_the_labels_mean(diabetes, replay_of):
    label = diabetes[1]["progression"]
    replay = replay_of(diabetes, shifts=(Shift(ShiftKind.LABEL_PRIOR, "progression", 0.5),))
    assert (day_labels(replay, 1)["progression"].mean() - label.mean()) / label.std() == pytest.approx(0.5, abs=0.07)


CONCEPTS = {"diabetes": ("progression", 0.5), "tumor": ("malignant", 0.2)}


@pytest.mark.parametrize(("name", "concept"), CONCEPTS.items(), ids=CONCEPTS)
def test_a_shifted_concept_moves_labels_and_no_input(name, concept, request, replay_of):
    model, (label, size) = request.getfixturevalue(name), concept
    quiet, moved = replay_of(model), replay_of(model, shifts=(Shift(ShiftKind.LABEL_CONCEPT, label, size),))
    assert_frame_equal(day_frame(quiet, 1), day_frame(moved, 1))
    apart = (day_labels(moved, 1)[label] - day_labels(quiet, 1)[label]).abs()
    scale = model[1][label].std(ddof=0) if label == "progression" else 1.0
    assert apart.mean() / scale == pytest.approx(size, abs=0.03)


def test_labels_are_of_the_days_rows_and_known_after_the_delay(model, replay_of):
    replay = replay_of(model, label_delay_days=7)
    frame, labels = day_frame(replay, 2), day_labels(replay, 2)
    assert list(labels["row_id"]) == list(frame["row_id"])
    assert (labels["known_at"] - frame["at"]).unique().tolist() == [pd.Timedelta(days=7)]


def test_labels_that_never_come_are_an_empty_table(model, replay_of):
    replay = replay_of(model, label_delay_days=None)
    labels = day_labels(replay, 1)
    assert len(labels) == 0
    assert list(labels.columns) == ["row_id", replay.spec.quality.label, "known_at"]


def test_an_empty_day_has_all_columns_with_their_types(model, replay_of):
    replay = replay_of(model, rows_on={4: 0})
    empty, full = day_frame(replay, 4), day_frame(replay, 5)
    assert len(empty) == 0
    assert len(full) == 2000
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_there_is_no_day_before_the_first(diabetes, replay_of):
    with pytest.raises(SpecError, match="no day 0"):
        day_frame(replay_of(diabetes), 0)


def test_a_bool_input_is_replayed_as_one(diabetes, replay_of):
    spec, base = diabetes
    column = spec.signature.inputs[1].model_copy(update={"dtype": DType.BOOL, "categories": ()})
    inputs = (*spec.signature.inputs[:1], column, *spec.signature.inputs[2:])
    changed = spec.model_copy(update={"signature": spec.signature.model_copy(update={"inputs": inputs})})
    shift = Shift(ShiftKind.CATEGORY, "sex", 0.3, from_day=2, category=True)
    replay = replay_of((changed, base.assign(sex=base["sex"] == "M")), shifts=(shift,))
    before, after = day_frame(replay, 1)["sex"], day_frame(replay, 2)["sex"]
    assert before.dtype == after.dtype == bool
    assert after.mean() - before.mean() == pytest.approx(0.3, abs=0.05)
