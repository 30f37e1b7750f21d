"""Build the image of a version and describe it: lock, wheels, image, SBOM, report, measurements."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from slipway.core.evidence import Findings
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Measurement
from slipway.core.version import VersionFiles
from slipway.errors import ImageBuildError
from slipway.images import backends
from slipway.images.backends import Candidates
from slipway.images.container_image import build_container
from slipway.images.content import CONTENT_FILE, content_digest, pack
from slipway.images.context import LOCK_FILE, serving_config
from slipway.images.figures import none_of
from slipway.images.folder_image import build_folder
from slipway.images.inputs import INPUTS_FILE, current_inputs, pack_inputs
from slipway.images.job import Job, Product
from slipway.images.lock import model_requirements, serving_requirements
from slipway.images.report import render_report
from slipway.images.sbom import make_sbom
from slipway.runtime.select import choose_runtime
from slipway.settings import Settings

SBOM_FILE = "sbom.cdx.json"
REPORT_FILE = "build.html"
LOG_FILE = "build.log"
RECIPES = Path("containers") / "serving"


def build_image(
    *,
    files: VersionFiles,
    spec: ModelSpec,
    settings: Settings,
    out: Path,
    progress: Callable[[str], None],
    known_lock: str | None = None,
    runtime: RuntimeName | None = None,
    candidates: Candidates | None = None,
) -> tuple[BuiltImage, Findings]:
    """Build a version's image, or find it when nothing that it is made from has changed.

    Parameters
    ----------
    files : VersionFiles
        The version.
    spec : ModelSpec
        Gives the signature that is served.
    settings : Settings
    out : Path
        The folder for build.html, sbom.cdx.json, requirements.lock, build.log, and what a second build needs and is
        compared with: inputs.zip and content.txt.gz.
    progress : callable
        Gets each line of the log as it comes.
    known_lock : str or None
        The lock that the version carries already; used as it is.
    runtime : RuntimeName or None
        None: what the settings come to on this machine.
    candidates : Candidates or None
        Backends to choose from; None: the server finds out by itself how to call the model.

    Returns
    -------
    image : BuiltImage
    findings : Findings
        Sizes and times as records; thresholds on what must not be: packages without hash, a root user, wrong labels,
        a missing health check (docker), changed files (process).

    Raises
    ------
    EngineUnavailable
        If docker is demanded and no engine answers.
    ImageBuildError
        If the base image is missing, the requirements cannot be resolved, wheels can neither be found nor fetched,
        the build fails or the disk is full.
    """
    started = time.monotonic()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(f"{time.monotonic() - started:8.2f}  {line}")
        progress(line)

    with _full_disk_explained(), _log_kept(out, lines):
        name, why = (runtime, "as asked") if runtime else choose_runtime(settings)
        say(f"runtime: {name.value} ({why})")
        job = Job(
            files=files,
            settings=settings,
            config=serving_config(files, spec.to_signature(), p99_ms=spec.objectives.p99_ms),
            requirements=(
                *serving_requirements(compiled=candidates is not None and "onnx" in candidates.compiled),
                *model_requirements(files.model),
            ),
            known_lock=known_lock,
            progress=say,
            candidates=candidates,
        )
        product = build_container(job) if name is RuntimeName.DOCKER else build_folder(job)
        seconds = time.monotonic() - started
        say(f"done in {seconds:.1f} s: {product.image.digest}")
        (out / INPUTS_FILE).write_bytes(pack_inputs(current_inputs(job.config, settings.root / RECIPES)))
        findings = _describe(files, product, candidates, seconds=seconds, out=out)
        kept = (SBOM_FILE, LOCK_FILE, LOG_FILE, INPUTS_FILE, CONTENT_FILE)
        page = render_report(files.subject, product, findings.measurements, log=lines, kept=kept)
        (out / REPORT_FILE).write_text(page, encoding="utf-8")
    return product.image, findings


def _describe(
    files: VersionFiles, product: Product, candidates: Candidates | None, *, seconds: float, out: Path
) -> Findings:
    lock = product.lock
    (out / LOCK_FILE).write_text(lock.text, encoding="utf-8")
    (out / SBOM_FILE).write_text(make_sbom(files.subject, product.wheels, product.base), encoding="utf-8")
    (out / CONTENT_FILE).write_bytes(pack(product.content))
    packages = len(lock.packages)
    measurements = (
        *product.measurements,
        *(() if candidates is None else backends.measurements(product.choice, candidates)),
        Measurement(name="build.seconds", value=seconds, unit="s"),
        Measurement(name="lock.packages", value=packages),
        none_of(
            "lock.packages_without_hash", len(lock.without_hash), n=packages, note=", ".join(lock.without_hash[:5])
        ),
    )
    base = product.base
    return Findings(
        measurements=measurements,
        reports={
            str((out / REPORT_FILE).absolute()): "Image build",
            str((out / SBOM_FILE).absolute()): "Software bill of materials (CycloneDX)",
            str((out / LOCK_FILE).absolute()): "Locked requirements",
            str((out / LOG_FILE).absolute()): "Build log",
            str((out / INPUTS_FILE).absolute()): "Serving program and recipes, to build it again",
            str((out / CONTENT_FILE).absolute()): "Every file of the image, by digest",
        },
        details={
            **product.details,
            "image": product.image.to_json(),
            "content_sha256": content_digest(product.content),
            "backends": {"served": product.choice.backend, **product.choice.evidence},
            "base": None if base is None else {"reference": base.reference, "id": base.id},
        },
    )


@contextlib.contextmanager
def _log_kept(out: Path, lines: list[str]) -> Iterator[None]:
    """Write the log at the end, whatever the end was."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # a full disk must not hide the error that says so
            (out / LOG_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _full_disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ImageBuildError(
            f"the disk is full: {error.filename or error}",
            remedy="free space: old folders in var/envs and var/wheels, `docker image prune`; then retry the task",
        ) from error
