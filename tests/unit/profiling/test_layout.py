from __future__ import annotations

from itertools import combinations

from slipway.profiling.layout import arrange

SIZES = [(120.0, 60.0), (200.0, 60.0), (90.0, 60.0), (150.0, 60.0), (80.0, 60.0)]
EDGES = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]


def test_callers_stand_above_what_they_call():
    boxes = arrange(SIZES, EDGES).boxes
    assert all(boxes[a].y < boxes[b].y for a, b in EDGES)


def test_no_two_boxes_overlap():
    boxes = arrange(SIZES, EDGES).boxes.values()
    assert len(boxes) == len(SIZES)
    for a, b in combinations(boxes, 2):
        apart_x = abs(a.x - b.x) >= (a.width + b.width) / 2
        apart_y = abs(a.y - b.y) >= (a.height + b.height) / 2
        assert apart_x or apart_y


def test_everything_lies_inside_the_picture():
    layout = arrange(SIZES, EDGES)
    for box in layout.boxes.values():
        assert box.x - box.width / 2 >= -1e-6
        assert box.x + box.width / 2 <= layout.width + 1e-6
        assert box.y + box.height / 2 <= layout.height + 1e-6


def test_functions_that_call_each_other_are_placed_too():
    layout = arrange(SIZES[:3], [(0, 1), (1, 2), (2, 1)])
    assert set(layout.boxes) == {0, 1, 2}
    assert set(layout.routes) == {(0, 1), (1, 2), (2, 1)}


def test_a_single_function_is_a_picture():
    assert arrange([(100.0, 50.0)], []).width == 100
