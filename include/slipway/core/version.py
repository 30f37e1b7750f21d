"""A registered version's files, once they are on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from slipway.core.identity import Subject

MODEL_DIR = "model"
SNAPSHOT_DIR = "snapshot"
REFERENCE_DIR = "reference"
HOLDOUT_FILE = "holdout.parquet"
TRAIN_FILE = "train.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFiles:
    """What the registry holds for a version, downloaded, digested, read-only.

    Attributes
    ----------
    subject : Subject
        Bound to the digest over all three folders; no image yet.
    root : Path
        Holds ``model/`` (an MLflow model), ``snapshot/`` (``train.parquet`` and ``holdout.parquet``: inputs, label
        and any group columns) and ``reference/`` (parameters for reference.py; may be empty).
    run_id : str
        The MLflow run that made the version.
    tags : mapping of str to str
        The version's tags.
    """

    subject: Subject
    root: Path
    run_id: str
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> Path:
        """The MLflow model's folder."""
        return self.root / MODEL_DIR

    @property
    def reference(self) -> Path:
        """The folder with the reference's parameters."""
        return self.root / REFERENCE_DIR

    @property
    def holdout(self) -> Path:
        """Rows that the model was not trained on, with labels."""
        return self.root / SNAPSHOT_DIR / HOLDOUT_FILE

    @property
    def train(self) -> Path:
        """Rows that the model was trained on, with labels."""
        return self.root / SNAPSHOT_DIR / TRAIN_FILE
