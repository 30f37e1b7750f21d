from __future__ import annotations

import pytest

from slipway.errors import ServiceError
from slipway.profiling.callgraph import Function, Origin, build, hot_functions, prune

ENTRY = ("slipway/serving/app.py", 1, "handle")
PIPE = ("sklearn/pipeline.py", 2, "predict")
TREE = ("sklearn/tree.py", 3, "walk")
JSON = ("python3.11/json/decoder.py", 4, "decode")
LEN = ("~", 0, "<built-in method builtins.len>")
SLEEP = ("~", 0, "<built-in method time.sleep>")


def place(function):
    return dict(zip(("file", "line", "name"), function, strict=True))


def entry(function, calls, own, cumulative, callers=()):
    return {
        **place(function),
        "ncalls": calls,
        "primitive_calls": calls,
        "tottime": own,
        "cumtime": cumulative,
        "callers": [{**place(f), "ncalls": n, "tottime": o, "cumtime": c} for f, n, o, c in callers],
    }


def profile(requests=10):
    """1 s in all: 0.7 in the trees, 0.1 in json, 0.15 passing on, 0.05 in len, called by two functions."""
    return {
        "requests": requests,
        "wall_seconds": 1.0,
        "functions": [
            entry(ENTRY, 10, 0.05, 1.0),
            entry(PIPE, 10, 0.1, 0.85, [(ENTRY, 10, 0.1, 0.85)]),
            entry(TREE, 1000, 0.7, 0.74, [(PIPE, 1000, 0.7, 0.74)]),
            entry(JSON, 10, 0.1, 0.1, [(ENTRY, 10, 0.1, 0.1)]),
            entry(LEN, 2000, 0.05, 0.0499, [(TREE, 1600, 0.04, 0.04), (PIPE, 400, 0.01, 0.01)]),
        ],
    }


def test_calls_and_milliseconds_are_per_request():
    node = build(profile()).node(Function(*TREE))
    assert node.calls == 100
    assert node.cumulative_ms == pytest.approx(74)


def test_own_shares_add_up_to_the_whole():
    assert sum(node.own_share for node in build(profile()).nodes) == pytest.approx(1)


def test_a_small_built_in_counts_as_its_callers_own_time():
    graph = build(profile())
    assert Function(*LEN) not in {node.function for node in graph.nodes}
    assert graph.node(Function(*TREE)).own_share == pytest.approx(0.74)
    assert graph.node(Function(*PIPE)).own_share == pytest.approx(0.11)


def test_a_large_built_in_stays_in_the_graph_and_is_named():
    slow = profile()
    slow["functions"].append(entry(SLEEP, 10, 4.0, 4.0, [(ENTRY, 10, 4.0, 4.0)]))
    graph = build(slow)
    assert graph.rate_limiting.function.label == "time.sleep"
    assert graph.sentence().startswith("80 % of the time is spent in time.sleep itself")


def test_the_sentence_names_the_hottest_function_its_share_and_its_calls():
    text = build(profile()).sentence()
    assert text.startswith("74 % of the time is spent in walk itself (sklearn.tree:3), called 100 times a request")


def test_without_a_hot_function_the_last_one_that_holds_most_of_the_time_limits_the_rate():
    flat = profile()
    flat["functions"][2]["tottime"] = 0.05
    for i in range(12):
        leaf = ("sklearn/leaf.py", i, f"leaf{i}")
        flat["functions"].append(entry(leaf, 10, 0.05, 0.05, [(TREE, 10, 0.05, 0.05)]))
    graph = build(flat)
    assert graph.hottest.own_share < 0.2
    assert graph.rate_limiting.function == Function(*TREE)
    assert "No single function dominates" in graph.sentence()


def test_pruning_keeps_what_is_significant_and_only_its_edges():
    graph = prune(build(profile()), node_share=0.2)
    assert [node.function.name for node in graph.nodes] == ["handle", "predict", "walk"]
    assert {(e.caller.name, e.callee.name) for e in graph.edges} == {("handle", "predict"), ("predict", "walk")}


def test_a_picture_has_a_limit_of_functions():
    assert len(prune(build(profile()), limit=2).nodes) == 2


def test_hot_functions_come_by_own_time():
    assert [n.function.name for n in hot_functions(build(profile()), 2)] == ["walk", "predict"]


ORIGINS = {
    "ours": (ENTRY, Origin.SERVING),
    "ours, in a container": (("/app/include/slipway/serving/app.py", 1, "f"), Origin.SERVING),
    "the model's library": (PIPE, Origin.MODEL),
    "installed library": (("/opt/venv/lib/python3.11/site-packages/sklearn/base.py", 1, "f"), Origin.MODEL),
    "standard library": (JSON, Origin.PYTHON),
    "standard library by its path": (("/usr/lib/python3.11/json/decoder.py", 1, "f"), Origin.PYTHON),
    "frozen import": (("<frozen importlib._bootstrap>", 1, "f"), Origin.PYTHON),
    "web server": (("uvicorn/main.py", 1, "f"), Origin.SERVER),
    "C": (LEN, Origin.BUILTIN),
}


@pytest.mark.parametrize(("function", "origin"), ORIGINS.values(), ids=ORIGINS)
def test_a_function_belongs_to_whoever_wrote_it(function, origin):
    assert Function(*function).origin is origin


BROKEN = {
    "no requests": {"requests": 0, "functions": []},
    "no functions": {"requests": 3},
    "not a mapping": {"requests": 3, "functions": [3]},
    "no time": {"requests": 3, "functions": [entry(ENTRY, 1, 0, 0)]},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_a_profile_that_says_nothing_is_an_error(document):
    with pytest.raises(ServiceError):
        build(document)
