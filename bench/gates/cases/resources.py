"""Faults that only show over time, or under the declared limits: 512 MB, a descriptor and a thread for each need."""

from bench.gates.case import Case
from bench.gates.makers import wrapped

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def resources(model, name, why, make, *, stopped_by="load_test"):
    """Return a case whose fault is in what it uses."""
    return Case(name=name, group="resources", model=model, why=why, make=make, stopped_by=stopped_by)


CASES = (
    resources(
        DIABETES,
        "memory_leak",
        "Each call keeps half a megabyte: a thousand requests are more than the declared 512 MB.",
        wrapped(setup="self.kept = []", before="self.kept.append(np.ones(2**16))"),
    ),
    resources(
        TUMOR,
        "slow_memory_leak",
        "Each call keeps 64 kB: memory grows with every request, and reaches the limit within minutes.",
        wrapped(setup="self.kept = []", before="self.kept.append(np.ones(2**13))"),
    ),
    resources(
        DIABETES,
        "cache_without_a_bound",
        "Keeps 100 kB for each different row: memory grows for as long as new rows come, and not with the same ones.",
        wrapped(setup="self.kept = {}", before="self.kept.setdefault(rows.to_json(), np.ones(12_800))"),
    ),
    resources(
        TUMOR,
        "descriptor_leak",
        "Each call leaves a file open: the number of descriptors grows with every request.",
        wrapped(setup="self.kept = []", before="self.kept.append(open(__file__))"),
    ),
    resources(
        DIABETES,
        "threads_pile_up",
        "Each call starts a thread that does not end: their number grows until none can be started.",
        wrapped(
            setup="import threading\nself.thread = threading.Thread",
            before="self.thread(target=time.sleep, args=(3600,), daemon=True).start()",
        ),
    ),
    resources(
        TUMOR,
        "exceeds_its_memory_limit",
        "Takes 700 MB when it is loaded; declared are 512.",
        wrapped(setup="self.kept = np.ones(700 * 2**17)"),
    ),
    resources(
        DIABETES,
        "memory_for_large_batches",
        "A batch of more than fifty rows takes 600 MB for a moment; declared are 512 in all.",
        wrapped(before="if len(rows) > 50:\n    scratch = np.ones(600 * 2**17)\n    del scratch"),
    ),
)
