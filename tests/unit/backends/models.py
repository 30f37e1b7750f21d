"""Small trained models of one table of numbers, and the graphs made of them."""

import platform
import tempfile
from pathlib import Path

import numpy as np

from slipway.backends.compiler import make_graph, take_apart
from slipway.backends.flat import make_trees
from slipway.backends.kernel import provide_kernel
from slipway.backends.source import Source
from slipway.backends.worker import features_of
from slipway.core.signature import Column, DType, Output, Signature
from slipway.serving.backends.trees import load_trees

WIDTH = 5
NAMES = tuple(f"f{k}" for k in range(WIDTH))


def signature(*, index=None, dtype=DType.FLOAT, **column):
    columns = tuple(Column(name=name, dtype=DType.FLOAT, **{"min": -5, "max": 5, **column}) for name in NAMES)
    return Signature(inputs=columns, output=Output(name="y", index=index, dtype=dtype))


def table(rows=300, seed=0, gaps=0.0):
    """Return rows, a class and a number for each."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, WIDTH)).clip(-5, 5)
    number = 3 * values[:, 0] + np.sin(3 * values[:, 1]) + rng.normal(size=rows) * 0.1
    values[rng.random(values.shape) < gaps] = np.nan
    return values, (number > 0).astype(int), number


def near_singles(rows=4000, seed=1, gaps=0.0):
    """Return rows that lie at single-precision numbers and just beside them: where a rounding too few shows."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, WIDTH)).astype(np.float32).astype(np.float64)
    values += rng.choice([0.0, 1e-9, -1e-9, 3e-8], values.shape)
    values[rng.random(values.shape) < gaps] = np.nan
    return values.clip(-5, 5)


def compiled(model, method, declared, *, frame=False, fitted=NAMES):
    """Return a function from rows to the compiled model's answers."""
    source = Source(model=model, method=method, fitted=tuple(fitted), frame=frame, single=False)
    return session(make_graph(source, take_apart(model), declared))


def session(graph):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    opened = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    name = opened.get_inputs()[0].name
    return lambda rows, **texts: opened.run(None, {name: rows, **texts})[0]


KERNELS = Path(__file__).resolve().parents[3] / "var" / "test-kernels"  # compiled once a checkout


def flat(model, method, declared, *, frame=False, fitted=NAMES, base=None):
    """Return the backend that runs the model's trees as machine code."""
    source = Source(model=model, method=method, fitted=tuple(fitted), frame=frame, single=False)
    parts = take_apart(model)
    if base is None:
        base = dict(zip(NAMES, table(rows=50)[0].T, strict=True))
    arrays = make_trees(source, parts, declared, features_of(source, parts), base)
    with tempfile.TemporaryDirectory() as name:
        return load_trees(saved(Path(name), arrays), declared)


def saved(folder, arrays):
    """Write trees and their kernel; return the trees' file."""
    np.savez(folder / "trees.npz", **arrays)
    if not (folder / "trees.so").exists():  # else it may be mapped into memory
        (folder / "trees.so").write_bytes(provide_kernel(KERNELS, platform.machine()).read_bytes())
    return folder / "trees.npz"


def run_flat(model, method, declared, **options):
    """Return a function from rows to its answers, having seen that one row alone gets the same."""
    backend = flat(model, method, declared, **options)

    def answers(rows):
        rows = np.ascontiguousarray(rows)
        given = backend.call_matrix(rows)
        for k in range(min(100, len(rows))):
            alone = backend.call_matrix(rows[k : k + 1])
            assert alone.dtype == given.dtype
            if given.dtype == np.float64:
                np.testing.assert_allclose(alone, given[k : k + 1], rtol=3e-16, atol=0)
            else:
                assert alone[0] == given[k]
        return given

    return answers
