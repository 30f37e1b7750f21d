"""The independent ground truth: a model's reference.py, checked for independence and run in a process of its own.

Rules
-----
1. The reference imports neither slipway nor MLflow nor an estimator library: neither in its text (checked here), nor
   on the way (refused by the process that runs it).
2. It runs with a cleaned environment (REFERENCE_DIR and little else), a time limit and a memory limit.
3. Whatever keeps it from answering every row with a finite number or a label is ReferenceFailed: without a ground
   truth nothing can be shown.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from slipway.core.signature import Value
from slipway.core.spec import ModelSpec
from slipway.errors import ReferenceFailed, shorten

_OURS = ("slipway", "slipway_airflow", "airflow", "mlflow")
_ESTIMATORS = ("sklearn", "xgboost", "lightgbm", "catboost", "torch", "tensorflow", "keras", "jax", "flax")
_CARRIERS = ("skops", "joblib", "cloudpickle", "dill", "onnx", "onnxruntime", "skl2onnx", "treelite", "statsmodels")
FORBIDDEN = frozenset((*_OURS, *_ESTIMATORS, *_CARRIERS))
RUNNER = Path(__file__).with_name("reference_runner.py")
CHUNK_ROWS = 1000
MAX_LINE = 64 << 20
REMEDY = "correct reference.py: `score(rows)` takes a list of dicts and returns one dict for each"


def entry_point(spec: ModelSpec, model_folder: Path) -> tuple[Path, str]:
    """Return the reference's file and function.

    Raises
    ------
    ReferenceFailed
        If the file is missing, is not Python, lacks the function, or is not independent.
    """
    name, _, function = spec.reference.entry_point.partition(":")
    file = model_folder / name
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=name)
    except FileNotFoundError as error:
        raise ReferenceFailed(
            f"{name} is missing from {model_folder.name}", remedy=f"write {name} with a function `{function}(rows)`"
        ) from error
    except (SyntaxError, ValueError) as error:
        raise ReferenceFailed(f"{name} is not Python: {error}", remedy="correct its syntax") from error
    borrowed = sorted(imported_packages(tree) & FORBIDDEN)
    if borrowed:
        raise ReferenceFailed(
            f"{name} is not independent: it imports {', '.join(borrowed)}",
            remedy="score from exported parameters in plain Python or NumPy, sharing no code with what is served",
        )
    if function not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
        raise ReferenceFailed(f"{name} has no function `{function}`", remedy=REMEDY)
    return file, function


def imported_packages(tree: ast.AST) -> set[str]:
    """Return the top-level names of everything that a module's text imports, wherever it does.

    >>> sorted(imported_packages(ast.parse("import numpy.linalg as la; from sklearn import tree")))
    ['numpy', 'sklearn']
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


class Reference:
    """A running reference; use it as a context manager.

    Parameters
    ----------
    file, function : Path, str
        From :func:`entry_point`.
    output : str
        The key of the answer in each dict.
    parameters : Path
        Its REFERENCE_DIR.
    timeout_s : float
        For one chunk of at most ``CHUNK_ROWS`` rows.
    memory_mb : int
    """

    def __init__(
        self,
        file: Path,
        function: str,
        *,
        output: str,
        parameters: Path,
        timeout_s: float = 120,
        memory_mb: int = 4096,
    ) -> None:
        self.output = output
        self.timeout_s = timeout_s
        self._argv = [sys.executable, "-I", str(RUNNER), str(file.resolve()), function, str(memory_mb)]
        self._argv.append(",".join(sorted(FORBIDDEN)))
        self._parameters = parameters
        self._known: dict[str, Value] = {}
        self._lines: queue.Queue[str] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._stderr: IO[bytes] | None = None

    def __enter__(self) -> Reference:
        """Start the process; the file is imported with the first rows."""
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            cwd=self._parameters if self._parameters.is_dir() else tempfile.gettempdir(),
            env=_clean_environment(self._parameters),
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._end()
        if self._stderr is not None:
            self._stderr.close()

    def score(self, rows: Sequence[Mapping[str, Value]]) -> list[Value]:
        """Return the answer to each row; a row that was scored before is not scored again.

        Raises
        ------
        ReferenceFailed
            If it crashed, ran out of time or memory, or answered nonsense.
        """
        keys = [json.dumps(row, sort_keys=True) for row in rows]
        fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._known}
        todo = list(fresh.items())
        for start in range(0, len(todo), CHUNK_ROWS):
            chunk = todo[start : start + CHUNK_ROWS]
            answers = self._ask([dict(row) for _, row in chunk])
            self._known.update(zip((key for key, _ in chunk), answers, strict=True))
        return [self._known[key] for key in keys]

    def _ask(self, rows: list[dict[str, Value]]) -> list[Value]:
        process = self._process
        if process is None or process.stdin is None:
            raise ReferenceFailed("the reference has ended", remedy=REMEDY)
        try:
            process.stdin.write(json.dumps({"rows": rows}) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=self.timeout_s)
        except OSError as error:
            raise self._ended() from error
        except queue.Empty as error:
            self._end()
            raise ReferenceFailed(
                f"the reference did not answer {len(rows)} rows within {self.timeout_s:g} s", remedy="make it faster"
            ) from error
        if not line:
            raise self._ended()
        return self._answers(line, rows)

    def _answers(self, line: str, rows: list[dict[str, Value]]) -> list[Value]:
        try:
            reply = json.loads(line)
        except ValueError as error:
            raise ReferenceFailed(f"the reference's answer is longer than {MAX_LINE} bytes", remedy=REMEDY) from error
        if "error" in reply:
            raise ReferenceFailed(f"the reference crashed:\n{shorten(reply['error'], 3000)}", remedy=REMEDY)
        answers = reply["answers"]
        if not isinstance(answers, list) or len(answers) != len(rows):
            got = f"{len(answers)} answers" if isinstance(answers, list) else type(answers).__name__
            raise ReferenceFailed(f"the reference answered {len(rows)} rows with {got}", remedy=REMEDY)
        return [self._answer(answer, row) for answer, row in zip(answers, rows, strict=True)]

    def _answer(self, answer: Any, row: dict[str, Value]) -> Value:
        value = answer.get(self.output) if isinstance(answer, dict) else None
        sound = isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
        if not sound:
            raise ReferenceFailed(
                f"the reference answered {shorten(repr(answer), 200)} to {shorten(json.dumps(row), 1500)}",
                remedy=f"give a finite number or a label under {self.output!r} for every row that the signature "
                "lets through; a policy of reject, clip or impute keeps such a row out",
            )
        result: Value = value
        return result

    def _read(self, stream: IO[str] | None) -> None:
        """Hand each line over; an empty one says that there will be no more."""
        line = "x"
        while stream is not None and line:
            try:
                line = stream.readline(MAX_LINE)
            except (OSError, ValueError):
                line = ""
            self._lines.put(line)
        if stream is not None:
            stream.close()

    def _ended(self) -> ReferenceFailed:
        code = self._end()
        said = ""
        if self._stderr is not None:
            size = self._stderr.seek(0, 2)
            self._stderr.seek(max(0, size - 3000))
            said = self._stderr.read().decode("utf-8", "replace").strip()
        return ReferenceFailed(f"the reference ended with code {code}:\n{said or '(it said nothing)'}", remedy=REMEDY)

    def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            return process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


def _clean_environment(parameters: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": tempfile.gettempdir(),
        "REFERENCE_DIR": str(parameters.resolve()),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
