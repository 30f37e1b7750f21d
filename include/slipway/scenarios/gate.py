"""The scenario gate: derive the cases, ask the reference, replay over HTTP, judge, explain, report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slipway.core.evidence import Findings
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.scenarios.client import Client
from slipway.scenarios.found import detection_power, sources
from slipway.scenarios.holdout import read_holdout
from slipway.scenarios.measure import measure, slow_cases, speed
from slipway.scenarios.output import details, write
from slipway.scenarios.plan import plan
from slipway.scenarios.reference import Reference, entry_point
from slipway.scenarios.replay import Replay
from slipway.scenarios.report import Story
from slipway.scenarios.run import Run


def run_scenarios(
    *,
    files: VersionFiles,
    spec: ModelSpec,
    model_folder: Path,
    url: str,
    out: Path,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Findings:
    """Send the whole suite to a running service and compare every answer with the reference and the policies.

    Parameters
    ----------
    files : VersionFiles
        The version under test: its snapshot, its reference's parameters, and who it must say it is.
    spec : ModelSpec
    model_folder : Path
        Holds the reference and, if there are named cases, scenarios.yaml.
    url : str
        Where the service answers.
    out : Path
        Folder for scenarios.html, scenarios.jsonl and, when all is well, golden.json.
    seed : int
        The same seed gives the same requests.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    ReferenceFailed
        If there is no independent ground truth.
    SpecError
        If scenarios.yaml does not hold.
    ArtifactError, GateConfigurationError
        If the holdout cannot be read, or no row of it is complete and in range.
    """
    say = progress or _silent
    signature = spec.to_signature()
    holdout = read_holdout(files.holdout, signature, seed=seed)
    suite = plan(signature, holdout, model_folder=model_folder, seed=seed)
    file, function = entry_point(spec, model_folder)
    out.mkdir(parents=True, exist_ok=True)
    reference = Reference(file, function, output=signature.output.name, parameters=files.reference)
    with reference, Client(url) as client:
        run = Run(spec, signature, files, reference, Replay(client, signature, files.subject.model))
        results = run.replay(suite, say)
        explained = run.explain(results, holdout, url=url, say=say)
    measurements = (
        *measure(results, requests=run.requests, exhausted=suite.exhausted, unit=signature.output.unit, held=run.held),
        speed(run.alone_ms, limit_ms=run.too_slow_ms),
        *slow_cases(run.watch, timed=sum(len(times) for times in run.alone.values())),
    )
    story = Story(
        spec=spec,
        subject=files.subject,
        measurements=measurements,
        results=results,
        explained=explained,
        seed=seed,
        stopped=run.stopped,
        held=run.held,
        alone=run.alone,
        waits=run.sender.waits,
        power=detection_power(results, signature),
        sources=sources(results),
    )
    return Findings(
        measurements=measurements,
        reports=write(out, story, tolerance=run.tolerance),
        details=details(story),
    )


def _silent(text: str) -> None:
    """Take a progress message that nobody asked for."""
    del text
