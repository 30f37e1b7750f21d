"""A closed loop, as most load testers run: each caller waits for its answer before it asks again."""

from __future__ import annotations

import http.client
import json
import threading
import time

BODY = json.dumps({"dataframe_records": [{"x": 1.0}]}).encode()
HEADERS = {"Content-Type": "application/json"}


def closed_loop(port: int, *, callers: int, seconds: float, per_s: float | None = None) -> list[float]:
    """Return the latency of each request in ms, as each caller saw it, ascending.

    ``per_s``: how often a caller asks at most; while it waits for an answer, the requests that it would have sent
    meanwhile are never sent. That is what hides a stall.
    """
    found: list[float] = []
    end = time.perf_counter() + seconds

    def ask_on() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        due = time.perf_counter()
        while (begin := time.perf_counter()) < end:
            connection.request("POST", "/invocations", body=BODY, headers=HEADERS)
            connection.getresponse().read()
            found.append((time.perf_counter() - begin) * 1000)
            if per_s is not None:
                due = max(due + 1 / per_s, time.perf_counter())
                time.sleep(max(0.0, due - time.perf_counter()))
        connection.close()

    threads = [threading.Thread(target=ask_on) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)
