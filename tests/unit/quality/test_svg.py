import xml.etree.ElementTree as ElementTree

import pytest

from slipway.quality.svg import Bar, Frame, Spread, bars, forest, histogram, interval, overlaid

NASTY = "<script>alert('x')</script> & \"more\""


def test_text_cannot_become_markup():
    drawn = bars([Bar(NASTY, 1.0)]) + Frame(x=(0, 1), y=(0, 1), x_name=NASTY, y_name=NASTY).draw()
    assert "<script" not in drawn


CHARTS = {
    "bars": bars([Bar("a", 0.5, limit=0.4), Bar("b", None), Bar("c", -0.2)]),
    "equal bars at zero": bars([Bar("a", 0.0)]),
    "histogram": histogram([1, 0, 3], [0.0, 1.0, 2.0, 3.0]),
    "empty histogram": histogram([0, 0], [0.0, 0.5, 1.0]),
    "overlaid": overlaid([0.2, 0.8, 0.0], [0.1, 0.4, 0.5]),
    "overlaid nothing": overlaid([0.0], [0.0]),
    "forest": forest(
        [Spread(label="a", low=-1, value=0.5, high=2, beside=0.1), Spread(label="b", low=0, value=0, high=0)]
    ),
    "interval": interval(-0.1, 0.0, 0.1, limit=-0.05),
    "interval of nothing": interval(0.0, 0.0, 0.0, limit=0.0),
    "curve": Frame(x=(0, 1), y=(0, 1)).draw(Frame(x=(0, 1), y=(0, 1)).curve([(0, 0), (1, 1)])),
    "dots on one point": Frame(x=(3, 3), y=(3, 3)).draw(Frame(x=(3, 3), y=(3, 3)).dots([(3, 3)])),
}


@pytest.mark.parametrize("drawn", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_well_formed_and_has_finite_numbers(drawn):
    ElementTree.fromstring(drawn)
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_no_bars_are_no_chart():
    assert bars([Bar("a", None)]) == ""


def test_no_parts_are_no_forest():
    assert forest([]) == ""
