"""The compiler in its own process: what a model does there stays there, and the same is made once."""

import json
import os
import time

import numpy as np
import pandas as pd
import pytest

from slipway.backends.compile import provide_compilation
from slipway.backends.worker import save
from slipway.core.identity import Subject, digest_bytes
from slipway.core.version import VersionFiles
from tests.unit.backends.models import NAMES, signature, table

UNKNOWN = "flavors:\n  python_function:\n    loader_module: mlflow.pytorch\n"


@pytest.fixture
def files(tmp_path):
    root = tmp_path / "version"
    for name in ("model", "snapshot"):
        (root / name).mkdir(parents=True)
    (root / "model" / "MLmodel").write_text(UNKNOWN)
    values, _, _ = table(rows=20)
    pd.DataFrame(values, columns=NAMES).to_parquet(root / "snapshot" / "holdout.parquet")
    subject = Subject(model="toy", version=1, artifact_sha256=digest_bytes(b"toy"))
    return VersionFiles(subject=subject, root=root, run_id="run")


@pytest.fixture
def provide(files, tmp_path):
    said = []

    def provide(**options):
        said.clear()
        made = provide_compilation(
            files, signature(), cache=tmp_path / "cache", progress=said.append, rows=500, **options
        )
        return made, "\n".join(said)

    return provide


def test_a_model_that_cannot_be_compiled_still_gets_its_rows_and_is_looked_at_once(provide):
    made, said = provide()
    assert made.compiled == {}
    assert made.reasons == dict.fromkeys(("onnx", "trees"), "no converter for models that mlflow.pytorch loads")
    assert (made.rows, made.more_rows) == (("known_rows.npz",), ("drawn_rows.npz",))
    assert all((made.folder / name).is_file() for name in (*made.rows, *made.more_rows))
    assert "not as trees: no converter" in said
    again, said = provide()
    assert again == made
    assert said == "backends: compiled before"


def test_a_compiler_that_is_stopped_says_so_and_is_tried_again(provide):
    made, _ = provide(timeout_s=0.01)
    assert made.compiled == {}
    assert "ran for more than" in made.reasons["onnx"]
    again, said = provide()
    assert again.reasons["trees"].startswith("no converter")
    assert json.loads((again.folder / "result.json").read_text())["compiled"] == {}
    assert "not as onnx" in said


def test_what_is_half_made_is_not_left_in_the_cache(provide, tmp_path):
    provide()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [provide()[0].key[7:]]


@pytest.fixture
def aged(tmp_path):
    """Put a folder into the cache that was last used so many days ago."""

    def put(name, days):
        folder = tmp_path / "cache" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - days * 86_400,) * 2)
        return folder

    return put


def test_of_the_old_only_the_newest_are_kept(provide, aged):
    old = [aged(f"{days}", days) for days in range(2, 12)]
    provide()
    assert [folder.is_dir() for folder in old] == [True] * 7 + [False] * 3


def test_what_other_builds_make_or_read_is_left_alone(provide, aged):
    used = [aged(f"read {n}", 0.01 * n) for n in range(10)] + [aged(f".making-{n}", 0) for n in range(3)]
    oldest, abandoned = aged("oldest", 2), aged(".making-abandoned", 2)
    provide()
    assert all(folder.is_dir() for folder in used)
    assert not oldest.exists()
    assert not abandoned.exists()


def test_folders_that_others_make_do_not_push_out_what_is_made(provide, aged):
    old, _ = aged("old", 2), [aged(f".making-{n}", 0) for n in range(10)]
    provide()
    assert old.is_dir()


def test_rows_whose_writing_was_cut_are_not_taken(tmp_path, monkeypatch):
    def killed(path, **arrays):
        path.write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "known_rows.npz", {"a": np.ones(3)})
    assert not (tmp_path / "known_rows.npz").exists()
