"""The kernel against a plain walk in Python, and how it is made: the same bytes each time, a reason where it cannot."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from slipway.backends import kernel as module
from slipway.backends.ensemble import CannotCompile, Ensemble, Tree
from slipway.backends.flat import arrays
from slipway.backends.folding import Folded, Limits
from slipway.backends.kernel import provide_kernel
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving.backends.trees import load_trees
from tests.unit.backends.models import saved

COLUMNS = ("a", "b", "c")
FLAG = Policy.parse("flag")
SIGNATURE = Signature(
    inputs=tuple(Column(name=n, dtype=DType.FLOAT, nullable=True, on_missing=FLAG) for n in COLUMNS),
    output=Output(name="y"),
)
POOL = np.array([-np.inf, -1.0, 0.0, -0.0, 0.5, np.nextafter(0.5, 1), 5e-324, 1e300, np.inf])


def random_tree(rng, target, depth):
    """Return a tree of any shape; thresholds are among the values that rows have."""
    left, right = [-1], [-1]
    for _ in range(int(rng.integers(0, depth))):
        leaf = int(rng.choice([k for k, child in enumerate(left) if child < 0]))
        left[leaf], right[leaf] = len(left), len(left) + 1
        left += [-1, -1]
        right += [-1, -1]
    count = len(left)
    return Tree(
        left=np.array(left),
        right=np.array(right),
        feature=rng.integers(0, len(COLUMNS), count),
        threshold=rng.choice([*POOL, np.nan], count),
        missing_left=rng.random(count) < 0.5,
        value=rng.normal(size=count) * 10.0 ** rng.integers(-8, 8, count),
        target=target,
    )


def walked(ensemble, row):
    """Return the sums, one node after the other."""
    kind = np.float32 if ensemble.single_sums else np.float64
    sums = ensemble.base.astype(kind)
    for tree in ensemble.trees:
        place = 0
        while tree.left[place] >= 0:
            value = row[tree.feature[place]]
            left = tree.missing_left[place] if np.isnan(value) else value <= tree.threshold[place]
            place = tree.left[place] if left else tree.right[place]
        sums[tree.target] += kind(tree.value[place])
    return sums.astype(np.float64)


def loaded(folder, ensemble, *, column=0, limits=None):
    about = {
        "numbers": list(COLUMNS),
        "words": [],
        "link": "identity",
        "factor": 1.0,
        "column": column,
        "complement": False,
        "labels": None,
        "zero_wins": False,
        "single": ensemble.single_sums,
    }
    made = arrays(Folded(ensemble=ensemble, numbers=COLUMNS, words={}, limits=limits))
    made = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), **made}
    return load_trees(saved(folder, made), SIGNATURE)


@pytest.mark.parametrize("splits", [6, 60], ids=["shallow", "deep"])
@pytest.mark.parametrize("seed", range(10))
def test_every_row_ends_where_a_plain_walk_ends_and_is_summed_in_the_same_order(tmp_path, seed, splits):
    rng = np.random.default_rng(seed)
    targets = int(rng.integers(1, 4))
    trees = tuple(random_tree(rng, k % targets, splits) for k in range(int(rng.integers(1, 40))))
    ensemble = Ensemble(trees=trees, base=rng.normal(size=targets), single_sums=bool(seed % 2))
    if ensemble.single_sums:
        ensemble = replace(ensemble, trees=tuple(replace(t, value=t.value.astype(np.float32) * 1.0) for t in trees))
    whole, rows = (rng.choice([*POOL, 0.25, -3.0, *gaps], (150, len(COLUMNS))) for gaps in ([], [np.nan]))
    rows = np.concatenate([whole, rows])
    expected = np.array([walked(ensemble, row) for row in rows])
    for column in range(targets):
        call = loaded(tmp_path, ensemble, column=column).call_matrix
        assert np.array_equal(call(rows), expected[:, column])
        alone = [call(rows[k : k + 1])[0] for k in range(len(rows))]
        assert np.array_equal(alone, expected[:, column])


def test_rows_beyond_the_limits_get_no_sum(tmp_path):
    ensemble = Ensemble(trees=(random_tree(np.random.default_rng(0), 0, 9),), base=np.ones(1))
    limits = Limits(
        lowest=np.array([-1.0, -np.inf, -2.0]),
        highest=np.array([1.0, np.inf, 2.0]),
        refuses_missing=np.array([False, False, True]),
    )
    call = loaded(tmp_path, ensemble, limits=limits).call_matrix
    rows = np.array(
        [[1.0, 1e308, 2.0], [-1.0, np.nan, -2.0], [np.nan, 0, 0], [1.1, 0, 0], [0, 0, np.nan], [0, np.inf, -2.1]]
    )
    refused = [False, False, False, True, True, True]
    assert np.isnan(call(rows)).tolist() == refused
    assert [bool(np.isnan(call(row[np.newaxis])[0])) for row in rows] == refused


def test_calls_at_the_same_time_do_not_disturb_each_other(tmp_path):
    rng = np.random.default_rng(4)
    ensemble = Ensemble(trees=tuple(random_tree(rng, 0, 20) for _ in range(50)), base=np.zeros(1))
    call = loaded(tmp_path, ensemble).call_matrix
    batches = [rng.choice([*POOL, np.nan], (rows, len(COLUMNS))) for rows in (1, 3, 65, 500) * 2]
    expected = [call(batch) for batch in batches]
    wrong = []

    def ask(batch, answer):
        wrong.extend(1 for _ in range(100) if not np.array_equal(call(batch), answer))

    threads = [threading.Thread(target=ask, args=pair) for pair in zip(batches, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_same_source_gives_the_same_bytes(tmp_path, machine):
    one, other = (provide_kernel(tmp_path / name, machine) for name in ("one", "other"))
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_size < 8192
    assert b"/" + tmp_path.name.encode() not in one.read_bytes()
    assert [path.name for path in (tmp_path / "one").iterdir()] == [one.name]


def test_it_is_made_once(tmp_path, monkeypatch):
    made = provide_kernel(tmp_path, "x86_64")
    monkeypatch.setattr(module, "run", None)
    assert provide_kernel(tmp_path, "x86_64") == made


def test_a_machine_that_is_not_known_has_none(tmp_path):
    with pytest.raises(CannotCompile, match="no kernel for riscv64"):
        provide_kernel(tmp_path, "riscv64")


def test_without_a_compiler_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CannotCompile, match="ziglang is not installed"):
        provide_kernel(tmp_path, "x86_64")


def test_a_source_that_does_not_compile_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    source = tmp_path / "trees.c"
    source.write_text("int broken(")
    monkeypatch.setattr(module, "SOURCE", source)
    with pytest.raises(CannotCompile, match="compiler ended"):
        provide_kernel(tmp_path / "cache", "x86_64")
    assert list((tmp_path / "cache").iterdir()) == []
