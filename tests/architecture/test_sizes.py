"""Modules and functions stay small enough to be read at once."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_MODULE, MAX_FUNCTION = 400, 50
SOURCES = sorted(path for folder in ("include", "plugins", "dags", "bench") for path in (ROOT / folder).rglob("*.py"))


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, code_lines(node)


def code_lines(node):
    """Lines of a function without its docstring: a contract may be long, the code may not."""
    total = node.end_lineno - node.lineno + 1
    first = node.body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return total - (first.end_lineno - first.lineno + 1) if documented else total


def test_there_is_something_to_measure():
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_and_its_functions_are_small(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE, f"{lines} lines: split it"
    long = {name: n for name, n in functions(path) if n > MAX_FUNCTION}
    assert not long, f"functions past {MAX_FUNCTION} lines: {long}"


def test_a_long_function_would_be_found(tmp_path):
    source = tmp_path / "long.py"
    source.write_text("def f():\n    '''Doc.'''\n" + "    x = 1\n" * 60)
    assert dict(functions(source)) == {"f": 61}
