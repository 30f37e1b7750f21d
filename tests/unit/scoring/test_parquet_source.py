"""Files of every shape as a source: planned from footers, read in bounded parts."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.errors import SpecError
from slipway.scoring import Interval, SourceError, open_source, plan_partitions
from slipway.scoring.partition import KeyRange, numbered
from tests.unit.scoring.fakes import DAY, at, rows, write


def source_of(folder):
    return open_source(str(folder), time_column="day")


def read(source, partitions):
    return [n for one in partitions for batch in source.batches(one, rows=64) for n in batch["customer"].to_pylist()]


TIMES = {
    "microseconds in UTC": pa.timestamp("us", tz="UTC"),
    "nanoseconds in UTC": pa.timestamp("ns", tz="UTC"),
    "milliseconds without a zone": pa.timestamp("ms"),
    "seconds elsewhere": pa.timestamp("s", tz="Asia/Tokyo"),
}


@pytest.mark.parametrize("kind", TIMES.values(), ids=TIMES.keys())
def test_a_time_of_any_unit_and_zone_means_the_same_moment(tmp_path, kind):
    moments = pa.array([at(-1), at(0), at(12), at(24)], pa.timestamp("us", tz="UTC"))
    write(tmp_path, rows(4, day=moments.cast(kind)))
    source = source_of(tmp_path)
    assert read(source, plan_partitions(source, DAY, 10)) == [1, 2]


def test_a_date_is_the_beginning_of_its_day(tmp_path):
    days = pa.array([at(-24).date(), at(0).date(), at(24).date()])
    write(tmp_path, rows(3, day=days))
    source = source_of(tmp_path)
    assert read(source, plan_partitions(source, DAY, 10)) == [1]


def test_rows_in_no_order_of_time_are_all_found(tmp_path):
    table = rows(1000, hours=72)
    mixed = table.take(pa.array([(n * 617) % 1000 for n in range(1000)]))
    write(tmp_path, mixed, group_rows=70)
    source = source_of(tmp_path)
    days = [Interval(at(hour), at(hour + 24)) for hour in (0, 24, 48)]
    assert [n for day in days for n in sorted(read(source, plan_partitions(source, day, 100)))] == list(range(1000))


def test_groups_of_other_days_are_not_even_planned(tmp_path):
    write(tmp_path, rows(1000, hours=72), group_rows=100)
    (one,) = plan_partitions(source_of(tmp_path), Interval(at(24), at(48)), 10_000)
    assert [(piece.first, piece.stop) for piece in one.cut] == [(3, 7)]


def test_files_without_statistics_are_read_to_plan_them(tmp_path):
    pq.write_table(rows(100, hours=48), tmp_path / "a.parquet", write_statistics=False, row_group_size=30)
    source = source_of(tmp_path)
    assert read(source, plan_partitions(source, DAY, 10)) == list(range(50))
    assert source.untimed() == 0


def test_rows_without_a_time_are_counted(tmp_path):
    moments = pa.array([at(1), None, at(2), None], pa.timestamp("us", tz="UTC"))
    write(tmp_path, rows(4, day=moments))
    source = source_of(tmp_path)
    assert source.untimed() == 2
    assert read(source, plan_partitions(source, DAY, 10)) == [0, 2]


def test_nested_columns_do_not_displace_the_time(tmp_path):
    table = rows(5)
    nested = pa.array([{"a": n, "b": [n]} for n in range(5)])
    write(tmp_path, table.add_column(0, "nested", nested))
    source = source_of(tmp_path)
    assert read(source, plan_partitions(source, DAY, 10)) == list(range(5))


def test_hidden_files_are_left_out_and_folders_are_entered(tmp_path):
    write(tmp_path / "month=3", rows(5))
    write(tmp_path / "_temporary", rows(5))
    write(tmp_path, rows(5), ".half.parquet")
    source = source_of(tmp_path)
    assert len(read(source, plan_partitions(source, DAY, 10))) == 5


def test_one_file_is_a_source_too(tmp_path):
    write(tmp_path, rows(5))
    write(tmp_path, rows(5), "b.parquet")
    source = source_of(tmp_path / "a.parquet")
    assert read(source, plan_partitions(source, DAY, 10)) == list(range(5))


def test_a_large_group_is_read_in_small_batches(tmp_path):
    write(tmp_path, rows(5000), group_rows=5000)
    source = source_of(tmp_path)
    (one,) = plan_partitions(source, DAY, 100)
    assert max(batch.num_rows for batch in source.batches(one, rows=64)) == 64


def test_planning_twice_gives_the_same_plan_and_new_data_another(tmp_path):
    write(tmp_path, rows(100))
    first = plan_partitions(source_of(tmp_path), DAY, 10)
    assert plan_partitions(source_of(tmp_path), DAY, 10) == first
    write(tmp_path, rows(100, start=7))
    assert plan_partitions(source_of(tmp_path), DAY, 10)[0].plan != first[0].plan


def test_a_folder_that_is_not_there_is_no_empty_day(tmp_path):
    with pytest.raises(SourceError, match="no folder"):
        plan_partitions(source_of(tmp_path / "gone"), DAY, 10)


def test_an_empty_folder_is_an_empty_day(tmp_path):
    assert plan_partitions(source_of(tmp_path), DAY, 10) == ()


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(SourceError, match=r"a\.parquet cannot be read"):
        plan_partitions(source_of(tmp_path), DAY, 10)


def test_a_partition_of_a_table_is_not_read_from_files(tmp_path):
    (one,) = numbered(DAY, [(KeyRange(None, None), 1)])
    with pytest.raises(SourceError):
        list(source_of(tmp_path).batches(one, rows=10))


def test_partitions_have_rows(tmp_path):
    with pytest.raises(SpecError):
        plan_partitions(source_of(tmp_path), DAY, 0)
