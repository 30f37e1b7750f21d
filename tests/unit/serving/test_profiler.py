import pytest

from slipway.serving.profiler import RequestProfiler, short_path


def leaf() -> int:
    return 1


def tree(depth: int) -> int:
    return leaf() if depth == 0 else tree(depth - 1)


def test_calls_and_recursion_are_told_apart():
    profiler = RequestProfiler()
    assert profiler.run(lambda: tree(3)) == 1
    found = {entry["name"]: entry for entry in profiler.to_json()["functions"]}
    assert (found["tree"]["ncalls"], found["tree"]["primitive_calls"]) == (4, 1)
    assert [(caller["name"], caller["ncalls"]) for caller in found["leaf"]["callers"]] == [("tree", 1)]


def test_a_request_that_fails_is_counted_too():
    profiler = RequestProfiler()
    with pytest.raises(ZeroDivisionError):
        profiler.run(lambda: 1 // 0)
    profiler.run(leaf)
    assert profiler.to_json()["requests"] == 2


PATHS = {
    "/x/.venv/lib/python3.11/site-packages/pandas/core/frame.py": "pandas/core/frame.py",
    "/usr/lib/python3/dist-packages/yaml/__init__.py": "yaml/__init__.py",
    "/srv/slipway/serving/app.py": "slipway/serving/app.py",
    "/usr/local/lib/python3.12/json/decoder.py": "python3.12/json/decoder.py",
    "/srv/me/model.py": "model.py",
    "~": "~",
    "": "",
}


@pytest.mark.parametrize(("path", "short"), PATHS.items(), ids=PATHS)
def test_paths_lose_what_differs_between_machines(path, short):
    assert short_path(path) == short
