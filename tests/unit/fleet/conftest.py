"""A model that is champion, serves, was load-tested and watched: tests change one thing of it."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.fleet.rows import Row
from slipway.fleet.values import Champion, Declared, Ended, Known, Live, Load, Summary, Watched

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARTIFACT, IMAGE = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def days_ago(days):
    return NOW - timedelta(days=days)


def a_load(version=3, **changes):
    found = {"version": version, "at": days_ago(10), "outcome": "PASSED", "p95": 60.0, "p99": 110.0}
    return Load(**(found | {"p95_limit": 170.0, "p99_limit": 270.0} | changes))


def a_declared(model="churn", **changes):
    found = {"model": model, "purpose": "Tells who will leave.", "team": "growth", "contact": "g@example.org"}
    known = {"tier": "medium", "p95_ms": 170.0, "p99_ms": 270.0, "keep_versions": 2, "keep_days": 365}
    return Declared(**(found | known | {"monitored": True} | changes))


def a_summary(model="churn", **changes):
    versions = {n: Known(since=days_ago(100 - n), artifact_sha256=ARTIFACT) for n in (1, 2, 3)}
    live = Live(
        version=3, artifact_sha256=ARTIFACT, image_digest=IMAGE, since=days_ago(10), seq=9, kind="deployment",
        actor="ada", release="r3",
    )  # fmt: skip
    found = {
        "model": model,
        "entries": 9,
        "last_seq": 9,
        "last_at": days_ago(10),
        "champion": Champion(version=3, artifact_sha256=ARTIFACT, since=days_ago(10)),
        "live": live,
        "release": Ended(release="r3", version=3, at=days_ago(10), outcome="PASSED", step="deploy"),
        "loads": (a_load(),),
        "versions": versions,
    }
    return Summary(**(found | changes))


@pytest.fixture
def a_row():
    def make(model="churn", *, declared=None, summary=None, watched="quiet", at=NOW, folder=True):
        quiet = Watched(day=days_ago(1).date().isoformat())
        return Row(
            declared=a_declared(model, **(declared or {})),
            summary=a_summary(model, **(summary or {})),
            watched=quiet if watched == "quiet" else watched,
            at=at,
            folder=folder,
        )

    return make
