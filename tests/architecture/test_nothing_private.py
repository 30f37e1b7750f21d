"""Nothing in the project names the machine that it was written on, or a package registry."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRIVATE = {
    # a folder of a person on this machine; the airflow image's own user has its home in it
    "a home folder": re.compile(r"/(?:home|root|Users)/(?!slipway\b)[A-Za-z.][^\s'\"]*"),
    "an index address": re.compile(r"--(?:extra-)?index-url|find-links\s*=|pypi\.org/simple"),
}
ALLOWED = {"tests/architecture/test_nothing_private.py"}


def tracked():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and name not in ALLOWED]


@pytest.mark.parametrize("what", PRIVATE)
def test_no_tracked_file_holds(what):
    found = []
    for name in tracked():
        path = ROOT / name
        if path.suffix in (".png", ".svg") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {hit}" for hit in PRIVATE[what].findall(text)]
    assert not found
