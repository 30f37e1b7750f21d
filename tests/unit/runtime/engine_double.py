"""A container engine of which only the front door is real: it answers over HTTP, as the real one does."""

import http.server
import json
import threading
from urllib.parse import parse_qs, unquote, urlsplit


class EngineDouble(http.server.ThreadingHTTPServer):
    """Knows some images; pulls what its registry has."""

    def __init__(self, images=(), registry=()):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.images, self.registry, self.pulls = set(images), set(registry), []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self.server_port}"

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path.endswith("/_ping"):
            self._answer(200, "OK")
        elif path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.41", "Version": "double"})
        else:
            name = path.partition("/images/")[2].removesuffix("/json")
            known = name in self.server.images
            self._answer(200 if known else 404, {"Id": name, "message": f"No such image: {name}"})

    def do_POST(self):
        query = parse_qs(urlsplit(self.path).query)
        name = f"{query['fromImage'][0]}:{query['tag'][0]}"
        self.server.pulls.append(name)
        if name in self.server.registry:
            self.server.images.add(name)
            self._answer(200, {"status": "Downloaded"})
        else:
            self._answer(500, {"message": "lookup registry: no such host"})

    def _answer(self, status, body):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
