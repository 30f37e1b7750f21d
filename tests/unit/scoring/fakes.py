"""A service that speaks v2 over real HTTP, rows of two columns, and everything that a run needs around them."""

import json
import struct
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from slipway.core.identity import Subject
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.scoring import Interval, Stamp

SUBJECT = Subject(model="churn", version=3, artifact_sha256="sha256:" + "a" * 64, image_digest="sha256:" + "b" * 64)
DAY = Interval(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
STAMP = Stamp(subject=SUBJECT, run_id="scheduled__2026-03-01", scored_at=datetime(2026, 3, 2, 1, tzinfo=UTC))
SIGNATURE = Signature(
    inputs=(
        Column(name="tenure", dtype=DType.FLOAT, min=0, max=100),
        Column(name="calls", dtype=DType.INT, min=0, max=1000, nullable=True, on_missing=Policy.parse("flag")),
    ),
    output=Output(name="p_leaves", min=0, max=1),
)


class FakeService:
    """Answers ``tenure / 100`` to each row; what it does otherwise is set by its attributes.

    Attributes
    ----------
    refuse : callable
        Tells whether it refuses a tenure; it does so with the whole batch, as the real one.
    names_rows : bool
        Whether the refusal names the rows (up to ten).
    early : list of (status, headers)
        What it answers first, before anything else.
    answer : callable
        Makes the answers of the tenures.
    headers : dict
    """

    def __init__(self, subject=SUBJECT):
        self.refuse, self.names_rows, self.early, self.requests = (lambda tenure: False), True, [], []
        self.answer = lambda tenures: tenures / 100
        self.headers = {
            "x-slipway-model": subject.model,
            "x-slipway-version": str(subject.version),
            "x-slipway-artifact": "a" * 12,
        }
        self.lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body leave in one packet: no delayed acknowledgement in between

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, content = service.respond(self.path, body, self.headers)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, path, body, headers):
        with self.lock:
            self.requests.append((path, dict(headers), body))
            if self.early:
                status, more = self.early.pop(0)
                return status, {**self.headers, **more}, b'{"error": "come back later"}'
        rows = self.rows(body, headers.get("Inference-Header-Content-Length"))
        bad = [row for row, tenure in enumerate(rows) if self.refuse(tenure)]
        if bad:
            problems = [{"row": r, "column": "tenure", "problem": "is odd", "value": 1} for r in bad[:10]]
            told = {"error": "the rows break the model", "problems": problems if self.names_rows else []}
            return 422, self.headers, json.dumps(told).encode()
        data = np.asarray(self.answer(np.array(rows)), dtype="<f8").tobytes()
        tensor = {
            "name": "p_leaves",
            "shape": [len(data) // 8],
            "datatype": "FP64",
            "parameters": {"binary_data_size": len(data)},
        }
        head = json.dumps({"model_name": "churn", "outputs": [tensor]}).encode()
        return 200, {**self.headers, "Inference-Header-Content-Length": str(len(head))}, head + data

    @staticmethod
    def rows(body, length):
        if length is None:
            return next(tensor["data"] for tensor in orjson.loads(body)["inputs"] if tensor["name"] == "tenure")
        (tensor,) = orjson.loads(body[: int(length)])["inputs"]
        rows, width = tensor["shape"]
        values = struct.unpack(f"<{rows * width}d", body[int(length) :])
        return list(values[::width])

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def at(hour, *, day=1):
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour)


def rows(count, *, start=0, hours=24, **columns):
    """Return a table of rows spread over the day, their number as the key."""
    numbers = np.arange(start, start + count)
    given = {
        "customer": pa.array(numbers),
        "day": pa.array([at(hours * n / max(1, count)) for n in range(count)], pa.timestamp("us", tz="UTC")),
        "tenure": pa.array((numbers % 100).astype(float)),
        "calls": pa.array(numbers % 7),
        "name": pa.array([f"n{n}" for n in numbers]),
    }
    return pa.table({**given, **columns})


def write(folder, table, name="a.parquet", *, group_rows=100):
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / name, row_group_size=group_rows)
