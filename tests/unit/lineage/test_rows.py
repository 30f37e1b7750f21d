"""Rows by their keys, in files and tables, whatever the keys' types."""

from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from slipway.errors import SpecError
from slipway.lineage.rows import FILE, SourceUnreadable, rows_in_folder, rows_in_table

KEYS = {
    "text": ("a-1", ["a-1", "a-2"]),
    "number": ("7", [7, 70]),
    "double": ("0.5", [0.5, 5.0]),
    "truth": ("true", [True, False]),
    "day": ("2026-03-01", [date(2026, 3, 1), date(2026, 3, 2)]),
}


@pytest.fixture
def folder(tmp_path):
    def write(values, name="v1/day/part.parquet", **columns):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"key": values, "run_id": ["r"] * len(values), **columns}), path)
        return tmp_path

    return write


@pytest.mark.parametrize(("text", "values"), KEYS.values(), ids=KEYS)
def test_a_row_of_a_folder_is_found_by_its_key_alone(folder, text, values):
    found = rows_in_folder(folder(values), {"key": text}, columns=("run_id", "not_there"))
    assert found == [{"key": values[0], "run_id": "r", FILE: "v1/day/part.parquet"}]


@pytest.mark.parametrize(("text", "values"), KEYS.values(), ids=KEYS)
def test_a_row_of_a_table_is_found_by_its_key_alone(tmp_path, text, values):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/rows.db")
    kinds = {"text": sa.Text, "number": sa.BigInteger, "double": sa.Double, "truth": sa.Boolean, "day": sa.Date}
    (kind,) = [kinds[name] for name, given in KEYS.items() if given[1] is values]
    table = sa.Table("scores", sa.MetaData(), sa.Column("key", kind), sa.Column("run_id", sa.Text))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"key": value, "run_id": "r"} for value in values])
        assert rows_in_table(connection, table, {"key": text}, columns=("run_id",)) == [
            {"key": values[0], "run_id": "r"}
        ]


def test_both_keys_must_match(folder):
    place = folder(["a", "a"], other=[1, 2])
    assert len(rows_in_folder(place, {"key": "a"}, columns=())) == 2
    assert len(rows_in_folder(place, {"key": "a", "other": "2"}, columns=())) == 1


def test_repeated_texts_are_kept_once_in_a_file_and_found_all_the_same(folder, tmp_path):
    pd.DataFrame({"key": pd.Categorical(["a", "b", "a"])}).to_parquet(tmp_path / "part.parquet")
    assert len(rows_in_folder(tmp_path, {"key": "a"}, columns=())) == 2


def test_files_under_way_are_no_rows_yet(folder):
    place = folder(["a"], name="v1/.part.parquet")
    assert rows_in_folder(folder(["b"]), {"key": "a"}, columns=()) == []
    assert rows_in_folder(place / "nowhere", {"key": "a"}, columns=()) == []


def test_a_key_of_another_type_is_an_error_that_says_so(folder):
    with pytest.raises(SpecError, match=r"key='x' names no row, since key is of type int64"):
        rows_in_folder(folder([1]), {"key": "x"}, columns=())


def test_a_table_without_the_key_is_an_error(tmp_path):
    table = sa.Table("scores", sa.MetaData(), sa.Column("id", sa.Text))
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        with pytest.raises(SpecError, match="scores has no column key"):
            rows_in_table(connection, table, {"key": "a"}, columns=())


def test_a_damaged_file_is_an_error_and_not_an_answer(folder):
    place = folder(["a"])
    (place / "v1" / "day" / "part.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        rows_in_folder(place, {"key": "a"}, columns=())
