"""Which of our own modules go into an image: the serving program and what it imports, found by reading the source."""

from __future__ import annotations

import ast
from pathlib import Path

import slipway
from slipway.errors import ImageBuildError

PACKAGE = Path(slipway.__file__).parent
ROOT = "serving"
ALLOWED = ("serving/", "core/", "errors.py", "__init__.py")


def serving_modules(package: Path = PACKAGE) -> tuple[str, ...]:
    """Return the files of the serving program and of all that it imports from us, relative to ``package``, sorted.

    Raises
    ------
    ImageBuildError
        If it reaches for a module that has no place in a container.
    """
    waiting = [p.relative_to(package).as_posix() for p in sorted((package / ROOT).rglob("*.py"))]
    if not waiting:
        raise ImageBuildError(f"{package / ROOT} holds no serving program", remedy="restore the package's files")
    found: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        if not path.startswith(ALLOWED):
            raise ImageBuildError(
                f"the serving program imports {path}", remedy="import core and errors only in slipway.serving"
            )
        found.add(path)
        waiting += _imports(package, path)
    return tuple(sorted(found))


def _imports(package: Path, path: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse((package / path).read_text(encoding="utf-8"), filename=path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    ours = (name.split(".")[1:] for name in names if name.split(".")[0] == "slipway")
    return {file for parts in ours for file in _files(package, parts)}


def _files(package: Path, parts: list[str]) -> set[str]:
    """Return a module's file, if it is one, and the ``__init__.py`` of each package above it."""
    inits = {"/".join([*parts[:depth], "__init__.py"]) for depth in range(len(parts) + 1)}
    module = "/".join(parts) + ".py"
    return {file for file in {*inits, module} if (package / file).is_file()}
