"""The script behind `make base-image`: what it does before it builds anything."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "containers" / "base" / "build.sh"


@pytest.fixture
def run(tmp_path):
    """Run the script with a docker of which only the answer is known."""

    def run(*args, docker="echo 112000000"):
        program = tmp_path / "docker"
        program.write_text(f"#!/bin/sh\n{docker}\n")
        program.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        return subprocess.run([SCRIPT, *args], env=environment, capture_output=True, text=True, timeout=30)

    return run


def test_an_image_that_is_here_is_not_built_again(run):
    done = run()
    assert done.returncode == 0
    assert "slipway-base:bookworm is here already (112 MB)" in done.stdout


def test_without_a_daemon_it_says_what_to_do(run):
    done = run(docker="exit 1")
    assert done.returncode == 1
    assert "no docker daemon answers" in done.stderr


def test_an_unknown_option_is_refused(run):
    done = run("--fast")
    assert done.returncode == 1
    assert "--fast" in done.stderr
