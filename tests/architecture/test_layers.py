"""The layers that pyproject.toml declares hold, and a violation would be found."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted((ROOT / "include" / "models").glob("*/*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_the_contracts_hold():
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("path", MODELS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_models_folder_imports_nothing_of_ours(path):
    assert not {"slipway", "slipway_airflow", "airflow"} & set(imported(path))


@pytest.mark.parametrize("path", sorted((ROOT / "include" / "slipway").rglob("*.py")), ids=lambda p: p.name)
def test_the_package_never_imports_airflow(path):
    assert "airflow" not in set(imported(path))


def test_a_dag_file_declares_and_does_nothing_else():
    for path in (ROOT / "dags").glob("*.py"):
        assert set(imported(path)) <= {"slipway_airflow", "__future__"}, path.name
        assert len(path.read_text().splitlines()) < 60
