"""Find and load what people declare: model.yaml, scenarios.yaml, contract.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from slipway.core.identity import parse_model_name
from slipway.core.spec import ModelSpec
from slipway.errors import SpecError
from slipway.settings import Settings

# The same safe loader in C, where PyYAML has it: twelve times as fast, and a fleet has a thousand declarations.
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def model_names(settings: Settings) -> list[str]:
    """Return the names of all model folders, sorted."""
    return sorted(p.parent.name for p in settings.models.glob("*/model.yaml"))


def model_folder(settings: Settings, model: str) -> Path:
    """Return a model's folder.

    Raises
    ------
    IdentityError
        If ``model`` is no model name: it becomes a path, a route and a service's name.
    SpecError
        If there is no such model; names those there are.
    """
    parse_model_name(model)
    folder = settings.models / model
    if not (folder / "model.yaml").is_file():
        known = ", ".join(model_names(settings)) or "none yet"
        raise SpecError(
            f"there is no model {model!r} (known: {known})", remedy=f"run `slipway new {model} --from models:/NAME/1`"
        )
    return folder


def load_model(settings: Settings, model: str) -> ModelSpec:
    """Return a model's declaration; SpecError lists every problem with its path."""
    path = model_folder(settings, model) / "model.yaml"
    spec = parse_model(read_yaml(path), source=str(path.relative_to(settings.root)))
    if spec.name != model:
        raise SpecError(f"{path.name} in folder {model!r} is for {spec.name!r}", remedy="name the folder as the model")
    return spec


def parse_model(data: object, *, source: str = "model.yaml") -> ModelSpec:
    """Return the declaration in ``data``; SpecError lists every problem with its path."""
    try:
        return ModelSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(f"{source} does not hold:\n{each_problem(error)}", remedy="correct these fields") from error


def each_problem(error: ValidationError) -> str:
    """Return one line for each problem: its path, what is wrong, what was given."""
    lines = []
    for problem in error.errors(include_url=False):
        path = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
        given = repr(problem["input"])
        shown = "" if isinstance(problem["input"], dict | list) else f" (given: {given[:80]})"
        lines.append(f"  {path}: {problem['msg']}{shown}")
    return "\n".join(lines)


def read_yaml(path: Path) -> Any:
    """Return a YAML file's content; SpecError if it is missing or is not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError as error:
        raise SpecError(f"{path} is missing", remedy="write it, or run `slipway new`") from error
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}", remedy="correct its permissions") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # text that is no text, a date that is none
        raise SpecError(f"{path} is not YAML: {error}", remedy="correct the syntax") from error
