"""Faults in time: right answers, too late. The declared objectives: p95 200 ms, p99 300 ms, at 20 requests a second."""

from bench.gates.case import Case
from bench.gates.makers import wrapped

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def latency(model, name, why, make, *, stopped_by="load_test"):
    """Return a case whose fault is in time."""
    return Case(name=name, group="latency", model=model, why=why, make=make, stopped_by=stopped_by)


STALL = """
now = time.monotonic()
if now - self.swept > 8.0:
    self.swept = now
    time.sleep(0.8)
""".strip()
# A lock on a file holds across workers too.
ONE_AT_A_TIME = """
with open(__file__) as file:
    self.lock(file, 2)
    time.sleep(0.07)
""".strip()

CASES = (
    latency(
        DIABETES,
        "fixed_delay",
        "Every call takes 400 ms: the p99 objective is broken by a request that is sent alone.",
        wrapped(before="time.sleep(0.4)"),
        stopped_by="run_scenarios",
    ),
    latency(
        TUMOR,
        "delay_just_past_the_objective",
        "Every call takes 220 ms: the p95 objective is broken, the p99 objective is not.",
        wrapped(before="time.sleep(0.22)"),
    ),
    latency(
        DIABETES,
        "slow_tail",
        "One call in sixty-four takes 600 ms: the p99 under load is twice what is declared.",
        wrapped(setup="self.calls = 0", before="self.calls += 1\nif self.calls % 64 == 0:\n    time.sleep(0.6)"),
    ),
    latency(
        TUMOR,
        "slow_on_missing_values",
        "A row with a gap takes 500 ms, a complete one is quick: declared requests break the p99 objective.",
        wrapped(before="if rows.isna().any().any():\n    time.sleep(0.5)"),
    ),
    latency(
        DIABETES,
        "slow_warm_up",
        "Takes forty seconds to load; the declared limit is thirty.",
        wrapped(setup="time.sleep(40)"),
        stopped_by="start_candidate",
    ),
    latency(
        TUMOR,
        "stall",
        "Stands still for 800 ms every eight seconds, as a collection or a lock does: requests queue up behind it.",
        wrapped(setup="self.swept = time.monotonic()", before=STALL),
    ),
    latency(
        DIABETES,
        "slow_under_concurrency",
        "Works 70 ms under one lock: a caller alone is quick, the declared twenty a second are more than it can do.",
        wrapped(setup="import fcntl\nself.lock = fcntl.flock", before=ONE_AT_A_TIME),
    ),
)
