from __future__ import annotations

from slipway.profiling.callgraph import build
from slipway.profiling.flame import bars, flames
from slipway.profiling.regression import compare


def function(name, own, cumulative, callers=()):
    return {
        "file": f"model/{name}.py",
        "line": 1,
        "name": name,
        "ncalls": 10,
        "primitive_calls": 10,
        "tottime": own,
        "cumtime": cumulative,
        "callers": [
            {"file": f"model/{who}.py", "line": 1, "name": who, "ncalls": 10, "tottime": 0.0, "cumtime": seconds}
            for who, seconds in callers
        ],
    }


def graph(*, slow=0.2):
    """main (1.0 in all) calls left (0.6) and right (0.3); both call leaf, left three times as long as right."""
    return build(
        {
            "requests": 10,
            "functions": [
                function("main", 0.1, 0.9 + slow / 2),
                function("left", 0.4 - 0.15, 0.4, [("main", 0.4)]),
                function("right", 0.4 - 0.05 + slow / 2, 0.4 + slow / 2, [("main", 0.4 + slow / 2)]),
                function("leaf", 0.2, 0.2, [("left", 0.15), ("right", 0.05)]),
            ],
        }
    )


def by_path(found):
    return {(bar.depth, bar.node.function.name, round(bar.start, 3)): bar for bar in found}


def test_what_a_function_calls_lies_below_it_and_within_it():
    found = bars(graph())
    for bar in found:
        if bar.depth == 0:
            continue
        parents = [p for p in found if p.depth == bar.depth - 1 and p.start - 1e-9 <= bar.start]
        assert any(bar.start + bar.width <= p.start + p.width + 1e-9 for p in parents)


def test_a_function_with_two_callers_is_split_as_the_profiler_measured():
    total = graph()
    widths = sorted(bar.width for bar in bars(total) if bar.node.function.name == "leaf")
    assert len(widths) == 2
    assert round(widths[1] / widths[0], 6) == 3


def test_no_bar_stands_outside_the_picture():
    assert all(bar.start >= 0 and bar.start + bar.width <= 1 + 1e-9 for bar in bars(graph()))


def test_a_recursion_is_drawn_once():
    found = bars(
        build(
            {
                "requests": 1,
                "functions": [
                    function("main", 0.1, 1.0),
                    function("walk", 0.9, 0.9, [("main", 0.9), ("walk", 0.5)]),
                ],
            }
        )
    )
    assert [bar.node.function.name for bar in found] == ["main", "walk"]


def test_two_functions_that_call_each_other_end():
    a = function("a", 0.5, 1.0, [("b", 0.9)])
    b = function("b", 0.5, 1.0, [("a", 0.9)])
    assert bars(build({"requests": 1, "functions": [a, b]}))


def test_what_costs_more_is_red_and_what_costs_the_same_is_grey():
    compared = compare([(graph(slow=0.6), graph())] * 12)
    drawn = flames(graph(slow=0.6), compared)
    right = next(part for part in drawn.split("<g>") if "<title>right" in part)
    left = next(part for part in drawn.split("<g>") if "<title>left" in part)
    assert "#d63c32" in right
    assert "#e9ecf0" in left
    assert "+20 ms a request" in right


def test_names_are_escaped():
    found = build({"requests": 1, "functions": [function("<lambda>", 1.0, 1.0)]})
    assert "<lambda>" not in flames(found)
    assert "&lt;lambda&gt;" in flames(found)
