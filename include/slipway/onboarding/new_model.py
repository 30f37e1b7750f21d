"""Write what a new model needs in the project; nothing that exists is touched, and nothing is left half done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from slipway.core.identity import parse_model_name
from slipway.core.version import VersionFiles
from slipway.errors import SpecError
from slipway.onboarding.data_terms import data_contract, expectation_suite
from slipway.onboarding.declare import model_declaration, scenario_declaration
from slipway.onboarding.info import ModelInfo
from slipway.onboarding.observe import Seen, observe
from slipway.settings import Settings
from slipway.specs import parse_model

_TEMPLATES = Path(__file__).parent / "templates"
_HEADER = "# Written by `slipway new` from {source}. Ranges are what its data snapshot holds, widened by a tenth.\n"
_MODEL_NOTE = "# Review each line: units, ranges, policies and thresholds are yours to decide.\n"
_MARGIN_NOTE = (
    "  # How much worse than the champion is still fine, in champion_metric.\n"
    "  # With 0, a version that is surely worse by next to nothing is stopped too.\n"
)
_SCENARIO_NOTE = "# Add the cases that someone who knows the subject would try first.\n"


def new_model(
    name: str, *, source: VersionFiles, registered_model: str, settings: Settings, info: ModelInfo | None = None
) -> list[Path]:
    """Write a model's folder, its dataset's suite and contract unless that dataset exists, and its DAG file.

    Parameters
    ----------
    name : str
        The model's name here; its folder and its DAG file are called so.
    source : VersionFiles
        The registered version that signature and ranges are read from.
    registered_model : str
        The registered model's name.
    settings : Settings
        Where the project is.
    info : ModelInfo, optional
        What the version does not say.

    Returns
    -------
    list of Path
        The files written, in order. The reference among them raises until someone has written it, so that a
        release of the new model stops at its scenarios.

    Raises
    ------
    IdentityError
        If ``name`` is not a model name.
    SpecError
        If a file exists already (all of them are listed), or the version's signature or snapshot will not do.
    """
    parse_model_name(name)
    info = info or ModelInfo()
    seen = observe(source, label=info.label)
    texts = _model_files(settings, name, registered_model, source=source, seen=seen, info=info)
    existing = [path for path in texts if path.exists()]
    if existing:
        listed = ", ".join(str(path.relative_to(settings.root)) for path in existing)
        raise SpecError(f"these files exist already: {listed}", remedy="choose another name, or move them away")
    dataset = settings.expectations / (info.dataset or name)
    if not dataset.exists():
        texts |= _dataset_files(dataset, seen, info)
    return _write(texts)


def _model_files(
    settings: Settings, name: str, registered_model: str, *, source: VersionFiles, seen: Seen, info: ModelInfo
) -> dict[Path, str]:
    declaration = model_declaration(name, registered_model, seen, info)
    parse_model(declaration, source=f"the declaration drawn from {source.subject}")
    words = {
        "name": name,
        "registered": registered_model,
        "title": name.replace("_", " ").capitalize(),
        "label": seen.label.name,
        "output": seen.output_name,
        "source": f"models:/{registered_model}/{source.subject.version}",
    }
    header = _HEADER.format(source=words["source"])
    folder = settings.models / name
    return {
        folder / "model.yaml": header + _MODEL_NOTE + _annotated(_yaml(declaration)),
        folder / "reference.py": _filled("reference.py", words),
        folder / "scenarios.yaml": header + _SCENARIO_NOTE + _yaml(scenario_declaration(seen)),
        folder / "card.md": _filled("card.md", words),
        folder / "train.py": _filled("train.py", words),
        settings.root / "dags" / f"{name}.py": _filled("dag.py", words),
    }


def _dataset_files(folder: Path, seen: Seen, info: ModelInfo) -> dict[Path, str]:
    suite = json.dumps(expectation_suite(folder.name, seen), indent=2)
    return {folder / "contract.yaml": _yaml(data_contract(seen, info)), folder / "suite.json": suite + "\n"}


def _filled(template: str, words: Mapping[str, str]) -> str:
    return Template((_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")).substitute(words)


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=110)


def _annotated(text: str) -> str:
    return text.replace("\n  champion_margin:", f"\n{_MARGIN_NOTE}  champion_margin:", 1)


def _write(texts: Mapping[Path, str]) -> list[Path]:
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise SpecError(
            f"{error.filename or 'a file'} cannot be written: {error}", remedy="make room, then run it again"
        ) from error
    return written
