"""Which tests need a container engine, and what its absence means.

``SLIPWAY_RUNTIME=process`` says that there is none and leaves the tests marked ``docker`` out; otherwise a missing
engine is a failure, not a skip.
"""

import os

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores: more threads would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

PROCESS_ONLY = os.environ.get("SLIPWAY_RUNTIME") == "process"


def pytest_collection_modifyitems(config, items):
    if not PROCESS_ONLY:
        return
    left_out = [item for item in items if item.get_closest_marker("docker")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("docker")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What a test logged may be no text that a worker could send, for instance half of a surrogate pair."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
