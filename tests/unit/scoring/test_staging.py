"""Files under way: whole or not there, and leftovers told from what is still being written."""

import fcntl
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.errors import StorageError
from slipway.scoring import SinkError
from slipway.scoring.staging import put, staged, sweep

BATCH = pa.record_batch({"n": pa.array([1, 2, 3]), "word": ["a", "b", None]})
WRITER = """
import os, sys
from pathlib import Path
import pyarrow as pa
from slipway.scoring.staging import staged
with staged(Path(sys.argv[1]), "part") as file:
    file.write(pa.record_batch({"n": [1]}))
    os.kill(os.getpid(), 9)
"""


def test_a_file_is_seen_when_it_is_whole(tmp_path):
    with staged(tmp_path, "part") as file:
        file.write(BATCH)
        file.write(BATCH.slice(0, 0))
        assert not list(tmp_path.glob("*.parquet"))
        file.finish()
        put(file, tmp_path / "part.parquet")
    assert pq.read_table(tmp_path / "part.parquet").to_pylist() == BATCH.to_pylist()
    assert [path.name for path in tmp_path.iterdir()] == ["part.parquet"]


def test_what_was_not_put_in_its_place_is_removed(tmp_path):
    with pytest.raises(KeyError), staged(tmp_path, "part") as file:
        file.write(BATCH)
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_killed_writers_file_is_swept_and_a_living_ones_is_not(tmp_path):
    done = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    with staged(tmp_path, "other") as file:
        assert sweep(tmp_path) == 1
        assert list(tmp_path.iterdir()) == [file.path]
        file.write(BATCH)
        file.finish()


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path):
    assert sweep(tmp_path / "gone") == 0


def test_a_writers_file_is_locked(tmp_path):
    with staged(tmp_path, "part") as file:
        handle = os.open(file.path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)


def test_a_batch_with_narrower_types_joins_the_first(tmp_path):
    with staged(tmp_path, "part") as file:
        file.write(pa.record_batch({"n": pa.array([1], pa.int64())}))
        file.write(pa.record_batch({"n": pa.array([2], pa.int32())}))
        file.finish()
        assert pq.read_table(file.path)["n"].to_pylist() == [1, 2]


def test_a_batch_with_another_type_is_refused(tmp_path):
    with staged(tmp_path, "part") as file:
        file.write(pa.record_batch({"n": [1]}))
        with pytest.raises(SinkError):
            file.write(pa.record_batch({"n": ["one"]}))


def test_a_folder_that_cannot_be_made_is_a_matter_of_storage(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError), staged(tmp_path / "file" / "below", "part"):
        pass
