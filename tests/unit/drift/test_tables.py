import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.core.signature import DType
from slipway.drift.tables import BlockTable, FrameTable, Kind, Named, ParquetTable, Sampled, kinds_of, strata
from slipway.errors import EvidenceError

FRAME = pd.DataFrame(
    {
        "number": [1.5, None, 3.0, 4.0],
        "count": pd.array([1, 2, None, 4], dtype="Int64"),
        "flag": pd.array([True, None, False, True], dtype="boolean"),
        "name": ["a", "b", None, "a"],
    }
)


@pytest.fixture(params=["frame", "one file", "two files", "dictionary"])
def table(request, tmp_path):
    if request.param == "frame":
        return FrameTable(FRAME)
    whole = pa.Table.from_pandas(FRAME)
    if request.param == "dictionary":
        whole = whole.set_column(3, "name", whole["name"].dictionary_encode())
    parts = [whole.slice(0, 2), whole.slice(2)] if request.param == "two files" else [whole]
    for number, part in enumerate(parts):
        pq.write_table(part, tmp_path / f"{number}.parquet")
    return ParquetTable.of(tmp_path)


def named(values):
    return [None if code < 0 else values.names[code] for code in values.codes]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("number", [1.5, np.nan, 3, 4]), ("count", [1, 2, np.nan, 4]), ("flag", [1, np.nan, 0, 1])],
)
def test_numbers_come_as_floats_with_nan_for_missing_wherever_they_come_from(table, name, expected):
    values = table.column(name, Kind.NUMBER)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("name", ["a", "b", None, "a"]),
        ("flag", ["true", None, "false", "true"]),
        ("count", ["1", "2", None, "4"]),
    ],
)
def test_names_are_written_alike_wherever_they_come_from(table, name, expected):
    assert named(table.column(name, Kind.CATEGORY)) == expected


def test_text_is_not_read_as_numbers(table):
    assert table.column("name", Kind.NUMBER) is None
    assert table.rows == 4
    assert table.names == ("number", "count", "flag", "name")


def test_a_block_is_read_by_name_and_refuses_names_that_do_not_fit():
    block = BlockTable(np.array([[1.0, np.nan], [2.0, 5.0]]), ("a", "b"))
    np.testing.assert_array_equal(block.column("b", Kind.NUMBER), [np.nan, 5.0])
    assert named(block.column("b", Kind.CATEGORY)) == [None, "5"]
    with pytest.raises(EvidenceError, match="1 names"):
        BlockTable(np.zeros((2, 2)), ("a",))


def test_files_of_a_folder_share_only_the_columns_that_all_have(tmp_path):
    pq.write_table(pa.table({"a": [1.0], "b": [2.0]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"a": [1.0]}), tmp_path / "1.parquet")
    assert ParquetTable.of(tmp_path).names == ("a",)
    assert ParquetTable.of([]).rows == 0


def test_a_stratified_sample_has_one_row_of_each_run():
    picked = strata(1000, 100, seed=3)
    np.testing.assert_array_equal(picked // 10, np.arange(100))
    assert len(set(picked % 10)) > 3  # drawn within the run, not every tenth


def test_a_sample_takes_the_same_rows_of_every_column():
    block = BlockTable(np.column_stack([np.arange(500.0), np.arange(500.0)]), ("a", "b"))
    sample = Sampled(block, 50, seed=1)
    np.testing.assert_array_equal(sample.column("a", Kind.NUMBER), sample.column("b", Kind.NUMBER))
    assert sample.rows == len(sample.column("a", Kind.CATEGORY)) == 50
    assert Sampled(block, 5000).rows == 500


def test_kinds_follow_from_the_declared_types_and_the_columns_that_are_there():
    assert Kind.of(DType.INT) is Kind.NUMBER
    assert Kind.of(DType.STRING) is Kind.CATEGORY
    assert kinds_of(FrameTable(FRAME), {"name": Kind.CATEGORY, "gone": Kind.NUMBER}) == {"name": Kind.CATEGORY}


def test_taking_rows_of_names_keeps_the_names():
    assert named(Named(np.array([0, 1, -1]), ("x", "y")).take(np.array([1, 2]))) == ["y", None]
