"""What is asked for, and what it is locked to."""

import pytest

from slipway.errors import ImageBuildError
from slipway.images import lock as lock_module
from slipway.images.lock import make_lock, model_requirements, parse_lock, serving_requirements
from slipway.images.target import Target

TARGET = Target("3.11", "x86_64")
HASH = "sha256:" + "a" * 64
LOCKED = f"numpy==2.4.6 \\\n    --hash={HASH} \\\n    --hash=sha256:{'b' * 64}\nPy_YAML==6.0 --hash={HASH}\n"

LINES = {
    "pinned": ("mlflow==3.17.2", "mlflow-skinny==3.17.2"),
    "ranged": ("mlflow>=3,<4", "mlflow-skinny>=3,<4"),
    "bare": ("mlflow", "mlflow-skinny"),
    "with extras": ("mlflow[gateway]==3.17.2", "mlflow-skinny[gateway]==3.17.2"),
    "with a marker": ("mlflow ; python_version > '3'", "mlflow-skinny ; python_version > '3'"),
    "small already": ("mlflow-skinny==3.17.2", "mlflow-skinny==3.17.2"),
    "another of the family": ("mlflow-tracing==3.17.2", "mlflow-tracing==3.17.2"),
    "another name": ("xmlflow==1", "xmlflow==1"),
    "anything else": ("scikit-learn==1.9.1  # trained with", "scikit-learn==1.9.1"),
}


def a_model(tmp_path, text):
    (tmp_path / "requirements.txt").write_text(text)
    return tmp_path


@pytest.mark.parametrize(("asked", "expected"), LINES.values(), ids=LINES)
def test_mlflow_alone_is_replaced(tmp_path, asked, expected):
    assert model_requirements(a_model(tmp_path, f"# by MLflow\n\n{asked}\n")) == (expected,)


def test_a_models_constraints_are_kept_as_constraints(tmp_path):
    (tmp_path / "constraints.txt").write_text("numpy<3\n")
    (lines,) = model_requirements(a_model(tmp_path, "-c constraints.txt\n"))
    assert lines == "constraint: numpy<3"


@pytest.mark.parametrize("option", ["--pre", "-r more.txt", "-e ."])
def test_an_option_among_the_requirements_is_refused(tmp_path, option):
    with pytest.raises(ImageBuildError, match="has the option"):
        model_requirements(a_model(tmp_path, f"numpy\n{option}\n"))


def test_a_model_without_requirements_is_refused(tmp_path):
    with pytest.raises(ImageBuildError, match=r"requirements.txt"):
        model_requirements(tmp_path)


def test_the_serving_program_asks_for_its_server():
    assert any(line.startswith("uvicorn") for line in serving_requirements())


def test_a_lock_holds_names_versions_and_hashes():
    lock = parse_lock(f"# for {TARGET}\n{LOCKED}")
    assert [(p.name, p.version, len(p.hashes)) for p in lock.packages] == [("numpy", "2.4.6", 2), ("py-yaml", "6.0", 1)]
    assert lock.without_hash == ()


def test_a_package_without_hash_is_seen():
    assert parse_lock(f"{LOCKED}six==1.0\n").without_hash == ("six",)


@pytest.mark.parametrize("text", ["", "# nothing\n", "numpy>=2\n", "git+https://example.org/x\n", "-e .\n"])
def test_what_pins_nothing_is_no_lock(text):
    with pytest.raises(ImageBuildError):
        parse_lock(text)


@pytest.fixture
def resolver(tmp_path, monkeypatch):
    """A program in uv's place that answers as told, and notes what it was asked."""

    def install(script):
        program = tmp_path / "uv"
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat > {tmp_path}/input\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setattr(lock_module, "uv", lambda: str(program))
        return tmp_path

    return install


def resolve(tmp_path, requirements=("numpy",), target=TARGET, known=None):
    said = []
    lock = make_lock(requirements, target=target, cache=tmp_path / "locks", progress=said.append, known=known)
    return lock, said


def test_requirements_are_resolved_once_for_each_target(resolver, tmp_path):
    folder = resolver(f"printf 'numpy==2.4.6 --hash={HASH}\\n'")
    first, _ = resolve(tmp_path, ("numpy", "mlflow-skinny==3.17.2"))
    second, said = resolve(tmp_path, ("mlflow-skinny==3.17.2", "numpy", "numpy"))
    assert first == second
    assert "found" in said[0]
    assert len((folder / "asked").read_text().splitlines()) == 1
    other, _ = resolve(tmp_path, ("numpy", "mlflow-skinny==3.17.2"), Target("3.12", "x86_64"))
    assert other.sha256 != first.sha256
    asked = (folder / "asked").read_text()
    for option in ("--generate-hashes", "--no-emit-index-url", "--python-version 3.12", "x86_64-manylinux_2_28"):
        assert option in asked


def test_constraints_are_not_requirements(resolver, tmp_path):
    folder = resolver(f"cat constraints.txt > {tmp_path}/constraints; printf 'numpy==2.4.6 --hash={HASH}\\n'")
    resolve(tmp_path, ("numpy", "constraint: scipy<2"))
    assert (folder / "input").read_text() == "numpy"
    assert (folder / "constraints").read_text().strip() == "scipy<2"


FAULTS = {
    "contradiction": ("No solution found when resolving dependencies: numpy<2 and numpy>2", "correct the versions"),
    "network": ("error: Failed to fetch: https://index.example/numpy: dns error", "check the network"),
}


@pytest.mark.parametrize(("complaint", "remedy"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_resolved_says_why_and_what_to_do(resolver, tmp_path, complaint, remedy):
    resolver(f"echo '{complaint}' >&2; exit 1")
    with pytest.raises(ImageBuildError, match="cannot be resolved") as caught:
        resolve(tmp_path)
    assert complaint in caught.value.reason
    assert remedy in caught.value.remedy
    assert not list((tmp_path / "locks").glob("*"))


def test_a_lock_that_the_version_carries_is_used_as_it_is(resolver, tmp_path):
    resolver("exit 1")
    text = f"# for {TARGET}\n{LOCKED}"
    lock, _ = resolve(tmp_path, known=text)
    assert lock.text == text


def test_a_lock_for_another_interpreter_is_refused(tmp_path):
    with pytest.raises(ImageBuildError, match=r"is for python 3.12 .*, the image is python 3.11"):
        resolve(tmp_path, known=f"# for {Target('3.12', 'x86_64')}\n{LOCKED}")
