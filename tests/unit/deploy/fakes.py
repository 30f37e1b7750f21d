"""Stand-ins with real interfaces: tiny HTTP services, a runtime that starts them, a proxy that reads Envoy's files."""

import contextlib
import itertools
import json
import random
import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from slipway.core.golden import Golden, Tolerance
from slipway.core.identity import Subject, digest_bytes
from slipway.core.service import BuiltImage, RuntimeName, ServiceHandle, ServiceSpec
from slipway.core.spec import ModelSpec
from slipway.deploy.smoke import make_client
from slipway.errors import ServiceError

ARTIFACT = digest_bytes(b"artifact")


def answer(version, x):
    """What version ``version`` of the model answers for ``x``."""
    return x * 10 + version


def golden(version, rows=20):
    return Golden(
        rows=tuple({"x": x} for x in range(rows)),
        answers=tuple(float(answer(version, x)) for x in range(rows)),
        tolerance=Tolerance(absolute=1e-9, relative=0),
    )


def image(version, *, build=0):
    digest = digest_bytes(f"image {version} {build}".encode())
    return BuiltImage(
        digest=digest, reference=digest, runtime=RuntimeName.PROCESS, python_version="3.11", lock_sha256=ARTIFACT
    )


def subject(version, *, build=0):
    whole = Subject(model="churn", version=version, artifact_sha256=ARTIFACT)
    return whole.with_image(image(version, build=build).digest)


def spec(watch_seconds=0.3, **deployment):
    whole = ModelSpec.model_validate(
        {
            "name": "churn",
            "purpose": "tests",
            "owner": {"team": "t", "contact": "c"},
            "risk_tier": "low",
            "dataset": "customers",
            "registered_model": "churn",
            "task": "regression",
            "signature": {"inputs": [{"name": "x", "dtype": "float"}], "output": {"name": "y"}},
            "quality": {"label": "y", "metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse"},
            "objectives": {"startup_seconds": 2},
            "deployment": deployment,
        }
    )
    # Shorter than a declaration may say, so that the tests are quick.
    return whole.model_copy(update={"deployment": whole.deployment.model_copy(update={"watch_seconds": watch_seconds})})


class QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))


class Server(ThreadingHTTPServer):
    """Serves in a thread; :meth:`kill` also cuts every open connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler, port=0):
        self.connections = set()
        super().__init__(("127.0.0.1", port), handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # a connection that was cut

    def kill(self):
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Behaviour:
    """How a version's service behaves; counts are of requests."""

    starts: bool = True
    becomes_ready: bool = True
    wrong_from: int | None = None
    fails_from: int | None = None
    dies_at: int | None = None
    says_version: int | None = None
    seconds: float = 0.0


class Service:
    def __init__(self, version, behaviour):
        self.version, self.behaviour, self.requests, self.alive = version, behaviour, 0, True
        self.busy = 0
        service = self

        class Handler(QuietHandler):
            def do_GET(self):
                self.reply(200, {"ready": True})

            def do_POST(self):
                service.answer(self)

        self.server = Server(Handler)

    def answer(self, handler):
        self.requests += 1
        number, how = self.requests, self.behaviour
        rows = json.loads(handler.body())["dataframe_records"]
        self.busy += 1
        time.sleep(how.seconds)
        self.busy -= 1
        if how.dies_at is not None and number >= how.dies_at:
            threading.Thread(target=self.kill, daemon=True).start()
            handler.close_connection = True
            return
        headers = {"x-slipway-version": str(how.says_version or self.version)}
        if how.fails_from is not None and number >= how.fails_from:
            handler.reply(500, {"error": "out of order"}, headers)
            return
        off = 1000 if how.wrong_from is not None and number >= how.wrong_from else 0
        handler.reply(200, {"predictions": [answer(self.version, row["x"]) + off for row in rows]}, headers)

    def kill(self):
        if self.alive:
            self.alive = False
            self.server.kill()


class FakeRuntime:
    """Implements slipway.core.service.Runtime with services in threads."""

    name = RuntimeName.PROCESS

    def __init__(self, behaviours=None):
        self.behaviours = behaviours or {}
        self.services = {}
        self.handles = {}
        self.specs = {}
        self.started, self.stopped = [], []
        self._ids = itertools.count(1)

    def start(self, spec: ServiceSpec):
        old = self.find(spec.name)
        if old:
            self.stop(old)
        behaviour = self.behaviours.get(spec.subject.version, Behaviour())
        if not behaviour.starts:
            raise ServiceError(f"{spec.name} did not start", remedy="read its log")
        service = Service(spec.subject.version, behaviour)
        handle = ServiceHandle(
            runtime=self.name,
            name=spec.name,
            id=str(next(self._ids)),
            host="127.0.0.1",
            port=service.server.port,
            image_digest=spec.image.digest,
        )
        self.services[handle.id], self.handles[handle.id], self.specs[handle.id] = service, handle, spec
        self.started.append(spec.subject.version)
        return handle

    def wait_ready(self, handle, *, timeout_s):
        if not self.services[handle.id].behaviour.becomes_ready:
            raise ServiceError(f"{handle.name} was not ready within {timeout_s:g} s", remedy="read its log")
        return 0.0

    def is_alive(self, handle):
        service = self.services.get(handle.id)
        return service is not None and service.alive

    def stop(self, handle, *, grace_s=10):
        service = self.services.get(handle.id)
        if service and service.alive:
            service.kill()
            self.stopped.append(service.version)

    def find(self, name):
        return next((h for h in self.list() if h.name == name), None)

    def list(self):
        return [handle for handle in self.handles.values() if self.is_alive(handle)]

    def logs(self, handle, *, max_bytes=20_000):
        return ""

    def peak_memory_mb(self, handle):
        return None

    def close(self):
        for service in self.services.values():
            service.kill()

    def running(self):
        """Versions that run, sorted."""
        return sorted(self.services[handle.id].version for handle in self.list())


class FakeEnvoy:
    """Answers as Envoy's admin interface and proxies by the files of the gateway's folder.

    ``mood``: ``well`` takes every change, ``deaf`` takes none, ``refuses`` rejects routes that say ``new-``.
    """

    def __init__(self, folder: Path):
        self.folder, self.mood = folder, "well"
        self.rds = self.cds = {"version_info": "", "resources": []}
        self.rejected = {}
        self.chance = random.Random(1)
        self.client = make_client("http:")
        fake = self

        class Admin(QuietHandler):
            def do_GET(self):
                fake.take()
                self.reply(200, fake.admin(self.path))

        class Proxy(QuietHandler):
            def do_POST(self):
                self.pass_on(self.body())

            def do_GET(self):
                self.pass_on(None)

            def pass_on(self, body):
                fake.take()
                status, body, headers = fake.proxy(self.path, body)
                self.reply(status, body, headers)

        self.admin_server, self.server = Server(Admin), Server(Proxy)
        self.admin_url = f"http://127.0.0.1:{self.admin_server.port}"
        self.url = f"http://127.0.0.1:{self.server.port}"

    def take(self):
        if self.mood == "deaf":
            return
        cds, rds = (self.folder / "xds" / name for name in ("cds.json", "rds.json"))
        if cds.exists():
            self.cds = json.loads(cds.read_text())
        if rds.exists():
            routes = json.loads(rds.read_text())
            if self.mood == "refuses" and routes["version_info"].startswith("new-"):
                self.rejected = {"version_info": routes["version_info"], "details": "a field that it does not know"}
            else:
                self.rds = routes

    def admin(self, path):
        if "dynamic_active_clusters" in path:
            return {"configs": [{"cluster": cluster} for cluster in self.cds["resources"]]}
        if "dynamic_route_configs" in path:
            return {"configs": [{"version_info": self.rds["version_info"], "error_state": self.rejected}]}
        return {"cluster_statuses": []}

    def proxy(self, path, body):
        for route in self.rds["resources"][0]["virtual_hosts"][0]["routes"] if self.rds["resources"] else []:
            prefix = route["match"].get("prefix", "no such")
            if not path.startswith(prefix):
                continue
            if "direct_response" in route:
                return route["direct_response"]["status"], {"error": "direct"}, {}
            return self._forward(route["route"], "/" + path.removeprefix(prefix), body)
        return 404, {"error": "no route"}, {}

    def _forward(self, action, path, body):
        shares = action["weighted_clusters"]["clusters"]
        (share,) = self.chance.choices(shares, [s["weight"] for s in shares])
        address = next(c for c in self.cds["resources"] if c["name"] == share["name"])["load_assignment"]
        where = address["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        try:
            method = "GET" if body is None else "POST"
            got = self.client.request(method, f"http://{where['address']}:{where['port_value']}{path}", content=body)
        except httpx.HTTPError as error:
            return 503, {"error": str(error)}, {"x-slipway-backend": share["name"]}
        kept = {k: v for k, v in got.headers.items() if k == "x-slipway-version"}
        return got.status_code, got.content, {**kept, "x-slipway-backend": share["name"]}

    def close(self):
        self.admin_server.kill()
        self.server.kill()


class Hammer:
    """A client that asks without pause until it is stopped; remembers everything that was not a 200.

    ``failed_at`` holds, for each failure, when its request was begun.
    """

    def __init__(self, url, *, threads=2):
        self.url, self.failures, self.failed_at, self.versions, self.count = url, [], [], [], 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self):
        with httpx.Client(trust_env=False, timeout=10, verify=False) as client:
            while not self._stop.is_set():
                begun = time.monotonic()
                try:
                    got = client.post(f"{self.url}/invocations", json={"dataframe_records": [{"x": 3}]})
                except httpx.HTTPError as error:
                    self._failed(begun, repr(error))
                    continue
                self.count += 1
                version = got.headers.get("x-slipway-version")
                self.versions.append(version)
                if got.status_code != 200:
                    self._failed(begun, (got.status_code, got.text, got.headers.get("x-slipway-backend")))
                elif got.json()["predictions"] != [answer(int(version), 3)]:
                    self._failed(begun, ("wrong", version, got.text))

    def _failed(self, begun, what):
        self.failed_at.append(begun)
        self.failures.append(what)
