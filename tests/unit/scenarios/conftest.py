"""A small model in every respect but size: a signature with every policy, a reference, a service that follows both."""

import asyncio
import json
import math
import random
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn

from slipway.core.identity import Subject
from slipway.core.version import VersionFiles
from slipway.scenarios.gate import run_scenarios
from slipway.specs import parse_model

SHA = "sha256:" + "0123456789ab" + "c" * 52
SIGNATURE = {
    "inputs": [
        {"name": "a", "dtype": "float", "min": 0, "max": 10, "on_missing": {"impute": 5.0}, "on_out_of_range": "clip"},
        {"name": "b", "dtype": "float", "min": -1, "max": 1},
        {
            "name": "c",
            "dtype": "int",
            "min": 0,
            "max": 100,
            "nullable": True,
            "on_missing": "flag",
            "on_out_of_range": "flag",
        },
        {
            "name": "d",
            "dtype": "string",
            "categories": ["red", "green", "blue"],
            "on_out_of_range": {"impute": "red"},
        },
        {"name": "e", "dtype": "float", "on_missing": {"impute": 0.25}},
        {"name": "f", "dtype": "bool"},
        {"name": "g", "dtype": "float", "min": 0, "max": 10, "on_out_of_range": {"impute": 1.5}},
    ],
    "output": {"name": "risk"},
}
MODEL = {
    "name": "tiny",
    "purpose": "to be tested with",
    "owner": {"team": "tests", "contact": "tests"},
    "risk_tier": "low",
    "dataset": "tiny",
    "registered_model": "tiny",
    "task": "regression",
    "signature": SIGNATURE,
    "quality": {"label": "y", "metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse"},
}
REFERENCE = """
import json, math, os, pathlib

WEIGHTS = json.loads((pathlib.Path(os.environ["REFERENCE_DIR"]) / "weights.json").read_text())

def score(rows):
    return [{"risk": one(row)} for row in rows]

def one(row):
    c = 40 if row["c"] is None else row["c"]
    colour = {"red": 0.0, "green": 0.4, "blue": -0.7}[row["d"]]
    total = WEIGHTS["a"] * row["a"] + 2.0 * row["b"] - 0.01 * c + colour + math.tanh(row["e"]) - 0.05 * row["g"]
    return total + (0.5 if row["f"] else 0.0)
"""


class TinyService:
    """Serves the small model as the contract says. A test plants a fault by overriding one method."""

    version = 3
    extra = "reject"

    def __init__(self):
        self.columns = {column["name"]: column for column in SIGNATURE["inputs"]}
        self.calls = 0

    def __call__(self, path, body):
        """Return status, body and headers."""
        self.calls += 1
        try:
            rows = self.read(path, json.loads(body, parse_constant=self.constant))
        except (RecursionError, UnicodeDecodeError, json.JSONDecodeError):
            return 400, {"error": "malformed"}
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            return 422, {"error": f"not a request: {error}", "problems": []}
        seen, flags, problems = [], [], []
        for i, row in enumerate(rows):
            new, new_flags, new_problems = self.treat(row)
            seen.append(new)
            flags += [{"row": i, **flag} for flag in new_flags]
            problems += [{"row": i, "value": None, **problem} for problem in new_problems]
        if problems:
            return 422, {"error": "rejected", "problems": problems}
        return 200, self.reply(path, self.predict(seen), flags)

    def constant(self, text):
        return float(text.replace("Infinity", "inf"))

    def read(self, path, data):
        if path.startswith("/v2/models/tiny/"):
            tensors = data["inputs"]
            for tensor in tensors:
                if tensor["shape"] != [len(tensor["data"])] or tensor["datatype"] not in "FP64 INT64 BYTES BOOL":
                    raise ValueError("shape or datatype")
            return self.by_column({tensor["name"]: tensor["data"] for tensor in tensors})
        [(form, table)] = data.items()
        if form in ("dataframe_records", "instances"):
            rows = [dict(row.items()) for row in table]
        elif form == "dataframe_split":
            if len(set(table["columns"])) < len(table["columns"]):
                raise ValueError("a column twice")
            rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
        else:
            rows = self.by_column({"inputs": table}[form])
        if not rows:
            raise ValueError("no rows")
        return rows

    def by_column(self, columns):
        [n] = {len(values) for values in columns.values()}
        if not n:
            raise ValueError("no rows")
        return [{name: values[i] for name, values in columns.items()} for i in range(n)]

    def treat(self, row):
        seen, flags, problems = {}, [], []
        if self.extra == "reject":
            problems += [{"column": name, "problem": "extra"} for name in row if name not in self.columns]
        for name, column in self.columns.items():
            value = row.get(name)
            if value is not None and not self.right_type(column, value):
                problems.append({"column": name, "problem": "type"})
                continue
            reason = self.reason(column, value)
            policy = column.get(f"on_{reason}", "reject") if reason else None
            if policy == "reject":
                problems.append({"column": name, "problem": reason})
            elif policy is not None:
                value = self.apply(column, value, policy)
                flags.append(
                    {"column": name, "policy": str(next(iter(policy)) if isinstance(policy, dict) else policy)}
                )
                flags[-1]["reason"] = reason
            seen[name] = value
        return seen, flags, problems

    def right_type(self, column, value):
        if column["dtype"] in ("string", "bool"):
            return type(value) is {"string": str, "bool": bool}[column["dtype"]]
        if type(value) not in (int, float) or not -sys.float_info.max <= value <= sys.float_info.max:
            return False
        return column["dtype"] == "float" or value % 1 == 0

    def reason(self, column, value):
        if value is None:
            return "missing"
        if isinstance(value, str):
            return None if value in column["categories"] else "out_of_range"
        inside = column.get("min", -math.inf) <= value <= column.get("max", math.inf)
        return None if inside else "out_of_range"

    def apply(self, column, value, policy):
        if policy == "clip":
            return min(max(value, column["min"]), column["max"])
        return policy["impute"] if isinstance(policy, dict) else value

    def predict(self, rows):
        return [self.one(row) for row in rows]

    def one(self, row):
        c = 40 if row["c"] is None else row["c"]
        total = 0.3 * row["a"] + 2 * row["b"] - 0.01 * c + math.tanh(row["e"]) - 0.05 * row["g"]
        return total + {"red": 0.0, "green": 0.4, "blue": -0.7}[row["d"]] + 0.5 * row["f"]

    def reply(self, path, answers, flags):
        if path.startswith("/v2/"):
            output = {"name": "risk", "shape": [len(answers)], "datatype": "FP64", "data": answers}
            return {"outputs": [output], **({"parameters": {"flags": flags}} if flags else {})}
        return {"predictions": answers, **({"flags": flags} if flags else {})}

    def headers(self):
        return {"x-slipway-model": "tiny", "x-slipway-version": str(self.version), "x-slipway-artifact": SHA[7:19]}


def asgi(service):
    """Return the service as an ASGI application; an exception becomes a 500, as servers do."""

    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        try:
            status, data = service(scope["path"], body)
        except Exception as error:  # noqa: BLE001
            status, data = 500, {"error": repr(error)}
        if status is None:
            await asyncio.sleep(data)
        headers = [(k.encode(), v.encode()) for k, v in service.headers().items()]
        await send({"type": "http.response.start", "status": status or 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(data).encode()})

    return app


@contextmanager
def serve(service):
    """Serve on a free loopback port; yield the address and the running server."""
    config = uvicorn.Config(asgi(service), port=0, lifespan="off", log_level="critical", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}", server=server)
    finally:
        server.should_exit = True
        thread.join(10)


def tiny_rows(n=300, seed=5):
    rng = random.Random(seed)
    return [
        {
            "a": rng.uniform(0, 10),
            "b": rng.uniform(-1, 1),
            "c": rng.randint(0, 100),
            "d": rng.choice(["red", "green", "blue"]),
            "e": rng.gauss(0, 2),
            "f": rng.random() < 0.5,
            "g": rng.uniform(0, 10),
        }
        for _ in range(n)
    ]


@pytest.fixture
def tiny(tmp_path):
    """Return the declaration, the version's files and the model's folder."""
    root, folder = tmp_path / "version", tmp_path / "tiny"
    for path in (root / "snapshot", root / "reference", folder):
        path.mkdir(parents=True)
    rows = [*tiny_rows(), {**tiny_rows(1)[0], "a": None}, {**tiny_rows(1)[0], "b": 7.0}]
    pq.write_table(pa.Table.from_pylist([{**row, "y": 0.0} for row in rows]), root / "snapshot" / "holdout.parquet")
    (root / "reference" / "weights.json").write_text('{"a": 0.3}')
    (folder / "reference.py").write_text(REFERENCE)
    files = VersionFiles(subject=Subject(model="tiny", version=3, artifact_sha256=SHA), root=root, run_id="r")
    spec = parse_model(MODEL)
    return SimpleNamespace(
        spec=spec, files=files, folder=folder, signature=spec.to_signature(), base=rows[0], out=tmp_path / "out"
    )


@pytest.fixture
def tiny_service():
    return TinyService


@pytest.fixture
def serving():
    return serve


@pytest.fixture
def gate(tiny, serving):
    def run(service, **options):
        with serving(service) as running:
            return run_scenarios(
                files=tiny.files, spec=tiny.spec, model_folder=tiny.folder, url=running.url, out=tiny.out, **options
            )

    return run
