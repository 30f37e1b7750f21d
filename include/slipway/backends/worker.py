"""``python -m slipway.backends.worker FOLDER``: compile a model and make the rows to compare, in a process of its own.

The model's own code runs here when it is loaded, so a time limit, a crash or an exit of it ends this process only.
Reads ``request.json`` in the folder; writes rows and compiled models as far as it comes, at the end ``result.json``.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from slipway.backends.compiler import Parts, make_graph, take_apart
from slipway.backends.ensemble import CannotCompile
from slipway.backends.flat import make_trees
from slipway.backends.folding import Features
from slipway.backends.kernel import provide_kernel
from slipway.backends.rows import (
    Table,
    admitted,
    drawn_rows,
    edge_rows,
    edge_values,
    read_table,
    size,
    stacked,
    taken,
)
from slipway.backends.source import Source, open_source
from slipway.backends.thresholds import Coverage, threshold_rows
from slipway.core.signature import DType, Signature

REQUEST, RESULT = "request.json", "result.json"
THRESHOLD_ROWS, KNOWN_ROWS, DRAWN_ROWS = "threshold_rows.npz", "known_rows.npz", "drawn_rows.npz"
ONNX, TREES = "onnx", "trees"
COMPILED = {ONNX: ("onnx.onnx",), TREES: ("trees.npz", "trees.so")}
SEED = 20_261_123
_MOST_SNAPSHOT_ROWS = 50_000
_BASE_ROWS = 2_000


def work(folder: Path) -> dict[str, Any]:
    """Do what the request says; return what came of it.

    The result holds ``compiled`` (the files of each backend that was made), ``reasons`` (why others were not) and
    ``coverage`` (of the splits; null without trees).
    """
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    signature, limit = Signature.from_json(request["signature"]), int(request["rows"])
    snapshot = _snapshot([Path(name) for name in request["snapshots"]], signature)
    edges = edge_rows(snapshot, signature)
    edges = taken(edges, admitted(edges, signature))
    known = stacked([edges, snapshot])
    # Written first: they serve also where the model cannot be loaded here.
    save(folder / KNOWN_ROWS, known)
    _draw(folder, snapshot, signature, limit - size(known))
    result: dict[str, Any] = {"compiled": {}, "reasons": {}, "coverage": None}
    try:
        source = open_source(Path(request["model"]), signature)
        parts = take_apart(source.model)
        features = features_of(source, parts)
        coverage, count = _thresholds(folder, features, parts, snapshot, signature, limit - size(known))
    except Exception as error:  # noqa: BLE001 - whatever a model's own code raises
        return result | {"reasons": dict.fromkeys(COMPILED, _said(error))}
    result["coverage"] = None if coverage is None else asdict(coverage)
    _draw(folder, snapshot, signature, limit - size(known) - count)

    def make_onnx() -> None:
        (folder / COMPILED[ONNX][0]).write_bytes(make_graph(source, parts, signature).SerializeToString())

    def make_flat() -> None:
        arrays = make_trees(source, parts, signature, features, snapshot)
        kernel = provide_kernel(Path(request["kernels"]), request["machine"])
        np.savez(folder / COMPILED[TREES][0], **arrays)
        shutil.copyfile(kernel, folder / COMPILED[TREES][1])

    makers: dict[str, Callable[[], None]] = {ONNX: make_onnx, TREES: make_flat}
    for name, make in makers.items():
        try:
            make()
            result["compiled"][name] = COMPILED[name]
        except Exception as error:  # noqa: BLE001 - whatever a converter or a fitted step raises
            result["reasons"][name] = _said(error)
    return result


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, CannotCompile) else f"{type(error).__name__}: {error}"


def features_of(source: Source, parts: Parts) -> Features:
    """Return what makes, of a table, the matrix that a model's last step sees."""

    def features(table: Table) -> Any:
        rows = source.rows(table)
        prepared = rows if parts.preparation is None else parts.preparation.transform(rows)
        prepared = prepared.toarray() if hasattr(prepared, "toarray") else prepared
        return np.asarray(prepared, dtype=np.float64)

    return features


def _snapshot(paths: list[Path], signature: Signature) -> Table:
    """Return the snapshot's rows that the signature admits, at least one."""
    import pandas as pd

    tables = [read_table(pd.read_parquet(path), signature) for path in paths if path.is_file()]
    if tables:
        table = stacked(tables)
        table = taken(table, np.flatnonzero(admitted(table, signature))[:_MOST_SNAPSHOT_ROWS])
        if size(table):
            return table
    return _middle(signature)


def _middle(signature: Signature) -> Table:
    return {
        column.name: np.array(edge_values(column)[:1], dtype=object if column.dtype is DType.STRING else np.float64)
        for column in signature.inputs
    }


def _thresholds(
    folder: Path, features: Features, parts: Parts, snapshot: Table, signature: Signature, limit: int
) -> tuple[Coverage | None, int]:
    ensemble = parts.ensemble
    if ensemble is None or not ensemble.thresholds or limit <= 0:
        return None, 0

    step = max(1, size(snapshot) // _BASE_ROWS)
    base = taken(snapshot, slice(None, None, step))
    table, coverage = threshold_rows(ensemble, features, base, signature, limit=limit)
    if table is None:
        return coverage, 0
    table = taken(table, admitted(table, signature))
    save(folder / THRESHOLD_ROWS, table)
    return coverage, size(table)


def _draw(folder: Path, snapshot: Table, signature: Signature, rows: int) -> None:
    """Write that many drawn rows, less those that the policies reject."""
    if rows <= 0:
        (folder / DRAWN_ROWS).unlink(missing_ok=True)
        return
    drawn = stacked(list(drawn_rows(snapshot, signature, rows=rows, seed=SEED)))
    save(folder / DRAWN_ROWS, taken(drawn, admitted(drawn, signature)))


def save(path: Path, table: Table) -> None:
    """Write rows so that no pickle is needed to read them: all of them, or no file of that name."""
    arrays: dict[str, Any] = {}
    for name, values in table.items():
        if values.dtype != object:
            arrays[f"number:{name}"] = values
            continue
        missing = np.array([value is None for value in values], dtype=np.bool_)
        arrays[f"missing:{name}"] = missing
        arrays[f"text:{name}"] = np.where(missing, "", values).astype(np.str_)
    half = path.with_name(f".{path.name}")
    np.savez(half, **arrays)
    half.replace(path)


def main(arguments: list[str]) -> int:
    """Work in a folder; 0 if a result was written."""
    folder = Path(arguments[0])
    result = work(folder)
    (folder / RESULT).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
