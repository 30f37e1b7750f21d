"""The verification program as an auditor gets it: one file, which needs nothing of Slipway."""

from __future__ import annotations

import ast

from slipway.reporting.page import own_file

_RULES = "slipway.governance.pack_rules"


def program() -> str:
    """Return ``verify.py`` with the rules in the place of their import.

    >>> "import slipway" in program() or "from slipway" in program()
    False
    """
    text, rules = own_file(__file__, "verify.py"), own_file(__file__, "pack_rules.py")
    found = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom) and node.module == _RULES]
    lines = text.splitlines(keepends=True)
    before, after = lines[: found[0].lineno - 1], lines[found[0].end_lineno :]
    return "".join([*before, _body(rules), *after])


def _body(text: str) -> str:
    """Return a module's text after its docstring and its ``__future__`` import, which only a file's start may have."""
    first = next(node for node in ast.parse(text).body[1:] if getattr(node, "module", "") != "__future__")
    return "".join(text.splitlines(keepends=True)[first.lineno - 1 :])
