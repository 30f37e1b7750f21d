"""The build context and its digest."""

from dataclasses import replace

import pytest

from slipway.errors import ImageBuildError
from slipway.images.context import assemble, assemble_runtime, digest_folder, serving_config
from slipway.images.lock import parse_lock
from slipway.images.wheels import Wheel
from tests.fakes.specs import a_spec
from tests.unit.images.toy import digest, lock_text, make_version, make_wheel


@pytest.fixture
def wheel(tmp_path):
    path = make_wheel(tmp_path / "cache", "tiny_core")
    return Wheel("tiny-core", "1.0", path, digest(path))


@pytest.fixture
def build(tmp_path, wheel):
    def build(name, *, files=None, spec=None, wheels=(wheel,), **version):
        files = files or make_version(tmp_path / f"version-{name}", **version)
        config = serving_config(files, (spec or a_spec()).to_signature())
        lock = parse_lock(lock_text(wheel.path))
        folder = tmp_path / f"context-{name}"
        return assemble(folder, files=files, config=config, lock=lock, wheels=wheels), folder

    return build


def test_the_same_inputs_give_the_same_digest(build):
    first, folder = build("a")
    second, _ = build("b")
    assert first == second == digest_folder(folder)


def test_a_context_holds_model_program_lock_and_configuration(build):
    _, folder = build("a")
    assert {p.name for p in folder.iterdir()} == {
        "app",
        "backends",
        "model",
        "serving.json",
        "requirements.lock",
        "wheels.txt",
    }
    assert (folder / "app" / "slipway" / "serving" / "__main__.py").is_file()
    assert not (folder / "app" / "slipway" / "settings.py").exists()


def test_each_input_changes_the_digest(build, wheel):
    signature = a_spec().model_dump(mode="json")["signature"]
    signature["inputs"][0]["max"] = 99
    other_wheel = replace(wheel, sha256="sha256:" + "0" * 64)
    digests = [
        build("same")[0],
        build("weights", weights="1 2 4")[0],
        build("version", version=2)[0],
        build("signature", spec=a_spec(signature=signature))[0],
        build("wheel", wheels=(other_wheel,))[0],
    ]
    assert len(set(digests)) == len(digests)


def test_what_the_registry_made_private_can_be_read_in_the_container(build, tmp_path):
    files = make_version(tmp_path / "private")
    (files.model / "MLmodel").chmod(0o400)
    (files.model / "data").chmod(0o700)
    _, folder = build("a", files=files)
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert (folder / "model" / "data").stat().st_mode & 0o777 == 0o755


def test_a_link_out_of_the_model_is_refused(build, tmp_path):
    files = make_version(tmp_path / "linked")
    (files.model / "secrets").symlink_to("/etc/passwd")
    with pytest.raises(ImageBuildError, match="holds links: secrets"):
        build("a", files=files)


def test_a_version_without_a_model_is_refused(build, tmp_path):
    files = make_version(tmp_path / "empty")
    (files.model / "MLmodel").unlink()
    with pytest.raises(ImageBuildError, match="no MLmodel"):
        build("a", files=files)


def test_wheels_are_linked_not_copied(tmp_path, wheel):
    assemble_runtime(tmp_path / "runtime", lock=parse_lock(lock_text(wheel.path)), wheels=[wheel])
    assert (tmp_path / "runtime" / "wheels" / wheel.path.name).samefile(wheel.path)
