"""A version's container image: the runtime layer of its lock, and above it the model and the serving program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.verdict import Measurement
from slipway.images.backends import Choice, choose_in_container
from slipway.images.base import BaseImage, inspect_base, recipe
from slipway.images.content import image_content
from slipway.images.context import assemble, assemble_program, assemble_runtime
from slipway.images.engine_build import Build, build_once, inspect_image, runs_as_root, wrong_labels
from slipway.images.figures import none_of
from slipway.images.job import MEGABYTE, Job, Product, digest_text, workspace
from slipway.images.lock import Lock
from slipway.runtime import labels
from slipway.runtime.engine import connect

if TYPE_CHECKING:
    import docker

LOCK = "slipway.lock_sha256"
BASE = "slipway.base_image"
CONTEXT = "slipway.context_sha256"
RUNTIME_LAYER = "slipway.runtime_image"
RECIPE = "slipway.recipe_sha256"
LAYER_RECIPE, IMAGE_RECIPE = "Dockerfile.runtime", "Dockerfile"


def subject_labels(subject: Subject, lock_sha256: str) -> dict[str, str]:
    """Return the labels by which an image says whose it is."""
    return {
        labels.MODEL: subject.model,
        labels.VERSION: str(subject.version),
        labels.ARTIFACT: subject.artifact_sha256,
        LOCK: lock_sha256,
    }


def build_container(job: Job) -> Product:
    """Build, or find, the image of a version; then look at what the engine has.

    Raises
    ------
    EngineUnavailable, ImageBuildError
        See :func:`slipway.images.build.build_image`.
    """
    client = connect()
    try:
        base = inspect_base(client, job.settings)
        job.progress(f"base: {base.reference} ({base.id[7:19]}), {base.target}")
        lock, wheels = job.lock_and_wheels(base.target)
        with workspace(job.settings) as work:

            def runtime_context() -> Path:
                assemble_runtime(work / "runtime", lock=lock, wheels=wheels)
                return work / "runtime"

            notes = job.settings.var / "images"
            wanted_layer = layer_build(recipe(job.settings, LAYER_RECIPE), lock=lock, base=base, notes=notes)
            layer, layer_reused = build_once(client, wanted_layer, runtime_context, job.progress)
            choice = _choose(client, job, work / "context", layer["Id"])
            context = assemble(
                work / "context", files=job.files, config=job.config, lock=lock, wheels=wheels, choice=choice
            )
            wanted = image_build(
                recipe(job.settings, IMAGE_RECIPE),
                subject=job.files.subject,
                lock=lock,
                base=base,
                context=context,
                layer=layer["Id"],
                notes=notes,
            )
            image, image_reused = build_once(client, wanted, lambda: work / "context", job.progress)
        seen = inspect_image(client, image["Id"]) or {}
        content = image_content(client, image, layer=layer["Id"], notes=notes)
    finally:
        client.close()
    reused = (
        Measurement(name="runtime_layer.reused", value=float(layer_reused)),
        Measurement(name="image.reused", value=float(image_reused)),
    )
    return Product(
        image=_built(image["Id"], lock, base),
        lock=lock,
        wheels=wheels,
        base=base,
        choice=choice,
        content=content,
        measurements=(*_sizes(image["Size"], base), *reused, *_checks(seen, wanted.labels)),
        details={"context_sha256": context, "runtime_layer": layer["Id"], "tag": wanted.tag},
    )


def _choose(client: docker.DockerClient, job: Job, context: Path, layer: str) -> Choice:
    assemble_program(context, job.files)
    if job.candidates is None:
        return Choice()
    choice = choose_in_container(job.candidates, context=context, client=client, layer=layer)
    job.progress(f"backends: {choice.backend or choice.evidence.get('reason')}")
    return choice


def _built(digest: str, lock: Lock, base: BaseImage) -> BuiltImage:
    return BuiltImage(
        digest=digest,
        reference=digest,
        runtime=RuntimeName.DOCKER,
        python_version=base.target.python_version,
        lock_sha256=lock.sha256,
    )


def _sizes(size: int, base: BaseImage) -> tuple[Measurement, ...]:
    return (
        Measurement(name="image.size_mb", value=size / MEGABYTE, unit="MB"),
        Measurement(name="image.added_mb", value=(size - base.size) / MEGABYTE, unit="MB"),
    )


def _checks(seen: Mapping[str, Any], expected: Mapping[str, str]) -> tuple[Measurement, ...]:
    wrong = wrong_labels(seen, expected)
    note = "; ".join(f"{key} says {value}" for key, value in wrong.items())
    return (
        none_of("image.runs_as_root", int(runs_as_root(seen)), n=1),
        none_of("image.labels_wrong", len(wrong), n=len(expected), note=note),
        none_of("image.healthcheck_missing", int(not (seen.get("Config") or {}).get("Healthcheck")), n=1),
    )


def layer_build(dockerfile: Path, *, lock: Lock, base: BaseImage, notes: Path) -> Build:
    """Return how the runtime layer of a lock is built on a base."""
    name = f"{lock.sha256[7:19]}-{base.id[7:19]}"
    return Build(
        recipe=dockerfile,
        tag=f"slipway-runtime:{name}",
        labels={LOCK: lock.sha256, BASE: base.id, RECIPE: digest_text(dockerfile)},
        arguments={"BASE": base.id},
        note=notes / f"runtime-{name}.json",
    )


def image_build(
    dockerfile: Path, *, subject: Subject, lock: Lock, base: BaseImage, context: str, layer: str, notes: Path
) -> Build:
    """Return how a version's image is built on a runtime layer; ``context`` is its digest, ``layer`` its id."""
    return Build(
        recipe=dockerfile,
        # An image's name may not end in an underscore; a model's may.
        tag=f"slipway-{subject.model.rstrip('_')}:{subject.version}-{context[7:19]}-{layer[7:19]}",
        labels={
            **subject_labels(subject, lock.sha256),
            BASE: base.id,
            CONTEXT: context,
            RUNTIME_LAYER: layer,
            RECIPE: digest_text(dockerfile),
        },
        arguments={"RUNTIME": layer},
        note=notes / f"{context[7:19]}-{layer[7:19]}.json",
    )
