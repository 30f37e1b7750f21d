"""Slipway through its real path: a version's image as a folder with a locked environment, started by its runtime."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.serving.models import BenchModel
from bench.serving.processes import pinned
from slipway.core.service import BuiltImage, RuntimeName, ServiceHandle, ServiceSpec
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Outcome, decide
from slipway.core.version import VersionFiles
from slipway.errors import ImageBuildError, SlipwayError
from slipway.images.build import build_image
from slipway.runtime.process import IMAGE_FILE, ProcessRuntime
from slipway.settings import Settings
from slipway.specs import load_model
from slipway.workflows.build_image import candidates_for
from slipway.workflows.workbench import Workbench

READY = "/v2/health/ready"
SPLIT_PATH = "/invocations"
MEMORY_MB = 2048
_PHASE = re.compile(r'^slipway_phase_seconds_sum\{[^}]*phase="(\w+)"[^}]*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Image:
    """A built version and the backends that qualified for it, the served one first."""

    image: BuiltImage
    files: VersionFiles
    backends: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return Path(self.image.reference)

    @property
    def python(self) -> Path:
        """The interpreter of its locked environment."""
        return Path(json.loads((self.folder / IMAGE_FILE).read_text())["python"])

    @property
    def infer_path(self) -> str:
        """Where it takes v2 requests."""
        return f"/v2/models/{self.files.subject.model}/infer"


def bench_settings(folder: Path) -> Settings:
    """Return settings whose files all lie in a folder; wheels come from the checkout's own cache."""
    ours = Settings.load()
    uri = f"sqlite:///{folder}/mlflow/mlflow.db"
    return replace(ours, var=folder, runtime="process", tracking_uri=uri, service_host="127.0.0.1")


def build(model: BenchModel, settings: Settings, say: Callable[[str], None]) -> Image:
    """Build a model's image, or find it; ImageBuildError if it cannot be built."""
    return _build(model.files, model.spec, settings, say)


def build_example(name: str, settings: Settings, say: Callable[[str], None]) -> Image:
    """Train one of the project's own models unless that was done, and build its image. SlipwayError if it cannot."""
    from slipway.workflows.train import train

    registry = Workbench(settings).registry
    (settings.var / "mlflow").mkdir(parents=True, exist_ok=True)
    try:
        version = registry.latest_version(name)
    except SlipwayError:
        say(f"{name}: training")
        version = int(train(settings, name)["version"])
    return _build(registry.files(name, version), load_model(settings, name), settings, say)


def _build(files: VersionFiles, spec: ModelSpec, settings: Settings, say: Callable[[str], None]) -> Image:
    def tell(line: str) -> None:
        say(f"{spec.name}: {line}")

    out = settings.var / "reports" / spec.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    image, findings = build_image(
        files=files,
        spec=spec,
        settings=settings,
        out=out,
        progress=tell,
        runtime=RuntimeName.PROCESS,
        candidates=candidates_for(Workbench(settings, say=tell), spec, files),
    )
    verdict = decide(findings.measurements)
    if verdict.outcome is not Outcome.PASSED:
        raise ImageBuildError(f"the gate would stop it: {verdict.outcome.value}", remedy=f"read {out}/build.html")
    return Image(image, files, qualified(Path(image.reference)))


def qualified(folder: Path) -> tuple[str, ...]:
    """Return the backends that answer as the native model does, the served one first; none if the image names none."""
    served = json.loads((folder / "serving.json").read_text()).get("backend")
    evidence = folder / "backends" / "evidence.json"
    if served is None or not evidence.is_file():
        return ()
    told = json.loads(evidence.read_text())
    same = [one["name"] for one in told.get("candidates", ()) if one["outcome"] in ("native", "same")]
    return (served, *(name for name in same if name != served))


@contextmanager
def started(image: Image, settings: Settings, *, core: int, backend: str | None = None) -> Iterator[ServiceHandle]:
    """Start an image as the process runtime does, on one core, with its prediction log on; stop it at the end.

    Raises
    ------
    ServiceError
        If it cannot be started.
    """
    runtime = ProcessRuntime(settings)
    model = image.files.subject.model
    name = "-".join(("bench", model.replace("_", "-"), *((backend,) if backend else ())))
    log = settings.var / "predictions" / name
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir(parents=True)
    env = {"OMP_NUM_THREADS": "1", **({"SLIPWAY_SERVING_BACKEND": backend} if backend else {})}
    spec = ServiceSpec(
        name=name,
        image=image.image,
        subject=image.files.subject.with_image(image.image.digest),
        memory_mb=MEMORY_MB,
        env=env,
        prediction_log=log,
    )
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, log, ignore_errors=True)
        with pinned(core):
            handle = runtime.start(spec)
        stack.callback(runtime.stop, handle)
        yield handle


def phase_seconds(exposition: str) -> dict[str, float]:
    """Return the seconds spent in each phase so far, from the text of /metrics.

    >>> phase_seconds('slipway_phase_seconds_sum{phase="decode"} 0.5')
    {'decode': 0.5}
    """
    return {name: float(value) for name, value in _PHASE.findall(exposition)}
