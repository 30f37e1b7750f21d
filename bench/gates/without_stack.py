"""The data and the quality gate on the cases that they can know of, without a stack: minutes instead of hours.

``python -m bench.gates.without_stack [--only GROUP] [--retrains N]``: each case of the groups data, quality and good is
made as the benchmark makes it, but kept in memory instead of registered; then both gates judge it beside the honest
champion. N honest retrains of each model follow: other seeds, and other splits of the data. Prints a table; ends with 1
if a faulty case that these two gates must stop went through, or a good one was stopped.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.gates.catalog import load
from bench.gates.context import Context, Fault
from bench.gates.honest import ROOT, honest
from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Measurement, Outcome
from slipway.core.version import VersionFiles
from slipway.quality.evaluate import Rival, judge, labels
from slipway.quality.leaks import duplicated_rows
from slipway.quality.validate import validate_data
from slipway.specs import read_yaml

GATES = ("validate_data", "evaluate")


@dataclass
class InMemory(Context):
    """A workplace that keeps what would be registered; what is wrapped around a model is for the later gates."""

    kept: tuple[Any, Any, Any] = (None, None, None)

    def register(self, pipeline, *, train=None, holdout=None, reference=None) -> int:  # noqa: ARG002
        """Keep the pipeline and its snapshot."""
        right = self.honest
        self.kept = (pipeline, right.train if train is None else train, right.holdout if holdout is None else holdout)
        return 2

    def wrap(self, fault: Fault, *, pipeline=None, reference=None) -> int:  # noqa: ARG002
        """Keep the pipeline that is wrapped."""
        return self.register(self.honest.pipeline if pipeline is None else pipeline)


def stops(model: str, version: tuple[Any, Any, Any], champion: tuple[Any, Any, Any]) -> dict[str, str]:
    """Return what stops a version (pipeline, training rows, holdout) beside a champion: measurement to gate."""
    spec = ModelSpec.model_validate(read_yaml(ROOT / "include" / "models" / model / "model.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        files = [_files(Path(folder) / str(n), model, v, n) for n, v in enumerate((champion, version), start=1)]
        suite = ROOT / "expectations" / spec.dataset
        data = validate_data(files=files[1], spec=spec, suite_dir=suite, out=Path(folder) / "out", champion=files[0])
    pipeline, _, holdout = version
    names = [*spec.to_signature().names, spec.quality.label]
    rival = Rival(
        name="champion",
        predicted=_answers(model, champion[0], holdout),
        trained_on=duplicated_rows(champion[1], holdout, names),
    )
    truth = labels(holdout, spec)
    quality = judge(spec, holdout, truth, _answers(model, pipeline, holdout), rival=rival)
    return {**_stopped(data.measurements, GATES[0]), **_stopped(quality.measurements, GATES[1])}


def retrains(model: str, number: int) -> Iterator[tuple[str, tuple[Any, Any, Any], tuple[Any, Any, Any]]]:
    """Yield honest retrains: by turns another seed, and another split with a champion from the first split."""
    from sklearn.model_selection import train_test_split

    right = honest(model)
    champion = (right.pipeline, right.train, right.holdout)
    for seed in range(1, number + 1):
        train, holdout = champion[1:]
        if seed % 2 == 0:
            train, holdout = (
                part.reset_index(drop=True)
                for part in train_test_split(right.module.load_frame(), test_size=0.33, random_state=seed)
            )
        yield (
            f"{'split' if seed % 2 == 0 else 'seed'} {seed}",
            (right.fit(train, seed=seed), train, holdout),
            champion,
        )


def main() -> int:
    """Judge, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", choices=("data", "quality", "good"))
    parser.add_argument("--retrains", type=int, default=10)
    args = parser.parse_args()
    wrong = 0
    for case in load():
        if case.group not in ("data", "quality", "good") or (args.only or case.group) != case.group or case.tamper:
            continue
        context, right = InMemory(model=case.model, tracking_uri=""), honest(case.model)
        case.make(context)
        found = _told(case.id, case.model, context.kept, (right.pipeline, right.train, right.holdout))
        wrong += (case.stopped_by in GATES and not found) or (not case.faulty and bool(found))
    for model in ("diabetes_progression", "tumor_malignancy") if args.retrains else ():
        blocked = sum(bool(_told(f"{model} {name}", model, v, c)) for name, v, c in retrains(model, args.retrains))
        print(f"{model}: {blocked} of {args.retrains} honest retrains stopped", flush=True)
    return int(wrong > 0)


def _told(name: str, model: str, version: Any, champion: Any) -> dict[str, str]:
    started = time.monotonic()
    found = stops(model, version, champion)
    said = ", ".join(found) or "passed"
    gate = next(iter(found.values()), "-")
    print(f"{name:46} {time.monotonic() - started:5.1f} s  {gate:14} {said}", flush=True)
    return found


def _stopped(measurements: tuple[Measurement, ...], gate: str) -> dict[str, str]:
    return {m.name: gate for m in measurements if m.outcome not in (None, Outcome.PASSED)}


def _files(root: Path, model: str, version: tuple[Any, Any, Any], number: int) -> VersionFiles:
    (root / "snapshot").mkdir(parents=True)
    subject = Subject(model=model, version=number, artifact_sha256=f"sha256:{number:064x}")
    files = VersionFiles(subject=subject, root=root, run_id="none")
    version[1].to_parquet(files.train, index=False)
    version[2].to_parquet(files.holdout, index=False)
    return files


def _answers(model: str, pipeline: Any, holdout: Any) -> np.ndarray:
    answers = getattr(pipeline, honest(model).answers_with)(holdout[list(pipeline.feature_names_in_)])
    return np.asarray(answers[:, 1] if np.ndim(answers) == 2 else answers, dtype=float)


if __name__ == "__main__":
    sys.exit(main())
