"""Find cases: those of the project, and those of any other folder.

A catalogue is a folder. Each ``*.py`` in it, and each ``<folder>/case.py``, declares ``CASES``, a sequence of
:class:`bench.gates.case.Case`, or ``CASE``, a single one. Files whose names begin with an underscore are passed over.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from bench.gates.case import Case

SHIPPED = Path(__file__).parent / "cases"


class CatalogueError(Exception):
    """A catalogue cannot be used; the message says which file, and why."""


def load(folder: Path = SHIPPED) -> tuple[Case, ...]:
    """Return a folder's cases in the order of their cost; CatalogueError if there is none, or one is there twice."""
    files = sorted([*folder.glob("*.py"), *folder.glob("*/case.py")])
    found = [case for file in files if not file.name.startswith("_") for case in _cases(file)]
    if not found:
        raise CatalogueError(f"{folder} holds no case: declare CASES in a .py file there")
    ids = [case.id for case in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise CatalogueError(f"declared twice: {', '.join(twice)}")
    return ordered(found)


def ordered(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Return cases with the cheap ones first, so that a broken set-up shows early."""
    return tuple(sorted(cases, key=lambda case: (case.cost, case.model, case.id)))


def select(cases: Iterable[Case], patterns: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases whose id, group or name fits one of the patterns; all of them without a pattern.

    Raises
    ------
    CatalogueError
        If a pattern fits none: a misspelt name must not look like a good result.
    """
    every = tuple(cases)
    if not patterns:
        return every
    idle = [p for p in patterns if not any(_fits(case, p) for case in every)]
    if idle:
        raise CatalogueError(f"no case fits {', '.join(map(repr, idle))}; `--list` shows those there are")
    return tuple(case for case in every if any(_fits(case, p) for p in patterns))


def _fits(case: Case, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for text in (case.id, case.group, case.name))


def _cases(file: Path) -> Sequence[Case]:
    module = _load(file)
    declared = getattr(module, "CASES", None) or [getattr(module, "CASE", None)]
    if not all(isinstance(case, Case) for case in declared):
        raise CatalogueError(f"{file} declares neither CASES, a sequence of Case, nor CASE")
    return list(declared)


def _load(file: Path) -> ModuleType:
    name = f"bench_gates_case_{abs(hash(file.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CatalogueError(f"{file} cannot be read as a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the module look their annotations up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CatalogueError(f"{file} cannot be used: {type(error).__name__}: {error}") from error
    return module
