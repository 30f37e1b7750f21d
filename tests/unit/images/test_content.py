"""The content of an image: what counts, what does not, and that a difference is named."""

import io
import tarfile

import pytest

from slipway.errors import ImageBuildError
from slipway.images.content import (
    config_content,
    content_digest,
    differences,
    folder_content,
    pack,
    read_archive,
    unpack,
)

FILES = {"srv/model/weights": b"1 2 3", "srv/app/main.py": b"print()", "etc/hosts": b"of the engine"}


def archive(files=FILES, *, times=0, order=None, change=lambda entry: entry, links=True):
    """A tar as the engine would send it, cut into small pieces."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:

        def add(name, data=b"", **fields):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), times, 0o644
            for field, value in fields.items():
                setattr(entry, field, value)
            tar.addfile(change(entry), io.BytesIO(data))

        add("srv", type=tarfile.DIRTYPE, mode=0o755)
        for name in order or sorted(files):
            add(name, files[name])
        if links:
            add("srv/link", type=tarfile.SYMTYPE, linkname="model")
            add("srv/again", type=tarfile.LNKTYPE, linkname="srv/model/weights")
    data = out.getvalue()
    return [data[at : at + 700] for at in range(0, len(data), 700)]


def test_times_order_and_the_size_of_pieces_do_not_count():
    first = read_archive(archive(times=1))
    second = read_archive([b"".join(archive(times=1_700_000_000, order=sorted(FILES, reverse=True)))])
    assert first == second
    assert content_digest(first) == content_digest(second)


def test_what_the_engine_lays_over_an_image_does_not_count():
    other = {**FILES, "etc/hosts": b"of another engine", ".dockerenv": b"", "dev/console": b"", "proc/x": b""}
    assert read_archive(archive(other)) == read_archive(archive())
    assert "etc/hosts" not in read_archive(archive())


def test_a_name_that_only_begins_like_a_covered_one_counts():
    assert "device/x" in read_archive(archive({**FILES, "device/x": b"1"}))


def test_another_name_of_a_file_counts_as_the_file():
    found = read_archive(archive())
    assert found["srv/again"] == found["srv/model/weights"]


def altered(name="srv/app/main.py", **fields):
    def change(entry):
        if entry.name == name:
            for field, value in fields.items():
                setattr(entry, field, value)
        return entry

    return change


FAULTS = {
    "bytes": (archive({**FILES, "srv/model/weights": b"1 2 4"}), "srv/model/weights: other bytes"),
    "mode": (archive(change=altered(mode=0o755)), "srv/app/main.py: mode 0644, now 0755"),
    "owner": (archive(change=altered(uid=10001)), "srv/app/main.py: owner 0:0, now 10001:0"),
    "setuid": (archive(change=altered(mode=0o4644)), "srv/app/main.py: mode 0644, now 4644"),
    "capability": (
        archive(change=altered(pax_headers={"SCHILY.xattr.security.capability": "x"})),
        "srv/app/main.py: other bytes",
    ),
    "a file more": (archive({**FILES, "srv/new": b""}), "srv/new: not there before"),
    "a file less": (archive({n: d for n, d in FILES.items() if n != "srv/app/main.py"}), "not there any more"),
    "link": (archive(change=altered("srv/link", linkname="other")), '"model", now "other"'),
    "type": (archive(change=altered(type=tarfile.SYMTYPE, linkname="x", size=0)), "srv/app/main.py: file 0644"),
}


@pytest.mark.parametrize(("data", "said"), FAULTS.values(), ids=FAULTS)
def test_a_difference_changes_the_digest_and_is_named(data, said):
    before, after = read_archive(archive()), read_archive(data)
    assert content_digest(before) != content_digest(after)
    found = differences(before, after)
    assert any(said in line for line in found), found


def test_an_archive_that_is_cut_off_is_no_content():
    whole = b"".join(archive({"srv/large": bytes(100_000)}, links=False))
    with pytest.raises(ImageBuildError, match="cannot be read"):
        read_archive([whole[:50_000]])


def test_a_content_is_kept_and_read_again():
    content = {**read_archive(archive()), "srv/odd\nname\t\udce9": "file 0644 0:0 sha256:0"}
    assert unpack(pack(content)) == content
    assert pack(content) == pack(dict(reversed(content.items())))


CONFIG = {
    "User": "10001:10001",
    "Env": ["A=1"],
    "Entrypoint": ["python"],
    "Hostname": "0123456789ab",
    "Labels": {"slipway.model": "churn", "slipway.runtime_image": "sha256:1"},
}


@pytest.mark.parametrize("change", [{"User": ""}, {"Env": ["A=2"]}, {"Entrypoint": ["sh"]}, {"Labels": {"x": "1"}}])
def test_the_configuration_counts(change):
    assert differences(config_content({"Config": CONFIG}), config_content({"Config": {**CONFIG, **change}}))


@pytest.mark.parametrize(
    "change",
    [{"Hostname": "ba9876543210"}, {"Labels": {"slipway.model": "churn", "slipway.runtime_image": "sha256:2"}}],
)
def test_what_holds_the_time_of_the_build_does_not(change):
    assert config_content({"Config": {**CONFIG, **change}}) == config_content({"Config": CONFIG})


def test_a_folder_counts_without_what_is_left_out(tmp_path):
    for name in ("a.py", "__pycache__/a.pyc", "sub/RECORD", "sub/b.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("a.py")
    found = folder_content(tmp_path, prefix="site", left_out=("__pycache__", "RECORD"))
    assert sorted(found) == ["site/a.py", "site/link", "site/sub/b.py"]
    (tmp_path / "a.py").write_text("b")
    assert differences(found, folder_content(tmp_path, prefix="site", left_out=("__pycache__", "RECORD"))) == [
        "site/a.py: other bytes"
    ]
