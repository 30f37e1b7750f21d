"""A toy version: small files with the shape of the real ones, and small real wheels."""

import base64
import hashlib
import zipfile
from pathlib import Path

from slipway.core.identity import Subject, digest_bytes
from slipway.core.version import VersionFiles


def make_wheel(folder, name, version="1.0", *, tag="py3-none-any", body="VALUE = 1\n"):
    """Write an installable wheel and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    content = {
        f"{name}/__init__.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense-Expression: MIT\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    digests = {
        file: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for file, text in content.items()
    }
    record = "".join(f"{file},sha256={digests[file]},{len(text)}\n" for file, text in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in content.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return path


def digest(path):
    return digest_bytes(Path(path).read_bytes())


def cache_wheel(cache, name):
    """Put a wheel where the cache keeps it and return its path."""
    made = make_wheel(cache / "making", name)
    place = cache / digest(made)[7:]
    place.mkdir()
    made = made.rename(place / made.name)
    (cache / "making").rmdir()
    return made


def lock_text(*wheels):
    """Return a lock of these wheels."""
    lines = []
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-')}=={version} \\\n    --hash={digest(wheel)}\n")
    return "".join(lines)


def make_version(root, *, version=1, model="churn", weights="1 2 3", requirements="mlflow==3.17.2\ntiny-core==1.0\n"):
    """Write a version's folders and return its files."""
    folder = root / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "data" / "weights.txt").write_text(weights)
    (folder / "requirements.txt").write_text(requirements)
    for other in ("snapshot", "reference"):
        (root / other).mkdir()
    subject = Subject(model=model, version=version, artifact_sha256=digest_bytes(f"{model} {weights}".encode()))
    return VersionFiles(subject=subject, root=root, run_id="run")


def make_real_version(root, *, version, seed):
    """Save a small scikit-learn model with MLflow, as training does, and return its version's files."""
    import importlib.metadata as installed

    import mlflow.sklearn
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"tenure": random.uniform(0, 100, 200), "spend": random.normal(size=200)})
    model = LogisticRegression().fit(frame, frame.tenure + 10 * frame.spend + random.normal(size=200) > 50)
    names = ("mlflow", "numpy", "pandas", "scikit-learn", "skops")
    mlflow.sklearn.save_model(
        model,
        root / "model",
        input_example=frame.head(2),
        pip_requirements=[f"{name}=={installed.version(name)}" for name in names],
        pyfunc_predict_fn="predict_proba",
    )
    for other in ("snapshot", "reference"):
        (root / other).mkdir()
    digests = [digest(path) for path in sorted((root / "model").rglob("*")) if path.is_file()]
    subject = Subject(model="churn", version=version, artifact_sha256=digest_bytes("".join(digests).encode()))
    return VersionFiles(subject=subject, root=root, run_id="run")
