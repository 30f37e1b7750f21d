"""What the generator is told, and what it hands back: one file each, shared by both processes."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from slipway.core.golden import Golden
from slipway.errors import CommandError
from slipway.loadtest.schedule import Target

SAMPLES_FILE = "samples.csv.gz"
LOCUST_REPORT = "locust.html"
OK = 200
REFUSALS = (429, 503)
TIMEOUT, UNANSWERED = "timeout", "unanswered"
UNKNOWN = -1  # in place of a golden row's number: a row whose answer nobody knows


class Sample(NamedTuple):
    """One request.

    ``intended_s`` and ``sent_s`` are seconds after the start of the test; ``latency_ms`` runs from the *intended*
    start to the last byte (or to giving up). ``status`` is 0 where no HTTP answer came; ``correct`` is None unless the
    answer was a 200, and wherever the answer to expect is not known; ``error`` names what went wrong; ``row`` is the
    golden row that was sent, ``UNKNOWN`` for any other; ``refused`` says that it was turned away for now, by a 429 or
    503 with Retry-After.
    """

    intended_s: float
    sent_s: float
    latency_ms: float
    status: int
    correct: bool | None
    stage: int
    error: str = ""
    row: int = UNKNOWN
    refused: bool = False

    @property
    def answered(self) -> bool:
        """Whether the service gave a prediction, right or wrong."""
        return self.status == OK

    @property
    def lag_ms(self) -> float:
        """How late the generator itself was."""
        return (self.sent_s - self.intended_s) * 1000

    @property
    def overloaded(self) -> bool:
        """Whether it was refused, or not answered in time: fewer requests might have been answered."""
        return self.refused or self.error in (TIMEOUT, UNANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """What the generator process needs to know before it starts; what to send comes stretch by stretch.

    Attributes
    ----------
    urls : mapping of Target to str
        Base address of each service.
    golden : Golden
        Rows to send, and the answers to expect of the candidate; what another one answers is not compared.
    seed : int
    timeout_s : float
        A request without a whole answer after this long has failed.
    out : Path
        Folder for the samples and Locust's own report.
    """

    urls: Mapping[Target, str]
    golden: Golden
    seed: int
    timeout_s: float
    out: Path

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(self.to_json()), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> GeneratorConfig:
        """Read what :meth:`write` wrote."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            urls={Target(target): url for target, url in data["urls"].items()},
            golden=Golden.from_json(data["golden"]),
            seed=data["seed"],
            timeout_s=data["timeout_s"],
            out=Path(data["out"]),
        )

    def to_json(self) -> Mapping[str, Any]:
        """Return it as JSON values."""
        return {
            "urls": {target.value: url for target, url in self.urls.items()},
            "golden": self.golden.to_json(),
            "seed": self.seed,
            "timeout_s": self.timeout_s,
            "out": str(self.out),
        }


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples as gzipped CSV with a header; times rounded to the microsecond."""
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=4) as file:
        writer = csv.writer(file)
        writer.writerow(Sample._fields)
        for s in samples:
            correct = "" if s.correct is None else int(s.correct)
            times = (f"{s.intended_s:.6f}", f"{s.sent_s:.6f}", f"{s.latency_ms:.3f}")
            writer.writerow((*times, s.status, correct, s.stage, s.error, s.row, int(s.refused)))


def read_samples(path: Path) -> list[Sample]:
    """Read what :func:`write_samples` wrote; CommandError if the file is missing or cut short."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return [_parse(row) for row in csv.DictReader(file)]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise CommandError(
            f"the load generator's samples cannot be read: {error}", remedy="run the load test again"
        ) from error


def _parse(row: Mapping[str, str]) -> Sample:
    return Sample(
        intended_s=float(row["intended_s"]),
        sent_s=float(row["sent_s"]),
        latency_ms=float(row["latency_ms"]),
        status=int(row["status"]),
        correct=None if row["correct"] == "" else row["correct"] == "1",
        stage=int(row["stage"]),
        error=row["error"],
        row=int(row["row"]),
        refused=row["refused"] == "1",
    )
