import pandas as pd
import pyarrow.parquet as parquet
import pytest
from pandas.testing import assert_frame_equal

from slipway.errors import StorageError
from slipway.replay.files import write_day, write_days
from slipway.replay.generator import day_frame, day_labels
from slipway.replay.shifts import Shift, ShiftKind


def test_each_day_is_a_file_of_its_rows_and_one_of_the_labels_that_became_known(diabetes, replay_of, tmp_path):
    replay = replay_of(diabetes, rows_per_day=50, label_delay_days=2)
    written = write_days(replay, range(1, 5), tmp_path)
    assert [d.inputs.name for d in written] == [f"2026-01-0{n}.parquet" for n in (1, 2, 3, 4)]
    assert [d.labels and d.labels.name for d in written] == [None, None, "2026-01-03.parquet", "2026-01-04.parquet"]
    assert_frame_equal(pd.read_parquet(written[1].inputs), day_frame(replay, 2))
    assert_frame_equal(pd.read_parquet(written[3].labels), day_labels(replay, 2))


def test_missing_values_come_back_as_missing_in_the_same_columns(diabetes, replay_of, tmp_path):
    shifts = (Shift(ShiftKind.MISSING, "sex", 0.5, from_day=2), Shift(ShiftKind.MISSING, "s6", 0.5, from_day=2))
    replay = replay_of(diabetes, rows_per_day=50, shifts=shifts)
    quiet, moved = (pd.read_parquet(write_day(replay, day, tmp_path).inputs) for day in (1, 2))
    assert moved["sex"].isna().any()
    assert moved["s6"].isna().any()
    assert quiet.dtypes.to_dict() == moved.dtypes.to_dict()


def test_an_empty_days_file_has_the_schema_of_every_other(diabetes, replay_of, tmp_path):
    replay = replay_of(diabetes, rows_per_day=50, rows_on={2: 0})
    full, empty = (parquet.read_schema(write_day(replay, day, tmp_path).inputs) for day in (1, 2))
    assert empty.equals(full)
    assert str(empty.field("sex").type) == "string"


def test_writing_a_day_again_writes_the_same_bytes_and_leaves_nothing_else(diabetes, replay_of, tmp_path):
    replay = replay_of(diabetes, rows_per_day=50)
    first = write_day(replay, 1, tmp_path).inputs.read_bytes()
    assert write_day(replay, 1, tmp_path).inputs.read_bytes() == first
    assert [p.name for p in sorted(tmp_path.rglob("*")) if p.is_file()] == ["2026-01-01.parquet"]


def test_labels_that_never_come_are_no_files(diabetes, replay_of, tmp_path):
    written = write_days(replay_of(diabetes, rows_per_day=5, label_delay_days=None), range(1, 8), tmp_path)
    assert {d.labels for d in written} == {None}


def test_a_folder_that_cannot_be_written_says_so(diabetes, replay_of, tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_day(replay_of(diabetes, rows_per_day=5), 1, blocked)
