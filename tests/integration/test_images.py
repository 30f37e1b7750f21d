"""Images, built by a real engine from a real model, without network."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.core.service import RuntimeName
from slipway.core.verdict import Outcome, decide
from slipway.errors import EvidenceError, ImageBuildError
from slipway.images.backends import Choice
from slipway.images.build import build_image
from slipway.images.content import CONTENT_FILE, content_digest, differences, unpack
from slipway.images.engine_build import inspect_image
from slipway.images.inputs import INPUTS_FILE, unpack_inputs
from slipway.images.rebuild import Kept, rebuilding
from slipway.images.verify import verify_image
from slipway.runtime.engine import connect
from slipway.settings import Settings
from tests.fakes.specs import a_spec
from tests.unit.images.toy import make_real_version

pytestmark = [pytest.mark.docker, pytest.mark.slow]
MAX_ADDED_MB = 470


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    # Wheels are named by their digest: those of earlier runs are as good as fetched ones.
    ours = Settings.load()
    return replace(ours, var=tmp_path_factory.mktemp("var"), runtime="docker")


@pytest.fixture(scope="module")
def build(settings, tmp_path_factory):
    def build(files, **options):
        out = tmp_path_factory.mktemp("out")
        return build_image(files=files, spec=a_spec(), settings=settings, out=out, progress=print, **options)

    return build


@pytest.fixture(scope="module")
def engine():
    client = connect(timeout_s=120)
    yield client
    client.close()


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    return [make_real_version(tmp_path_factory.mktemp(f"v{n}"), version=n, seed=n) for n in (1, 2)]


@pytest.fixture(scope="module")
def built(build, versions, engine):
    """Both versions, built one after the other; what was built is removed at the end."""
    found = [build(files) for files in versions]
    yield found
    for image, _ in found:
        engine.images.remove(image.digest, force=True)


def value(findings, name):
    return next(m.value for m in findings.measurements if m.name == name)


def shell(engine, image, script, **options):
    said = engine.containers.run(
        image.digest, ["-c", script], entrypoint="sh", remove=True, network_mode="none", **options
    )
    return said.decode().strip()


def test_the_build_passes_its_own_gate(built):
    for image, findings in built:
        assert decide(findings.measurements).outcome is Outcome.PASSED
        assert image.runtime is RuntimeName.DOCKER
        assert image.reference == image.digest


def test_the_second_version_with_the_same_lock_reuses_the_runtime_layer(built):
    (first, _), (second, findings) = built
    assert first.lock_sha256 == second.lock_sha256
    assert first.digest != second.digest
    assert value(findings, "runtime_layer.reused") == 1


def test_building_again_finds_the_same_image(build, built, versions):
    image, findings = build(versions[1])
    assert image == built[1][0]
    assert value(findings, "image.reused") == 1


def report(findings, name):
    return next(Path(path) for path in findings.reports if path.endswith(name)).read_bytes()


def kept(files, findings):
    return Kept(
        files=files,
        lock=report(findings, "requirements.lock").decode(),
        inputs=unpack_inputs(report(findings, INPUTS_FILE)),
        choice=Choice(),
        base=findings.details["base"]["id"],
    )


def test_a_second_build_from_scratch_holds_the_same_and_is_removed(settings, engine, built, versions):
    with rebuilding(settings, print) as rebuilder:
        for files, (image, findings) in zip(versions, built, strict=True):
            again = rebuilder.rebuild(kept(files, findings), RuntimeName.DOCKER)
            first = unpack(report(findings, CONTENT_FILE))
            assert content_digest(first) == findings.details["content_sha256"]
            assert differences(first, again.content) == []
            assert again.image.digest != image.digest, "it was found, not built"
            assert len([path for path in first if path.startswith("opt/venv/")]) > 1000
    assert len(rebuilder.layers) == 1, "versions with one lock share the layer that the drill has built"
    left = [found for found in rebuilder.made if inspect_image(engine, found) is not None]
    assert {inspect_image(engine, found)["Id"] for found in left} <= rebuilder.kept


def test_little_is_added_to_the_base(built):
    assert value(built[0][1], "image.added_mb") < MAX_ADDED_MB


def test_what_is_served_runs_unprivileged_and_cannot_install_anything(engine, built):
    image = built[0][0]
    assert shell(engine, image, "id -u; id -g").split() == ["10001", "10001"]
    assert shell(engine, image, "python -m pip --version 2>&1 || true").endswith("No module named pip")
    assert shell(engine, image, "ls / | grep -c wheels || true") == "0"
    assert shell(engine, image, "find /opt/venv -name __pycache__ | head -1") != ""


def test_the_image_holds_the_program_the_model_and_nothing_else_of_ours(engine, built):
    image = built[0][0]
    files = shell(engine, image, "cd /srv && find . -type f ! -name '*.pyc' | sort").splitlines()
    assert {"./serving.json", "./requirements.lock", "./wheels.txt", "./model/MLmodel"} <= set(files)
    assert "./app/slipway/serving/__main__.py" in files
    assert not [f for f in files if "settings" in f or "spec.py" in f or "ledger" in f]


def test_an_image_that_is_what_was_tested_passes(built, versions):
    for (image, _), files in zip(built, versions, strict=True):
        verify_image(image, files)


def test_an_image_of_another_version_is_stopped(built, versions):
    with pytest.raises(EvidenceError, match=r"slipway.version says 2"):
        verify_image(built[1][0], versions[0])


def test_a_tag_that_was_moved_to_other_bytes_is_stopped(engine, built, versions):
    image = built[0][0]
    tag = "slipway-test-moved:now"
    container = engine.containers.create(image.digest)
    try:
        changed = container.commit("slipway-test-moved", "now")  # the labels come along, the bytes' id does not
    finally:
        container.remove()
    try:
        with pytest.raises(EvidenceError, match=f"{tag} is image {changed.id[7:19]} now"):
            verify_image(replace(image, reference=tag), versions[0])
        verify_image(image, versions[0])
    finally:
        engine.images.remove(tag)


def test_an_image_that_was_removed_is_stopped_and_can_be_built_again(engine, build, tmp_path):
    files = make_real_version(tmp_path / "v3", version=3, seed=3)
    image, _ = build(files)
    engine.images.remove(image.digest, force=True)
    with pytest.raises(ImageBuildError, match="not on this engine any more"):
        verify_image(image, files)
    again, findings = build(files)
    try:
        assert value(findings, "image.reused") == 0
        verify_image(again, files)
    finally:
        engine.images.remove(again.digest, force=True)


def test_requirements_that_contradict_each_other_stop_the_build(build, tmp_path):
    files = make_real_version(tmp_path / "v4", version=4, seed=4)
    requirements = files.model / "requirements.txt"
    requirements.write_text(requirements.read_text() + "numpy<1.20\n")
    with pytest.raises(ImageBuildError, match="cannot be resolved") as caught:
        build(files)
    assert "correct the versions" in caught.value.remedy


def test_a_known_lock_is_used_as_it_is(build, built, versions):
    lock = next(Path(path) for path in built[0][1].reports if path.endswith("requirements.lock")).read_text()
    image, _ = build(versions[0], known_lock=lock)
    assert image == built[0][0]
