"""A whole build for the process runtime, from small wheels, without any network; and what stops one."""

import errno
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.core.service import RuntimeName
from slipway.core.verdict import Outcome, decide
from slipway.errors import EngineUnavailable, EvidenceError, ImageBuildError
from slipway.images.build import build_image
from slipway.images.target import Target
from slipway.images.verify import verify_image
from slipway.settings import Settings
from tests.fakes.specs import a_spec
from tests.unit.images.toy import cache_wheel, lock_text, make_version


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Everything that a build needs: a version, two wheels in the cache, a lock; and no index."""
    wheels = [cache_wheel(tmp_path / "wheels", name) for name in ("tiny_core", "tiny_math")]
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)

    class Shop:
        lock = f"# for {Target.of_this_host()}\n{lock_text(*wheels)}"
        files = make_version(tmp_path / "v1")
        settings = Settings(root=tmp_path, var=tmp_path / "var", wheel_dir=tmp_path / "wheels")
        out = tmp_path / "reports"

        def build(self, files=None, **options):
            self.said = []
            defaults = {"known_lock": self.lock, "runtime": RuntimeName.PROCESS, "progress": self.said.append}
            return build_image(
                files=files or self.files,
                spec=a_spec(),
                settings=self.settings,
                out=self.out,
                **{**defaults, **options},
            )

    return Shop()


def value(findings, name):
    return next(m.value for m in findings.measurements if m.name == name)


def test_a_build_passes_and_leaves_its_reports(shop):
    image, findings = shop.build()
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert image.runtime is RuntimeName.PROCESS
    assert Path(image.reference).name == image.digest[7:]
    assert {Path(path).name for path in findings.reports} == {
        "build.html",
        "sbom.cdx.json",
        "requirements.lock",
        "build.log",
        "inputs.zip",
        "content.txt.gz",
    }
    assert all(Path(path).stat().st_size for path in findings.reports)
    assert (shop.out / "requirements.lock").read_text() == shop.lock
    page = (shop.out / "build.html").read_text()
    assert "tiny-math" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "done in" in (shop.out / "build.log").read_text()
    verify_image(image, shop.files)


def test_the_environment_has_the_locked_packages_and_nothing_else(shop):
    _, findings = shop.build()
    python = findings.details["interpreter"]
    code = "import importlib.metadata as m, tiny_core; print(sorted(d.name for d in m.distributions()))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['tiny_core', 'tiny_math']"


def test_building_again_finds_what_is_there(shop):
    first, before = shop.build()
    second, after = shop.build()
    assert first == second
    assert (value(before, "image.reused"), value(after, "image.reused")) == (0, 1)
    assert value(after, "runtime_layer.reused") == 1


def test_the_next_version_with_the_same_lock_shares_the_environment(shop, tmp_path):
    first, _ = shop.build()
    second, findings = shop.build(make_version(tmp_path / "v2", version=2, weights="4 5 6"))
    assert first.digest != second.digest
    assert (value(findings, "runtime_layer.reused"), value(findings, "image.reused")) == (1, 0)


def test_an_environment_that_was_not_finished_is_made_again(shop):
    _, findings = shop.build()
    python = Path(findings.details["interpreter"])
    (python.parents[1] / "slipway-complete").unlink()
    (python.parents[1] / "lib").rename(python.parents[1] / "half")
    _, again = shop.build()
    assert value(again, "runtime_layer.reused") == 0
    assert not (python.parents[1] / "half").exists()


def test_a_build_leaves_no_working_folder(shop):
    shop.build()
    assert not list((shop.settings.var / "build").iterdir())


def change_weights(folder):
    (folder / "model" / "data" / "weights.txt").write_text("9 9 9")


def add_a_module(folder):
    (folder / "app" / "slipway" / "serving" / "extra.py").write_text("")


def remove_a_file(folder):
    (folder / "model" / "requirements.txt").unlink()


def change_the_lock(folder):
    (folder / "requirements.lock").write_text("tiny-core==2.0\n")


def change_the_interpreter(folder):
    (folder / "image.json").write_text(json.dumps({"python": "/usr/bin/python3"}))


def claim_another_version(folder):
    config = json.loads((folder / "serving.json").read_text())
    (folder / "serving.json").write_text(json.dumps({**config, "version": 2}))


TAMPERED = {
    "weights": (change_weights, "files have digest"),
    "added module": (add_a_module, "files have digest"),
    "removed file": (remove_a_file, "files have digest"),
    "lock": (change_the_lock, "lock is another one"),
    "interpreter": (change_the_interpreter, "interpreter is /usr/bin/python3"),
    "version": (claim_another_version, "serves another version"),
}


@pytest.mark.parametrize(("tamper", "text"), TAMPERED.values(), ids=TAMPERED)
def test_an_image_changed_after_its_tests_is_stopped(shop, tamper, text):
    image, _ = shop.build()
    tamper(Path(image.reference))
    with pytest.raises(EvidenceError, match=text):
        verify_image(image, shop.files)
    again, _ = shop.build()
    verify_image(again, shop.files)
    assert again == image


def test_an_image_of_another_version_is_stopped(shop, tmp_path):
    image, _ = shop.build()
    with pytest.raises(EvidenceError, match="serves another version"):
        verify_image(image, make_version(tmp_path / "v2", version=2))


def test_an_image_that_is_gone_is_stopped(shop):
    image, _ = shop.build()
    Path(image.reference).rename(shop.out / "moved")
    with pytest.raises(ImageBuildError, match="no built image"):
        verify_image(image, shop.files)


def test_wheels_that_cannot_be_fetched_stop_the_build_and_the_log_is_kept(shop):
    shutil.rmtree(shop.settings.wheel_dir)
    with pytest.raises(ImageBuildError, match=r"tiny-core 1.0, tiny-math 1.0: not in the wheel cache"):
        shop.build()
    assert "fetching 2 of 2" in (shop.out / "build.log").read_text()


def test_a_full_disk_is_explained(shop):
    def progress(line):
        if line.startswith("wheels"):
            raise OSError(errno.ENOSPC, "No space left on device", "/var/wheels")

    with pytest.raises(ImageBuildError, match=r"the disk is full: /var/wheels. What to do: free space"):
        shop.build(progress=progress)


def test_docker_on_demand_without_an_engine_is_an_error(shop, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(EngineUnavailable):
        shop.build(runtime=RuntimeName.DOCKER)
