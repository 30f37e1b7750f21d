"""What the documentation names is there: tests, files, commands, make targets."""

import ast
import re
from pathlib import Path

import pytest
import typer

from slipway.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")])
TEST = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)")
COMMAND = re.compile(r"(?<![\w./-])slipway ((?:[a-z][a-z-]+ ?){1,2})")
TARGET = re.compile(r"`make ([a-z][a-z-]+)")


def names(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def commands():
    """Every command as it is typed: ``release``, ``ledger verify``."""

    def walk(group, before):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, f"{before}{name} ")
            else:
                yield f"{before}{name}"

    return set(walk(typer.main.get_command(app), ""))


def missing_tests(text):
    for path, function in TEST.findall(text):
        if not (ROOT / path).is_file() or (function and function not in names(ROOT / path)):
            yield f"{path}::{function}"


def missing_commands(text, known):
    for said in COMMAND.findall(text):
        words = said.split()
        if words[0] not in known and " ".join(words[:2]) not in known:
            yield said


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_names_nothing_that_is_not_there(page):
    text = page.read_text()
    links = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert not links
    assert not list(missing_tests(text))
    assert not [target for target in TARGET.findall(text) if target not in targets]
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    assert not list(missing_commands(code, commands()))


@pytest.mark.parametrize(
    ("text", "find"),
    [
        ("tests/unit/test_settings.py::test_nothing_like_it", missing_tests),
        ("tests/unit/test_no_such_file.py", missing_tests),
        ("slipway relase churn", lambda text: missing_commands(text, commands())),
        ("slipway ledger polish", lambda text: missing_commands(text, commands())),
    ],
)
def test_a_name_that_is_wrong_is_found(text, find):
    assert list(find(text))
