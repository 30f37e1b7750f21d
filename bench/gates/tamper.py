"""What somebody may do behind a release's back: to files of the registry, to images, to reports, to an alias."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bench.gates.context import Context

if TYPE_CHECKING:
    from slipway.core.evidence import Evidence
    from slipway.core.service import BuiltImage
    from slipway.settings import Settings

ENGINE_TIMEOUT_S = 60


def change_model_file(context: Context, version: int) -> None:
    """Append a line to the registered model's ``MLmodel``."""
    found = context.client.get_model_version(context.model, str(version))
    logged = str(found.source).rstrip("/").rsplit("/", 1)[-1]
    _append(_stored(context, f"{logged}/artifacts/MLmodel"), "\n# changed\n")


def change_snapshot(context: Context, version: int) -> None:
    """Put the training rows in the holdout's place in the registry."""
    run = context.client.get_model_version(context.model, str(version)).run_id
    holdout = _stored(context, f"{run}/artifacts/snapshot/holdout.parquet")
    shutil.copyfile(holdout.with_name("train.parquet"), holdout)


def change_report(context: Context, version: int) -> None:
    """Edit the golden answers that the scenarios left."""
    settings = _settings(context)
    for evidence in _evidence(context, version, "run_scenarios"):
        for report in evidence.reports:
            if report.path.endswith("golden.json"):
                _append(settings.reports / report.path, " ")
                return
    raise FileNotFoundError(f"the scenarios of {context.model} version {version} left no golden.json")


def remove_image(context: Context, version: int) -> None:
    """Remove the image that was tested."""
    image = built_image(context, version)
    if image.runtime.value == "docker":
        _engine("rmi", "--force", image.reference)
    else:
        shutil.rmtree(image.reference)


def replace_image(context: Context, version: int) -> None:
    """Put the champion's image under the tested image's tag, and remove the tested one."""
    image = built_image(context, version)
    if image.runtime.value == "docker":
        retag_image(context, version)
        _engine("rmi", "--force", image.reference)
    else:
        served = Path(image.reference) / "serving.json"
        served.chmod(0o644)
        _append(served, " ")


def retag_image(context: Context, version: int) -> None:
    """Let the tested image's tag point to the champion's image; the tested one stays. Processes have no tags."""
    (evidence,) = _evidence(context, version, "build_image")[-1:]
    tag = evidence.details.get("tag")
    if tag and context.champion is not None:
        _engine("tag", built_image(context, context.champion).reference, str(tag))


def move_champion_alias(context: Context, to: int) -> None:
    """Move the champion's alias by hand; it is put back when the case is over."""
    context.client.set_registered_model_alias(context.model, "champion", str(to))
    if context.champion is not None:
        context.undo.callback(
            context.client.set_registered_model_alias, context.model, "champion", str(context.champion)
        )


def built_image(context: Context, version: int) -> BuiltImage:
    """Return the image that the latest release of a version built."""
    from slipway.core.service import BuiltImage

    found = _evidence(context, version, "build_image")
    if not found:
        raise FileNotFoundError(f"{context.model} version {version} has no image")
    return BuiltImage.from_json(found[-1].details["image"])


def _evidence(context: Context, version: int, check: str) -> list[Evidence]:
    from slipway.workflows.workbench import Workbench

    found = Workbench(_settings(context)).ledger.evidence(context.model, version)
    return [evidence for evidence in found if evidence.check.value == check]


def _stored(context: Context, end: str) -> Path:
    """Return the file in the tracking server's artifact folder whose path ends so."""
    found = list((_settings(context).var / "mlflow").rglob(end))
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} stored files end in {end}")
    return found[0]


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _engine(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, capture_output=True, timeout=ENGINE_TIMEOUT_S)


def _settings(context: Context) -> Settings:
    if context.settings is None:
        raise RuntimeError("this case tampers with a running stack; there is none")
    return context.settings
