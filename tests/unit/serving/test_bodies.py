"""A body is what came, however it was cut and whatever length was told."""

import pytest

from slipway.serving.bodies import LARGE, Assembly

WHOLE = bytes(range(256)) * (LARGE // 256) + b"end"


@pytest.mark.parametrize("announced", [0, 10, LARGE, len(WHOLE) - 1, len(WHOLE), len(WHOLE) + 1, 2 * len(WHOLE)])
@pytest.mark.parametrize("step", [1000, 65_536, len(WHOLE)])
@pytest.mark.parametrize("size", [0, 7, LARGE, len(WHOLE)])
def test_it_is_the_pieces_one_after_the_other(announced, step, size):
    body = Assembly(announced)
    for start in range(0, size, step):
        body.add(WHOLE[start : min(start + step, size)])
    assert bytes(body.whole()) == WHOLE[:size]


def test_two_bodies_share_no_memory():
    one, other = Assembly(LARGE), Assembly(LARGE)
    one.add(b"a" * LARGE)
    other.add(b"b" * LARGE)
    assert (bytes(one.whole()), bytes(other.whole())) == (b"a" * LARGE, b"b" * LARGE)
