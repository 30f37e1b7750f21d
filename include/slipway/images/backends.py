"""Which backend an image serves with: found out in the environment that it will have, before it is built.

The question is asked by ``slipway.serving.qualify``, in a container of the runtime layer or with the environment's
interpreter. The answer is kept beside the candidates, by the environment and the program that gave it, so that building
again costs nothing. Where no answer can be had, the server finds out by itself among the native ways.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slipway.core.golden import Tolerance
from slipway.core.identity import digest_bytes
from slipway.core.verdict import Measurement
from slipway.errors import CommandError, ImageBuildError, shorten
from slipway.images.closure import PACKAGE, serving_modules
from slipway.images.figures import none_of
from slipway.runtime.commands import run
from slipway.runtime.engine import reported_as
from slipway.runtime.files import read_json, write_json, write_text

if TYPE_CHECKING:
    import docker

REQUEST, EVIDENCE = "request.json", "evidence.json"
COMPARE_SECONDS = 120.0
TIMEOUT_S = 600
_SPARE_MB = 512  # the rows, and a second backend beside the native model
_USER = 10001


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What is to be compared, and how.

    Attributes
    ----------
    folder : Path
        Holds the files below; answers are kept there.
    rows, more_rows : tuple of str
        Files of rows that must be compared, and that are while there is time.
    compiled : mapping of str to tuple of str
        The files of each compiled backend.
    reasons : mapping of str to str
        Why there is none of the others.
    coverage : mapping or None
        How many splits the model's trees have, and how many have rows.
    tolerance : Tolerance
    memory_mb, cpus : int, float
        The limits that the model is served with.
    """

    folder: Path
    rows: tuple[str, ...]
    more_rows: tuple[str, ...] = ()
    compiled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, Any] | None = None
    tolerance: Tolerance
    memory_mb: int = 512
    cpus: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What came of it.

    Attributes
    ----------
    backend : str or None
        None: the server finds out by itself.
    evidence : mapping
        ``candidates``: each backend's outcome, reason, rows, largest difference, times; or ``reason``: why none is.
    compiled : tuple of Path
        The files of the compiled backends that qualified.
    """

    backend: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    compiled: tuple[Path, ...] = ()


def choose_in_folder(candidates: Candidates, *, context: Path, python: Path) -> Choice:
    """Ask with an environment's interpreter.

    Parameters
    ----------
    candidates : Candidates
    context : Path
        Holds ``app`` and ``model``.
    python : Path
    """
    note = _note(candidates, f"process {python}")

    def ask(folder: Path) -> None:
        _write_request(folder, candidates, model=str(context / "model"), rows_in=candidates.folder)
        env = {"PYTHONPATH": str(context / "app"), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder)}
        env |= {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        done = run([python, "-m", "slipway.serving.qualify", folder], timeout_s=TIMEOUT_S, env=env, check=False)
        if done.returncode != 0:
            raise _ended(done.returncode, done.tail())

    return _answered(candidates, note, ask)


def choose_in_container(candidates: Candidates, *, context: Path, client: docker.DockerClient, layer: str) -> Choice:
    """Ask in a container of the runtime layer: no network, no mount, limited; it is removed afterwards.

    Parameters
    ----------
    candidates, context
        As for :func:`choose_in_folder`.
    client : docker.DockerClient
    layer : str
        The runtime layer's image id.
    """
    note = _note(candidates, f"docker {layer}")

    def ask(folder: Path) -> None:
        _write_request(folder, candidates, model="/srv/model", rows_in=Path("/srv/qualify"))
        with tempfile.TemporaryFile(dir=folder) as archive:
            _pack(archive, candidates, context, folder)
            said = _run_container(client, layer, candidates, archive)
        (folder / EVIDENCE).write_bytes(said)

    return _answered(candidates, note, ask)


def measurements(choice: Choice, candidates: Candidates) -> tuple[Measurement, ...]:
    """Return what is measured of a choice: what is served may not differ from the native model in any row."""
    by_name = {one["name"]: one for one in choice.evidence.get("candidates", ())}
    served = by_name.get(choice.backend or "")
    if served is None:
        return (Measurement(name="backends.compared", value=0, note=str(choice.evidence.get("reason", ""))[:300]),)
    native = next(one for one in by_name.values() if one["outcome"] == "native")
    rows = served["rows"] if served is not native else choice.evidence["rows"]
    found = [
        Measurement(name="backends.compared", value=len(by_name)),
        none_of("backends.mismatches", served["mismatches"], n=rows, note=f"served: {choice.backend}"),
        Measurement(name="backends.rows_compared", value=rows, unit="rows"),
        Measurement(name="backends.largest_difference", value=served["largest_difference"] or 0.0, n=rows),
        Measurement(name="backends.us_1_row", value=served["us_1"], unit="us"),
        Measurement(name="backends.us_1_row_pyfunc", value=native["us_1"], unit="us"),
    ]
    if candidates.coverage and candidates.coverage["splits"]:
        share = candidates.coverage["placed"] / candidates.coverage["splits"]
        splits = int(candidates.coverage["splits"])
        found.append(Measurement(name="backends.splits_with_rows", value=share, n=splits))
    return tuple(found)


def _note(candidates: Candidates, environment: str) -> Path:
    """Return where the answer is kept: by environment, tolerance and program."""
    program = [digest_bytes((PACKAGE / module).read_bytes()) for module in serving_modules()]
    tolerance = f"{candidates.tolerance.absolute!r} {candidates.tolerance.relative!r}"
    asked = digest_bytes("\n".join([environment, tolerance, *program]).encode())
    return candidates.folder / f"evidence-{asked[7:39]}.json"


def _answered(candidates: Candidates, note: Path, ask: Any) -> Choice:
    evidence = read_json(note)
    if evidence is None:
        with tempfile.TemporaryDirectory(prefix="slipway-qualify-") as name:
            try:
                ask(Path(name))
                evidence = json.loads((Path(name) / EVIDENCE).read_text(encoding="utf-8"))
            except (CommandError, ImageBuildError, OSError, ValueError) as error:
                return Choice(evidence={"reason": f"the backends could not be compared: {shorten(str(error), 600)}"})
        write_json(note, evidence)
    same = {one["name"] for one in evidence["candidates"] if one["outcome"] == "same"}
    kept = [file for name, made in candidates.compiled.items() if name in same for file in made]
    compiled = tuple(candidates.folder / file for file in kept)
    return Choice(backend=evidence["chosen"], evidence=evidence, compiled=compiled)


def _write_request(folder: Path, candidates: Candidates, *, model: str, rows_in: Path) -> None:
    request = {
        "signature": json.loads((candidates.folder / REQUEST).read_text(encoding="utf-8"))["signature"],
        "tolerance": {"absolute": candidates.tolerance.absolute, "relative": candidates.tolerance.relative},
        "model": model,
        "rows": [str(rows_in / name) for name in candidates.rows],
        "more_rows": [str(rows_in / name) for name in candidates.more_rows],
        "compiled": {name: str(rows_in / made[0]) for name, made in candidates.compiled.items()},
        "reasons": dict(candidates.reasons),
        "seconds": COMPARE_SECONDS,
    }
    write_text(folder / REQUEST, json.dumps(request))


def _pack(archive: IO[bytes], candidates: Candidates, context: Path, folder: Path) -> None:
    """Write a tar of what the container needs, readable by its unprivileged user."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = _USER
        entry.uname = entry.gname = ""
        entry.mode = 0o755 if entry.isdir() else 0o644
        return entry

    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("app", "model"):
            tar.add(context / name, f"srv/{name}", filter=owned)
        place = owned(tarfile.TarInfo("srv/qualify"))
        place.type, place.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(place)
        tar.add(folder / REQUEST, f"srv/qualify/{REQUEST}", filter=owned)
        made = [file for files in candidates.compiled.values() for file in files]
        for name in (*candidates.rows, *candidates.more_rows, *made):
            tar.add(candidates.folder / name, f"srv/qualify/{name}", filter=owned)
    archive.seek(0)


def _run_container(client: docker.DockerClient, layer: str, candidates: Candidates, archive: IO[bytes]) -> bytes:
    memory = f"{candidates.memory_mb + _SPARE_MB}m"
    with reported_as(ImageBuildError, "the backends cannot be compared"):
        container = client.containers.create(
            layer,
            ["/opt/venv/bin/python", "-m", "slipway.serving.qualify", "/srv/qualify"],
            entrypoint=[],
            user=f"{_USER}:{_USER}",
            network_mode="none",
            environment={"PYTHONPATH": "/srv/app", "HOME": "/tmp", "USER": "slipway"},
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=round(candidates.cpus * 1e9),
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            pids_limit=256,
        )
        try:
            container.put_archive("/", archive)
            container.start()
            status = container.wait(timeout=TIMEOUT_S)["StatusCode"]
            if status != 0:
                said = container.logs(tail=20).decode("utf-8", errors="replace")
                raise _ended(status, said)
            stream, _ = container.get_archive(f"/srv/qualify/{EVIDENCE}")
            return _only_file(b"".join(stream))
        finally:
            container.remove(force=True, v=True)


def _ended(status: int, said: str) -> ImageBuildError:
    return ImageBuildError(f"comparing ended with {status}: {said.strip()[-500:]}", remedy="correct what it says")


def _only_file(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            file = tar.extractfile(entry)
            if file is not None:
                return file.read()
    raise ImageBuildError("comparing left no evidence", remedy="build the image again")


def place(choice: Choice, folder: Path) -> None:
    """Write what the image keeps of a choice: the evidence, and the compiled models that qualified."""
    folder.mkdir(parents=True, exist_ok=True)
    # Times, and why there is none, differ from try to try: they are in the gate's evidence, not in what is digested.
    kept = {name: value for name, value in choice.evidence.items() if name not in ("seconds", "reason", "candidates")}
    candidates = choice.evidence.get("candidates", ())
    kept["candidates"] = [{n: v for n, v in one.items() if n not in ("us_1", "us_1000")} for one in candidates]
    text = json.dumps(kept, indent=1, sort_keys=True) + "\n"
    (folder / EVIDENCE).write_text(text, encoding="utf-8")
    for path in choice.compiled:
        shutil.copyfile(path, folder / path.name)
