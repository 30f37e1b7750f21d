"""Small trained models of one table of numbers, and the graphs made of them."""

import numpy as np

from slipway.backends.compiler import make_graph, take_apart
from slipway.backends.source import Source
from slipway.core.signature import Column, DType, Output, Signature

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
