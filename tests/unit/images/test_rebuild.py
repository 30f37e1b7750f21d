"""A version is built again from what was kept alone; what is missing or was altered is named."""

from pathlib import Path

import pytest

from slipway.core.service import RuntimeName
from slipway.errors import EngineUnavailable, ImageBuildError
from slipway.images import rebuild
from slipway.images.build import build_image
from slipway.images.content import CONTENT_FILE, content_digest, differences, unpack
from slipway.images.inputs import INPUTS_FILE, unpack_inputs
from slipway.images.rebuild import Kept, rebuilding
from slipway.images.target import Target
from slipway.settings import Settings
from tests.fakes.specs import a_spec
from tests.unit.images.toy import cache_wheel, lock_text, make_version


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A version that was built once, and what was kept of it; no index anywhere."""
    wheels = [cache_wheel(tmp_path / "wheels", name) for name in ("tiny_core", "tiny_math")]
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    class Shop:
        files = make_version(tmp_path / "v1")
        settings = Settings(root=tmp_path, var=tmp_path / "var", wheel_dir=tmp_path / "wheels")
        out = tmp_path / "reports"
        lock = f"# for {Target.of_this_host()}\n{lock_text(*wheels)}"

        def kept(self):
            inputs = unpack_inputs((self.out / INPUTS_FILE).read_bytes())
            return Kept(files=self.files, lock=self.lock, inputs=inputs, choice=rebuild.Choice())

        def again(self, kept=None):
            with rebuilding(self.settings, lambda line: None) as rebuilder:
                return rebuilder.rebuild(kept or self.kept(), RuntimeName.PROCESS)

    shop = Shop()
    shop.wheels = wheels
    shop.image, shop.findings = build_image(
        files=shop.files,
        spec=a_spec(),
        settings=shop.settings,
        out=shop.out,
        progress=lambda line: None,
        known_lock=shop.lock,
        runtime=RuntimeName.PROCESS,
    )
    shop.content = unpack((shop.out / CONTENT_FILE).read_bytes())
    return shop


def test_a_second_build_holds_the_same_and_is_gone_afterwards(shop):
    again = shop.again()
    assert differences(shop.content, again.content) == []
    assert again.image.digest == shop.image.digest
    assert again.image.reference != shop.image.reference
    assert not Path(again.image.reference).exists()
    assert list((shop.settings.var / "build").iterdir()) == []


def test_the_content_that_was_recorded_is_the_one_that_the_evidence_names(shop):
    assert shop.findings.details["content_sha256"] == content_digest(shop.content)
    assert {"srv/model/MLmodel", "srv/serving.json", "site-packages/tiny_core/__init__.py"} <= set(shop.content)


def test_nothing_that_was_built_before_is_used(shop):
    """The environment of the first image is changed; the second one is right all the same."""
    site = next(iter((shop.settings.var / "envs").glob("*/lib/python3*/site-packages")))
    (site / "tiny_core" / "__init__.py").write_text("VALUE = 2\n")
    assert differences(shop.content, shop.again().content) == []


def test_the_serving_program_is_the_one_that_was_kept(shop, monkeypatch):
    monkeypatch.setattr("slipway.images.context.serving_modules", lambda: ("serving/__main__.py",))
    assert differences(shop.content, shop.again().content) == []


def test_a_wheel_with_one_byte_changed_is_named_and_left_where_it_is(shop):
    wheel = shop.wheels[1]
    data = bytearray(wheel.read_bytes())
    data[100] ^= 1
    wheel.write_bytes(data)
    with pytest.raises(ImageBuildError, match=r"tiny_math-1\.0-py3-none-any\.whl is not the bytes that the lock names"):
        shop.again()
    assert wheel.read_bytes() == data


def test_every_wheel_that_is_missing_is_named_and_none_is_fetched(shop, monkeypatch):
    monkeypatch.setattr("slipway.images.wheels._fetch", lambda *_: pytest.fail("something was fetched"))
    for wheel in shop.wheels:
        wheel.unlink()
    with pytest.raises(ImageBuildError) as caught:
        shop.again()
    assert "tiny-core 1.0 has no wheel there; tiny-math 1.0 has no wheel there" in caught.value.reason
    assert str(shop.settings.wheel_dir) in caught.value.remedy


def test_a_model_with_one_byte_changed_is_named(shop):
    (shop.files.model / "data" / "weights.txt").write_text("1 2 4")
    again = shop.again()
    assert differences(shop.content, again.content) == ["srv/model/data/weights.txt: other bytes"]


def test_a_program_with_one_byte_changed_is_named(shop):
    kept = shop.kept()
    name = "serving/__main__.py"
    kept.inputs.program[name] = kept.inputs.program[name] + b"\n"
    assert differences(shop.content, shop.again(kept).content) == [f"srv/app/slipway/{name}: other bytes"]


def test_versions_with_one_lock_share_the_environment_that_the_drill_made(shop):
    said = []
    with rebuilding(shop.settings, said.append) as rebuilder:
        first, second = (rebuilder.rebuild(shop.kept(), RuntimeName.PROCESS) for _ in range(2))
    assert first.content == second.content
    assert [line for line in said if line.startswith("environment")] == [
        "environment: installing 2 wheels",
        "environment: found for this lock",
    ]


def test_without_an_engine_no_container_is_built(shop, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineUnavailable), rebuilding(shop.settings, lambda line: None) as rebuilder:
        rebuilder.rebuild(shop.kept(), RuntimeName.DOCKER)
