"""The example models' declarations, and their real rows as scikit-learn carries them."""

from datetime import date
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from slipway.replay.generator import Replay
from slipway.settings import Settings
from slipway.specs import load_model

ROOT = Path(__file__).resolve().parents[3]
FIRST_DAY = date(2026, 1, 1)


def _spec(name):
    return load_model(Settings.load({"SLIPWAY_ROOT": str(ROOT)}), name)


@pytest.fixture(scope="session")
def diabetes():
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "progression"})
    frame["age"] = frame["age"].astype("int64")
    frame["sex"] = frame["sex"].astype(int).map({1: "F", 2: "M"})
    return _spec("diabetes_progression"), frame


@pytest.fixture(scope="session")
def tumor():
    data = load_breast_cancer(as_frame=True)
    spec = _spec("tumor_malignancy")
    frame = data.data.set_axis(spec.to_signature().names, axis=1)
    frame["malignant"] = (data.target == 0).astype(int)
    return spec, frame


@pytest.fixture
def replay_of():
    def made(model, **changes):
        spec, base = model
        return Replay(**{"spec": spec, "base": base, "first_day": FIRST_DAY, "rows_per_day": 2000, **changes})

    return made
