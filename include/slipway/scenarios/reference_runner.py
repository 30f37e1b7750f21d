"""Runs a model's reference in a process of its own. Standard library only; started as a script, never imported.

``python -I reference_runner.py FILE FUNCTION MEMORY_MB FORBIDDEN,...``: one JSON line in (``{"rows": [...]}``), one out
(``{"answers": [...]}`` or ``{"error": "..."}``), until standard input ends. What the reference itself prints goes to
standard error, so that it cannot disturb the answers.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any


class Refuse(importlib.abc.MetaPathFinder):
    """Refuses to import what a ground truth must not stand on, by whichever way it is asked for."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Raise ImportError for a forbidden package; leave every other to the usual finders."""
        if fullname.partition(".")[0] in self.names:
            raise ImportError(f"not independent: the reference may not import {fullname}")
        return None


def load(file: Path, function: str) -> Callable[[list[Any]], Any]:
    """Return the function from the file, imported by its path alone."""
    spec = importlib.util.spec_from_file_location("reference_under_test", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[list[Any]], Any] = getattr(module, function)
    return found


def limit_memory(megabytes: int) -> None:
    """Bound the address space, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    except (ImportError, ValueError, OSError) as error:
        print(f"memory is not limited: {error}", file=sys.stderr)


def plain(value: Any) -> Any:
    """Return a NumPy scalar or array as plain Python."""
    return value.tolist()


def main(argv: list[str]) -> None:
    """Answer lines until there are no more."""
    file, function, memory_mb, forbidden = Path(argv[1]), argv[2], int(argv[3]), frozenset(argv[4].split(","))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    limit_memory(memory_mb)
    sys.meta_path.insert(0, Refuse(forbidden))
    score: Callable[[list[Any]], Any] | None = None
    for line in sys.stdin:
        try:
            score = score or load(file, function)
            reply = json.dumps({"answers": score(json.loads(line)["rows"])}, default=plain)
        except BaseException:  # noqa: BLE001 - whatever the reference does, the other side must hear of it
            reply = json.dumps({"error": traceback.format_exc()[-6000:]})
        out.write(reply + "\n")
        out.flush()


if __name__ == "__main__":
    main(sys.argv)
