"""What a build takes from this checkout rather than from the version: serving program, recipes, what it is told.

Kept in one archive beside the build's report, so that the version can be built again after all three have changed here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import EvidenceError
from slipway.images.closure import PACKAGE, serving_modules

INPUTS_FILE = "inputs.zip"
_PROGRAM, _RECIPES, _CONFIG = "app/slipway/", "recipes/", "serving.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The serving program's files, the recipes by name, and what the program is told (but for the backend)."""

    program: Mapping[str, bytes]
    recipes: Mapping[str, bytes] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def write_program(self, folder: Path) -> None:
        """Write the serving program as it lies in a context."""
        for name, data in self.program.items():
            path = folder / _PROGRAM / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def write_recipes(self, folder: Path) -> None:
        """Write the recipes."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.recipes.items():
            (folder / name).write_bytes(data)


def current_inputs(config: Mapping[str, Any], recipes: Path) -> Inputs:
    """Return what this checkout would build with; without its folder of recipes there are none."""
    return Inputs(
        program={name: (PACKAGE / name).read_bytes() for name in serving_modules()},
        recipes={path.name: path.read_bytes() for path in sorted(recipes.glob("Dockerfile*"))},
        config=config,
    )


def pack_inputs(inputs: Inputs) -> bytes:
    """Return the archive; the same inputs give the same bytes."""
    files = {f"{_PROGRAM}{name}": data for name, data in inputs.program.items()}
    files |= {f"{_RECIPES}{name}": data for name, data in inputs.recipes.items()}
    files[_CONFIG] = json.dumps(dict(inputs.config), indent=1, sort_keys=True, allow_nan=False).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in sorted(files.items()):
            out.writestr(zipfile.ZipInfo(name, _EPOCH), data, compress_type=zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def unpack_inputs(data: bytes) -> Inputs:
    """Read what :func:`pack_inputs` wrote.

    Raises
    ------
    EvidenceError
        If it is no such archive, or names a file outside of it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(files.pop(_CONFIG))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise EvidenceError(f"{INPUTS_FILE} cannot be read: {error}", remedy="release the version again") from error
    outside = [name for name in files if ".." in name.split("/") or name.startswith("/")]
    if outside:
        raise EvidenceError(f"{INPUTS_FILE} names {outside[0]}", remedy="release the version again")
    return Inputs(program=_below(files, _PROGRAM), recipes=_below(files, _RECIPES), config=config)


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {name.removeprefix(folder): data for name, data in files.items() if name.startswith(folder)}
