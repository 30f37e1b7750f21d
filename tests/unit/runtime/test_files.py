"""Files that several processes write are replaced whole and locked."""

import errno
import threading
from pathlib import Path

import pytest

from slipway.errors import ServiceError
from slipway.runtime.files import locked, read_json, storage_error, write_json


def test_what_is_written_is_read_and_no_temporary_file_stays(tmp_path):
    write_json(tmp_path / "a" / "x.json", {"b": 1})
    assert read_json(tmp_path / "a" / "x.json") == {"b": 1}
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "x.json", {"b": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"b": object()})
    assert read_json(tmp_path / "x.json") == {"b": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("text", ["", "{", "[1]", None], ids=["empty", "cut off", "not an object", "no file"])
def test_what_is_no_json_object_reads_as_nothing(tmp_path, text):
    if text is not None:
        (tmp_path / "x.json").write_text(text)
    assert read_json(tmp_path / "x.json") is None


def test_two_who_want_the_same_lock_work_one_after_the_other(tmp_path):
    order, entered, release = [], threading.Event(), threading.Event()

    def first():
        with locked(tmp_path / "lock", timeout_s=10):
            entered.set()
            release.wait(10)
            order.append("first")

    def second():
        with locked(tmp_path / "lock", timeout_s=10):
            order.append("second")

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert entered.wait(10)
    threads.append(threading.Thread(target=second))
    threads[1].start()
    release.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]


def test_a_lock_that_is_not_given_back_ends_in_an_error(tmp_path):
    with (
        locked(tmp_path / "lock", timeout_s=1),
        pytest.raises(ServiceError, match="another process has held"),
        locked(tmp_path / "lock", timeout_s=0.2),
    ):
        pass


REFUSED = {"full": (errno.ENOSPC, "free disk space"), "not ours": (errno.EACCES, "SLIPWAY_VAR")}


@pytest.mark.parametrize(("number", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_a_disk_refuses_says_what_to_do(number, remedy):
    found = storage_error(OSError(number, "refused", "/var/x"))
    assert "/var/x cannot be written: refused" in found.reason
    assert remedy in found.remedy


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError(errno.ENOENT, "gone", "/var/x")], ids=["no disk", "no file"]
)
def test_an_error_that_is_not_about_room_or_rights_is_not_the_disks(error):
    assert storage_error(error) is None


def test_a_synced_write_to_a_full_device_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(tmp_path / "x.json", {}, synced=True)
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "x.json", {})
    assert Path(tmp_path / "x.json").exists()
