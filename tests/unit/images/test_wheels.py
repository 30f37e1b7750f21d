"""The wheel cache, with the real pip and an index that is a folder."""

import threading

import pytest

from slipway.errors import ImageBuildError
from slipway.images.lock import parse_lock
from slipway.images.target import Target
from slipway.images.wheels import provide_wheels
from tests.unit.images.toy import digest, lock_text, make_wheel

TARGET = Target("3.11", "x86_64")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The machine's index: a folder, as pip is configured by its environment."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def provide(tmp_path, text):
    said = []
    wheels = provide_wheels(parse_lock(text), target=TARGET, cache=tmp_path / "cache", progress=said.append)
    return wheels, " | ".join(said)


def test_wheels_are_fetched_once_and_lie_under_their_digest(tmp_path, shelf):
    made = make_wheel(shelf, "tiny_core")
    wheels, said = provide(tmp_path, lock_text(made))
    assert "fetching 1 of 1" in said
    (wheel,) = wheels
    assert (wheel.package, wheel.version, wheel.sha256) == ("tiny-core", "1.0", digest(made))
    assert wheel.path == tmp_path / "cache" / digest(made)[7:] / made.name
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [digest(made)[7:]]


def test_what_is_cached_needs_no_index(tmp_path, shelf):
    made = make_wheel(shelf, "tiny_core")
    text = lock_text(made)
    first, _ = provide(tmp_path, text)
    made.unlink()
    again, said = provide(tmp_path, text)
    assert again == first
    assert "all 1 cached" in said


def test_only_what_is_missing_is_fetched(tmp_path, shelf):
    one, two = make_wheel(shelf, "tiny_core"), make_wheel(shelf, "tiny_math")
    provide(tmp_path, lock_text(one))
    text = lock_text(one, two)
    one.unlink()
    wheels, said = provide(tmp_path, text)
    assert [w.package for w in wheels] == ["tiny-core", "tiny-math"]
    assert "fetching 1 of 2" in said


def test_what_is_neither_cached_nor_reachable_is_named(tmp_path, shelf):
    made = make_wheel(shelf, "tiny_core")
    text = lock_text(made)
    made.unlink()
    with pytest.raises(ImageBuildError, match=r"tiny-core 1.0: not in the wheel cache") as caught:
        provide(tmp_path, text)
    assert "check the network" in caught.value.remedy
    assert not list((tmp_path / "cache").iterdir())


def test_a_damaged_wheel_is_named_and_fetched_again(tmp_path, shelf):
    made = make_wheel(shelf, "tiny_core")
    text = lock_text(made)
    (wheel,), _ = provide(tmp_path, text)
    wheel.path.write_bytes(wheel.path.read_bytes()[:-1] + b"?")
    (again,), said = provide(tmp_path, text)
    assert f"{made.name} in the cache is damaged" in said
    assert digest(again.path) == again.sha256


def test_a_wheel_with_another_hash_is_not_taken(tmp_path, shelf):
    text = lock_text(make_wheel(shelf, "tiny_core"))
    make_wheel(shelf, "tiny_core", body="VALUE = 'another'\n")
    with pytest.raises(ImageBuildError, match="fetching failed"):
        provide(tmp_path, text)
    assert not list((tmp_path / "cache").iterdir())


def test_a_cached_wheel_for_another_interpreter_is_not_taken(tmp_path, shelf):
    other = make_wheel(shelf, "tiny_core", tag="cp312-cp312-manylinux_2_28_x86_64")
    place = tmp_path / "cache" / digest(other)[7:]
    place.mkdir(parents=True)
    text = lock_text(other)
    other.rename(place / other.name)
    with pytest.raises(ImageBuildError, match="not in the wheel cache"):
        provide(tmp_path, text)


def test_a_lock_without_hashes_fetches_nothing(tmp_path, shelf):
    make_wheel(shelf, "tiny_core")
    with pytest.raises(ImageBuildError, match="no hash for tiny-core"):
        provide(tmp_path, "tiny-core==1.0\n")


def test_two_who_fetch_the_same_do_not_disturb_each_other(tmp_path, shelf):
    text = lock_text(make_wheel(shelf, "tiny_core"), make_wheel(shelf, "tiny_math"))
    found = []
    threads = [threading.Thread(target=lambda: found.append(provide(tmp_path, text)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert len(list((tmp_path / "cache").iterdir())) == 2
